import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { NO_COUNTS } from '../model/outcome.ts';
import {
  NO_TOTALS,
  type AttemptRecord,
  type RowRecord,
  type RunRecord,
  type StageRecord,
} from '../model/run-record.ts';

/** One line of a run's records. */
export type RecordLine =
  | ({ readonly record: 'stage' } & StageRecord)
  | ({ readonly record: 'attempt' } & AttemptRecord)
  | ({ readonly record: 'row' } & RowRecord);

const gzipInThread = promisify(gzip);
/** Below it compressing here is cheaper than a way to a thread and back. */
const SMALL = 64 << 10;

/** Lines as a compressed piece; larger ones are compressed in a thread. */
export async function packLines(lines: readonly string[]): Promise<Uint8Array> {
  const text = Buffer.from(`${lines.join('\n')}\n`);
  return text.length < SMALL ? gzipSync(text, { level: 1 }) : gzipInThread(text, { level: 1 });
}

/** The values of a compressed piece; a damaged piece has none, a damaged line is skipped. */
export function unpackLines(bytes: Uint8Array): readonly unknown[] {
  let text: string;
  try {
    text = gunzipSync(bytes).toString();
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const value = parseJson(line);
    return value === undefined ? [] : [value];
  });
}

/** What a head says; undefined where it isn't one. Fields that a later version added stay in the object. */
export function parseHead(bytes: Uint8Array): RunRecord | undefined {
  const head = parseJson(Buffer.from(bytes).toString()) as Partial<RunRecord> | undefined;
  if (typeof head !== 'object' || typeof head.id !== 'string' || typeof head.start !== 'number')
    return undefined;
  if (typeof head.process !== 'object' || typeof head.state !== 'string') return undefined;
  return {
    ...(head as RunRecord),
    counts: { ...NO_COUNTS, ...head.counts },
    totals: { ...NO_TOTALS, ...head.totals },
    stages: Array.isArray(head.stages) ? head.stages : [],
  };
}

/** JSON or undefined. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}
