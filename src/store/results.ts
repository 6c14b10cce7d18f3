import { parseResultLine, peekResultLine } from '../formats/result-line.ts';
import type { Digest } from '../model/digest.ts';
import { damaged, Problem } from '../model/problem.ts';
import type { ResultRecord } from '../model/result.ts';
import type { Store } from './store.ts';

/** What results are read from: a store, or what is kept of another's. */
export type ResultSource = Pick<Store, 'url' | 'listSegments' | 'readSegment'>;

/** The run cache of one code half, as it was when it was opened. */
export interface Results {
  readonly codeHalf: Digest;
  /** Results held, counting several of one input. */
  readonly count: number;
  /**
   * Of the results of this input that `counts` lets in, the one that a row pins where there is one, or else the newest. Raises
   * `corrupt-results`.
   */
  find(input: Digest, pinned?: Digest, counts?: (record: ResultRecord) => boolean): ResultRecord | undefined;
  /** That very result of this input. Raises `corrupt-results`. */
  findResult(input: Digest, result: Digest): ResultRecord | undefined;
}

/**
 * Reads all segments of a code half once. A segment's last line may be cut short (power loss): it is passed over. Another
 * that can't be read raises `corrupt-results` (exit 7). Cost: about 1 µs a result; fields are read when asked for.
 */
export async function openResults(store: ResultSource, codeHalf: Digest): Promise<Results> {
  const byInput = new Map<Digest, ResultLine[]>();
  let count = 0;
  for (const segment of await readSegments(store, codeHalf)) {
    for (const line of segment.lines) {
      const known = byInput.get(line.input);
      if (known === undefined) byInput.set(line.input, [line]);
      else known.push(line);
      count++;
    }
  }
  return {
    codeHalf,
    count,
    find: (input, pinned, counts) => {
      const all = byInput.get(input);
      if (all === undefined) return undefined;
      const lines = counts === undefined ? all : all.filter((line) => counts(recordOf(line)));
      const line = lines.findLast(({ result }) => result === pinned) ?? newestOf(lines);
      return line === undefined ? undefined : recordOf(line);
    },
    findResult: (input, result) => {
      const line = byInput.get(input)?.findLast((one) => one.result === result);
      return line === undefined ? undefined : recordOf(line);
    },
  };
}

/** One line of a segment, read as far as lookups need. */
export interface ResultLine {
  readonly input: Digest;
  readonly result: Digest;
  readonly text: string;
  /** For messages: where it was read. */
  readonly place: string;
}

export interface Segment {
  readonly name: string;
  readonly lines: readonly ResultLine[];
}

/** All segments of a code half, oldest first. */
export async function readSegments(store: ResultSource, codeHalf: Digest): Promise<Segment[]> {
  for (let tried = 0; ; tried++) {
    try {
      const segments: Segment[] = [];
      for (const name of await store.listSegments(codeHalf)) {
        const place = `${store.url} results/${codeHalf}/${name}`;
        segments.push({ name, lines: parseSegment(await store.readSegment(codeHalf, name), place) });
      }
      return segments;
    } catch (error) {
      // Merged by another process between listing and reading: what was merged is in the next listing.
      if (!(error instanceof Problem) || error.code !== 'missing-segment' || tried === RELISTS) throw error;
    }
  }
}

const RELISTS = 5;

function parseSegment(ndjson: string, place: string): ResultLine[] {
  const texts = ndjson.split('\n');
  const isCut = texts.at(-1) !== '';
  if (!isCut) texts.pop();
  return texts.flatMap((text, index) => {
    const head = peekResultLine(text);
    if (head !== undefined) return { input: head.input, result: head.result, text, place };
    if (index === texts.length - 1) return [];
    throw corruptResults(place, index + 1);
  });
}

/** By the time of the run (ULIDs sort by it), since merging moves lines between segments; else the one read last. */
function newestOf(lines: readonly ResultLine[]): ResultLine | undefined {
  if (lines.length <= 1) return lines[0];
  let newest: ResultLine | undefined;
  let newestRun = '';
  for (const line of lines) {
    const { run } = recordOf(line);
    if (run < newestRun) continue;
    newest = line;
    newestRun = run;
  }
  return newest;
}

function recordOf(line: ResultLine): ResultRecord {
  const record = parseResultLine(line.text);
  if (record === undefined) throw corruptResults(line.place, undefined);
  return record;
}

function corruptResults(place: string, line: number | undefined): Problem {
  return damaged(
    'corrupt-results',
    `${place} is damaged${line === undefined ? '' : ` in line ${line}`}`,
    'Remove that file: what it remembers is run again when needed.',
  );
}
