import type { DatumRow } from '../model/datum.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { damaged, type Problem } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';

/**
 * The row of one line of a datum table, `<ok|failed> <input half|-> <code half|-> <result|-> <captures>`. Throws a Problem
 * `corrupt-table` (exit 7) for any other line. About 0.4 µs.
 */
export function parseRow(line: string): DatumRow {
  const state = line.startsWith('ok ') ? 'ok' : line.startsWith('failed ') ? 'failed' : undefined;
  if (state === undefined) throw corruptRow(line);
  const start = state.length + 1;
  const row = line.startsWith(NEVER_GOOD, start) ? neverGood(line, start) : goodRow(state, line, start);
  if (row === undefined || !isCaptures(row.captures)) throw corruptRow(line);
  return row;
}

/** What a line's result is, undefined for none: a quick look at a line that `parseRow` takes. */
export function resultIn(line: string): Digest | undefined {
  const start = isFailedLine(line) ? 7 : 3;
  return line.startsWith(NEVER_GOOD, start)
    ? undefined
    : (line.slice(start + 2 * HALF, start + 3 * HALF - 1) as Digest);
}

function codeIn(line: string): Digest | undefined {
  const start = isFailedLine(line) ? 7 : 3;
  return line.startsWith(NEVER_GOOD, start)
    ? undefined
    : (line.slice(start + HALF, start + 2 * HALF - 1) as Digest);
}

/** What a line's row was made from: its input and code halves, as one text. */
export function halvesIn(line: string): string {
  const start = isFailedLine(line) ? 7 : 3;
  return line.slice(start, start + 2 * HALF);
}

/** The code halves of lines, each once. */
export function codesIn(lines: Iterable<string>): ReadonlySet<Digest> {
  const seen = new CodesSeen();
  for (const line of lines) seen.add(line);
  return seen.codes;
}

/** Collects the code halves of lines. */
export class CodesSeen {
  readonly codes = new Set<Digest>();
  #last: Digest | undefined;

  add(line: string | undefined): void {
    if (line === undefined) return;
    // Nearly always the one before, which costs no new text to see.
    if (this.#last !== undefined && line.startsWith(this.#last, (isFailedLine(line) ? 7 : 3) + HALF)) return;
    const code = codeIn(line);
    if (code !== undefined) this.codes.add((this.#last = code));
  }
}

/** Whether a line has a result. */
export function isGoodOnce(line: string): boolean {
  return !line.startsWith(`failed ${NEVER_GOOD}`);
}

/** Whether a line is marked failed. */
export function isFailedLine(line: string): boolean {
  return line.startsWith('failed ');
}

/** The line of a row. */
export function formatRow(row: DatumRow): string {
  return `${row.state} ${row.input ?? '-'} ${row.code ?? '-'} ${row.result ?? '-'} ${row.captures}`;
}

/** A table's lines, sorted by the bytes of their captures, which no two rows may share. */
export function formatRows(rows: Iterable<DatumRow>): string[] {
  return [...rows].sort((a, b) => compareBytes(a.captures, b.captures)).map(formatRow);
}

const NEVER_GOOD = '- - - ';
const HALF = 65;

function neverGood(line: string, start: number): DatumRow | undefined {
  const captures = line.slice(start + NEVER_GOOD.length);
  if (line.startsWith('ok ')) return undefined;
  return { state: 'failed', input: undefined, code: undefined, result: undefined, captures };
}

function goodRow(state: DatumRow['state'], line: string, start: number): DatumRow | undefined {
  const input = digestAt(line, start);
  const code = digestAt(line, start + HALF);
  const result = digestAt(line, start + 2 * HALF);
  if (input === undefined || code === undefined || result === undefined) return undefined;
  return { state, input, code, result, captures: line.slice(start + 3 * HALF) };
}

function digestAt(line: string, start: number): Digest | undefined {
  const word = line.slice(start, start + HALF - 1);
  return isDigest(word) && line.charCodeAt(start + HALF - 1) === 32 ? word : undefined;
}

const ORDINARY = /^[A-Za-z_][A-Za-z0-9_]*=[A-Za-z0-9_.:/-]+$/;
const GENERAL =
  /^[A-Za-z_]\w*=(?:[^%&=\s\p{Cc}]|%[0-9A-F]{2})+(?:&[A-Za-z_]\w*=(?:[^%&=\s\p{Cc}]|%[0-9A-F]{2})+)*$/u;

function isCaptures(text: string): boolean {
  if (text === '-' || ORDINARY.test(text)) return true;
  return GENERAL.test(text);
}

function corruptRow(line: string): Problem {
  return damaged(
    'corrupt-table',
    `a datum table has the line ${JSON.stringify(line.slice(0, 300))}, which is none`,
    'Delete that object and run: datawf repro (or fetch it again)',
  );
}
