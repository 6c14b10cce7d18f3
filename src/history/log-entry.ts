import { crc32 } from 'node:zlib';
import type { RunCounts } from '../model/outcome.ts';
import { parentOf } from '../model/repo-path.ts';
import type { AttemptRecord, RunRecord, RunState } from '../model/run-record.ts';
import { hashText } from '../util/text-hash.ts';
import { ulidTime } from '../util/ulid.ts';
import { parseHead, type RecordLine } from './record-text.ts';

/*
 * One run in the log's index, in little-endian bytes:
 *
 *     length and CRC-32 of what follows   4 + 4
 *     run                                 26
 *     state                               1   index in STATES
 *     branch                              2 + text
 *     end                                 8   epoch milliseconds; NaN where none is known
 *     stages                              2 + (2 + text, seconds 8, counts 4 each of COUNTS) each
 *     attempts                            4 + 11 each: stage 2, state 1, start after the run's own 4, milliseconds 4
 *     paths                               4 + 8 each: hashes of the files that the run put in place, and of their folders
 *     head                                the rest: the run as JSON, without its trees
 */

const STATES: readonly RunState[] = ['running', 'done', 'failed', 'cancelled', 'lost', 'detached'];
const ATTEMPT_STATES: readonly AttemptRecord['state'][] = ['ok', 'failed', 'waiting'];
const COUNTS = ['planned', 'ran', 'cached', 'identical', 'failed'] as const;
const SUMS = 8 + 4 * COUNTS.length;
const FRAME = 8;
const RUN = 26;
const ATTEMPT = 11;
const PATH = 8;
const UINT32 = 0xffff_ffff;

/** What of an attempt is in the index. Times are epoch milliseconds. */
export interface AttemptTime {
  readonly stage: string;
  readonly state: AttemptRecord['state'];
  readonly started: number;
  readonly ended: number;
}

/** What is summed up of a run. Times are epoch milliseconds. */
export interface RunSum {
  readonly state: RunState;
  readonly start: number;
  readonly end: number | undefined;
  readonly stages: readonly StageSum[];
  readonly attempts: readonly AttemptTime[];
}

/** What is summed up of a stage in a run. */
export interface StageSum {
  readonly stage: string;
  readonly seconds: number;
  readonly counts: Pick<RunCounts, (typeof COUNTS)[number]>;
}

/** What a run did, collected while it is recorded or from its records. */
export class RunTrace {
  readonly #attempts: AttemptTime[] = [];
  readonly #paths = new Set<number>();
  readonly #folders = new Set<string>();

  add(line: RecordLine): void {
    if (line.record === 'attempt') {
      const { stage, state, started, ended } = line;
      this.#attempts.push({ stage, state, started, ended });
    } else if (line.record === 'row') {
      for (const path of Object.keys(line.outs)) this.#addPath(path);
    }
  }

