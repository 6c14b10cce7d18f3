import fc from 'fast-check';
import { Problem } from '../../../src/model/problem.ts';
import type { Digest } from '../../../src/model/digest.ts';

/** A digest of 64 times the same pair of digits. */
export function digest(pair: string): Digest {
  return pair.repeat(32) as Digest;
}

/** The Problem that a call ends with; fails for any other end. */
export function problemOf(call: () => unknown): Problem {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error(`no problem, but ${JSON.stringify(value)}`);
}

/** Undefined where a call ends with a Problem; any other exception passes through. */
export function valueOrProblem<Value>(call: () => Value): Value | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

const SNIPPETS = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ': ',
  ',',
  '"',
  "'",
  '#',
  ' #',
  '\n',
  '\n  ',
  '\n    ',
  '- ',
  '|',
  '>',
  '&a ',
  '*a',
  '*',
  '!',
  '%',
  '@',
  '`',
  '?',
  '<<: ',
  '..',
  '/',
  '../',
  '.git/',
  '\\',
  '\t',
  '\r\n',
  '\u0000',
  '\ud800',
  'é',
  '0',
  '1e5',
  'null',
  'true',
  '~',
  '-',
  '---\n',
  '<<<<<<< a\n',
  '\ufeff',
  '{date:%Y}',
];

interface Change {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.constantFrom(0, 0, 1, 1, 2, 5, 20, 200),
  put: fc.oneof(fc.constant(''), fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 4 })),
});

/** Damage to a text: pieces cut, put in or doubled, ends lost. */
export const damage: fc.Arbitrary<(text: string) => string> = fc
  .array(change, { minLength: 1, maxLength: 3 })
  .map((changes) =>
    Object.assign((text: string) => changes.reduce(damaged, text), {
      toString: () => JSON.stringify(changes),
    }),
  );

function damaged(text: string, { at, cut, put }: Change): string {
  const start = Math.floor(at * (text.length + 1));
  return text.slice(0, start) + put + text.slice(start + cut);
}

/** Texts near the given ones. */
export function mutations(texts: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...texts), damage).map(([text, change]) => change(text));
}
