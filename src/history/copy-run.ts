import type { RunRecord } from '../model/run-record.ts';
import type { HistoryOptions } from './history-options.ts';
import { headName, logName, logsPrefix, readLogName, recordsName, recordsPrefix } from './record-names.ts';

/** Where records lie: what a history needs of a store. */
export type RecordFiles = HistoryOptions['store'];

/** Small pieces become one up to this many compressed bytes: a loud run of an hour has thousands. */
const PIECE_BYTES = 4 << 20;

/**
 * Copies the records and logs of a run that has ended to another store, the head last, so that a run which is listed there can
 * be read. `run` is written as it is given. One that isn't at `from` is passed over; one that is there already costs one request. Pieces are merged (gzip members
 * one after the other are a gzip file), so that it takes few requests.
 */
export async function copyRun(from: RecordFiles, to: RecordFiles, run: RunRecord): Promise<void> {
  const head = headName(run.id);
  if ((await from.readFile(head)) === undefined || (await to.readFile(head)) !== undefined) return;
  const records = mergePieces(from, await from.listFiles(recordsPrefix(run.id)));
  let n = 0;
  for await (const { bytes } of records) await to.writeFile(recordsName(run.id, ++n), bytes);
  const logs = new Map<string, { name: string; n: number }[]>();
  for (const name of await from.listFiles(logsPrefix(run.id))) {
    const log = readLogName(name);
    if (log === undefined) continue;
    const pieces = logs.get(log.stage) ?? [];
    logs.set(log.stage, pieces);
    pieces.push({ name, n: log.n });
  }
  for (const [stage, pieces] of logs) {
    pieces.sort((a, b) => a.n - b.n);
    const merged = mergePieces(
      from,
      pieces.map(({ name }) => name),
    );
    for await (const { first, bytes } of merged)
      await to.writeFile(logName(run.id, stage, { batch: '0', n: pieces[first]?.n ?? 0 }), bytes);
  }
  await to.writeFile(head, Buffer.from(`${JSON.stringify(run)}\n`));
}

interface Merged {
  /** Index of the first name in it. */
  readonly first: number;
  readonly bytes: Uint8Array;
}

async function* mergePieces(from: RecordFiles, names: readonly string[]): AsyncGenerator<Merged> {
  let first = 0;
  let held: Uint8Array[] = [];
  let size = 0;
  for (const [index, name] of names.entries()) {
    const bytes = await from.readFile(name);
    if (bytes === undefined) continue;
    held.push(bytes);
    size += bytes.length;
    if (size < PIECE_BYTES) continue;
    yield { first, bytes: Buffer.concat(held) };
    [first, held, size] = [index + 1, [], 0];
  }
  if (held.length > 0) yield { first, bytes: Buffer.concat(held) };
}