  #addPath(path: string): void {
    this.#paths.add(hashText(path));
    for (
      let folder = parentOf(path);
      folder !== '' && !this.#folders.has(folder);
      folder = parentOf(folder)
    ) {
      this.#folders.add(folder);
      this.#paths.add(hashText(folder));
    }
  }

  /** The run's bytes in the index. */
  encode(head: RunRecord): Buffer {
    const names = new Set([...head.stages, ...this.#attempts].map(({ stage }) => stage));
    const indexes = new Map([...names].map((name, index) => [name, index]));
    const start = ulidTime(head.id);
    const stages = head.stages.map((stage) => ({ ...stage, trees: {} }));
    const attempts = Buffer.allocUnsafe(this.#attempts.length * ATTEMPT);
    this.#attempts.forEach((attempt, at) => {
      const offset = at * ATTEMPT;
      attempts.writeUInt16LE(indexes.get(attempt.stage) ?? 0, offset);
      attempts.writeUInt8(Math.max(0, ATTEMPT_STATES.indexOf(attempt.state)), offset + 2);
      attempts.writeUInt32LE(clamp(attempt.started - start), offset + 3);
      attempts.writeUInt32LE(clamp(attempt.ended - attempt.started), offset + 7);
    });
    const paths = Buffer.allocUnsafe(this.#paths.size * PATH);
    let at = 0;
    for (const hash of this.#paths) at = paths.writeDoubleLE(hash, at);
    const body = Buffer.concat([
      Buffer.from(head.id, 'latin1'),
      Buffer.of(STATES.indexOf(head.state)),
      shortText(head.branch),
      float64(head.end ?? NaN),
      uint16(names.size),
      ...[...names].flatMap((name) => [
        shortText(name),
        sumsOf(head.stages.find(({ stage }) => stage === name)),
      ]),
      uint32(this.#attempts.length),
      attempts,
      uint32(this.#paths.size),
      paths,
      Buffer.from(JSON.stringify({ ...head, stages })),
    ]);
    return Buffer.concat([uint32(body.length), uint32(crc32(body)), body]);
  }
}

/** A run as the index has it; what isn't asked for isn't decoded. */
export class LogEntry {
  readonly run: string;
  readonly state: RunState;
  /** With its frame, as it lies in the file. */
  readonly bytes: Buffer;
  #part: StagePart | undefined;

  /** Of whole bytes, checked by `frameLength`. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.run = bytes.toString('latin1', FRAME, FRAME + RUN);
    this.state = STATES[bytes.readUInt8(FRAME + RUN)] ?? 'lost';
  }

  get branch(): string {
    return this.#text(FRAME + RUN + 1).text;
  }

  /** Stages that have a record or an attempt. */
  get stages(): readonly string[] {
    return this.#stages().names;
  }

  /** What is summed up of the run, with its attempts of the stages that `admits` lets in. */
  sum(admits: (stage: string) => boolean): RunSum {
    const { names, places, ended } = this.#stages();
    const stages = names.map((stage, index) => {
      const at = places[index] ?? 0;
      const count = (nth: number): number => this.bytes.readUInt32LE(at + 8 + 4 * nth);
      const counts = {
        planned: count(0),
        ran: count(1),
        cached: count(2),
        identical: count(3),
        failed: count(4),
      };
      return { stage, seconds: this.bytes.readDoubleLE(at), counts };
    });
    return {
      state: this.state,
      start: ulidTime(this.run),
      end: Number.isNaN(ended) ? undefined : ended,
      stages,
      attempts: this.#attempts(admits),
    };
  }

  #attempts(admits: (stage: string) => boolean): readonly AttemptTime[] {
    const { names, end } = this.#stages();
    const isWanted = names.map(admits);
    const start = ulidTime(this.run);
    const count = this.bytes.readUInt32LE(end);
    const attempts: AttemptTime[] = [];
    for (let index = 0, at = end + 4; index < count; index++, at += ATTEMPT) {
      const stage = this.bytes.readUInt16LE(at);
      if (isWanted[stage] !== true) continue;
      const started = start + this.bytes.readUInt32LE(at + 3);
      attempts.push({
        stage: names[stage] ?? '',
        state: ATTEMPT_STATES[this.bytes.readUInt8(at + 2)] ?? 'failed',
        started,
        ended: started + this.bytes.readUInt32LE(at + 7),
      });
    }
    return attempts;
  }

  /** Whether the run put a file in place, or removed one, whose path or folder has this hash. */
  touches(hash: number): boolean {
    const { at, count } = this.#paths();
    for (let index = 0; index < count; index++)
      if (this.bytes.readDoubleLE(at + index * PATH) === hash) return true;
    return false;
  }

  /** The run with its stages, their trees left out; undefined where the bytes aren't one. */
  head(): RunRecord | undefined {
    const { at, count } = this.#paths();
    return parseHead(this.bytes.subarray(at + count * PATH));
  }

  #text(at: number): { readonly text: string; readonly end: number } {
    const end = at + 2 + this.bytes.readUInt16LE(at);
    return { text: this.bytes.toString('utf8', at + 2, end), end };
  }

  #stages(): StagePart {
    return (this.#part ??= this.#readStages());
  }

  #readStages(): StagePart {
    const first = FRAME + RUN + 1;
    let end = first + 2 + this.bytes.readUInt16LE(first);
    const ended = this.bytes.readDoubleLE(end);
    const count = this.bytes.readUInt16LE(end + 8);
    end += 10;
    const names: string[] = [];
    const places: number[] = [];
    for (let index = 0; index < count; index++) {
      const read = this.#text(end);
      names.push(read.text);
      places.push(read.end);
      end = read.end + SUMS;
    }
    return { ended, names, places, end };
  }

  #paths(): { readonly at: number; readonly count: number } {
    const { end } = this.#stages();
    const at = end + 4 + this.bytes.readUInt32LE(end) * ATTEMPT;
    return { at: at + 4, count: this.bytes.readUInt32LE(at) };
  }
}

/** The stages of an entry: when the run ended, names, where the sums of each are, and where all of it ends. */
interface StagePart {
  readonly ended: number;
  readonly names: readonly string[];
  readonly places: readonly number[];
  readonly end: number;
}

/** Bytes of the entry that begins at `at`, frame included; 0 where there is none whose checksum holds. */
export function frameLength(bytes: Buffer, at: number): number {
  if (at + FRAME + RUN > bytes.length) return 0;
  const end = at + FRAME + bytes.readUInt32LE(at);
  if (end > bytes.length || end < at + FRAME + RUN) return 0;
  return crc32(bytes.subarray(at + FRAME, end)) === bytes.readUInt32LE(at + 4) ? end - at : 0;
}

function clamp(milliseconds: number): number {
  return Math.min(UINT32, Math.max(0, Math.round(milliseconds)));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function float64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function sumsOf(record: RunRecord['stages'][number] | undefined): Buffer {
  const counts = COUNTS.map((name) => uint32(record?.counts[name] ?? 0));
  return Buffer.concat([float64(record?.seconds ?? 0), ...counts]);
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint16(bytes.length), bytes]);
}
