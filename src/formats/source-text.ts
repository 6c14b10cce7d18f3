import type { Place } from '../model/problem.ts';

/** A tracked text with its name, for places in it. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

const WIDTH = 100;

/** The place of an offset, with its line and a caret. Cost: a look at the text up to there. */
export function placeAt(source: SourceText, offset: number): Place {
  const { line, column, start } = positionAt(source.text, offset);
  return { file: source.file, line, column, excerpt: excerptOf(source.text, start, line, column) };
}

/** Line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return positionAt(text, offset).line;
}

function positionAt(text: string, offset: number): { line: number; column: number; start: number } {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let start = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < end; next = text.indexOf('\n', start)) {
    line += 1;
    start = next + 1;
  }
  return { line, column: end - start + 1, start };
}

function excerptOf(text: string, start: number, line: number, column: number): string {
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
