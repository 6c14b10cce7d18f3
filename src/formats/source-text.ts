import type { Place } from '../model/problem.ts';

/** A tracked text with its name, for places in it. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

const WIDTH = 100;

/** The place of an offset, with its line and a caret. Cost: a look at the text up to there. */
export function placeAt(source: SourceText, offset: number): Place {
  const position = positionAt(source.text, offset);
  const { line, column } = position;
  return { file: source.file, line, column, excerpt: excerptOf(source.text, position) };
}

interface Position {
  readonly line: number;
  readonly column: number;
  /** Offset of the line. */
  readonly start: number;
}

function positionAt(text: string, offset: number): Position {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let start = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < end; next = text.indexOf('\n', start)) {
    line += 1;
    start = next + 1;
  }
  return { line, column: end - start + 1, start };
}

function excerptOf(text: string, { line, column, start }: Position): string {
  const newline = text.indexOf('\n', start);
  const whole = text.slice(start, newline < 0 ? text.length : newline);
  const from = column <= WIDTH - 20 ? 0 : column - WIDTH / 2;
  const shown = printable(whole.slice(from, from + WIDTH));
  const gutter = String(line);
  const caret = ' '.repeat(Math.max(0, column - 1 - from)) + '^';
  return `${gutter} | ${shown}\n${' '.repeat(gutter.length)} | ${caret}`;
}

/** A text from outside without what could steer a terminal; as many UTF-16 units as before. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

/** Lines of many offsets of one text, each by a search among its newlines. */
export function lineCounter(text: string): (offset: number) => number {
  const newlines: number[] = [];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) newlines.push(at);
  return (offset) => {
    let [low, high] = [0, newlines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((newlines[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
