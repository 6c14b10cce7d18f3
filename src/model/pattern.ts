import { compileMatcher, type CaptureValue, type Matcher } from './pattern-match.ts';
import { tokensMeet } from './pattern-overlap.ts';
import { readSyntax, type Token } from './pattern-syntax.ts';
import { labelOf, parseLabel, type Grain } from './period.ts';
import { invalid } from './problem.ts';
import type { RepoPath } from './repo-path.ts';
import { isKnown, renderCode } from './time-format.ts';

/** What paths a dep or out means, and what their captures are. Made by `parsePattern` only. */
export interface Pattern {
  /** Normal form, relative to the repository's root; a directory keeps its trailing `/`. */
  readonly source: string;
  /** The folders before the first capture or wildcard; without any, the file or directory itself, no trailing slash. */
  readonly home: RepoPath;
  /** `directory` ends in `/`, `glob` has `*` or `**`, `file` is the rest. */
  readonly shape: 'file' | 'directory' | 'glob';
  /** Names in order of first appearance, each once. */
  readonly captures: readonly string[];
  /** The captures that are times, each with the finest grain that its parts give. */
  readonly times: ReadonlyMap<string, Grain>;
  /** It has `*` or `**`, so that several files may read alike. */
  readonly wildcard: boolean;
  /** The parts in order; for the modules of patterns and checks on them. */
  readonly tokens: readonly Token[];
  readonly matcher: Matcher;
}

/**
 * The pattern that `text` means in a file of folder `base` ('' the root); a leading `/` means the root. Throws a Problem
 * `bad-pattern` (exit 2) that says what is wrong and the cure. Costs some 10 µs; keep the result.
 */
export function parsePattern(text: string, base: string): Pattern {
  const syntax = readSyntax(text, base);
  return { ...syntax, matcher: compileMatcher(syntax) };
}

/**
 * Values by capture name: plain text, or for a time its ISO label. undefined: no match (also for what systems leave
 * behind: `.DS_Store`, `._*`, `Thumbs.db`). A directory matches every path below it. Throws a Problem `ambiguous-path`
 * (exit 2) with both readings where the path has two. About 0.5 µs where one segment has one capture of free length.
 */
export function matchPath(pattern: Pattern, path: string): ReadonlyMap<string, string> | undefined {
  const values = pattern.matcher.match(path);
  if (values === undefined) return undefined;
  const named = new Map<string, string>();
  pattern.captures.forEach((name, index) => {
    const value = values[index] as CaptureValue;
    named.set(name, typeof value === 'string' ? value : labelOf(value, pattern.times.get(name) as Grain));
  });
  return named;
}

/**
 * Path that the pattern gives for these values (a directory without its trailing slash). A time may be given finer than
 * the pattern needs. Throws a Problem (exit 2) where a value is absent, a time too coarse, or the pattern has wildcards.
 */
export function renderPath(pattern: Pattern, captures: ReadonlyMap<string, string>): RepoPath {
  let path = '';
  for (const token of pattern.tokens) path += renderToken(pattern, token, captures);
  return (path.endsWith('/') ? path.slice(0, -1) : path) as RepoPath;
}

/**
 * The path as far as these values give it, for people: `*` stands for what they leave open (`data/2024-05-*.csv`).
 * Takes plain text, and for times ISO labels of any grain.
 */
export function sketchPath(pattern: Pattern, captures: ReadonlyMap<string, string>): string {
  const open = pattern.tokens.map((token) => sketchToken(token, captures)).join('');
  return open.replace(/(?<!\*)\*{2,}(?!\*?\/)/g, '*');
}

/**
 * Whether some path can match both; a directory stands for what is below it. Never false where one can; true also where
 * only values that agree or dates of the calendar would rule it out. Microseconds for patterns of unlike beginnings.
 */
export function canMeet(a: Pattern, b: Pattern): boolean {
  return tokensMeet(a.tokens, b.tokens);
}

function sketchToken(token: Token, captures: ReadonlyMap<string, string>): string {
  if (token.kind === 'text') return token.text;
  if (token.kind === 'star') return '*';
  if (token.kind === 'folders') return '**/';
  const value = captures.get(token.name);
  if (value === undefined || token.kind === 'value') return value ?? '*';
  const period = parseLabel(value);
  return period !== undefined && isKnown(token.code, period.grain)
    ? renderCode(token.code, period.start)
    : '*';
}

function renderToken(pattern: Pattern, token: Token, captures: ReadonlyMap<string, string>): string {
  if (token.kind === 'text') return token.text;
  if (token.kind === 'star' || token.kind === 'folders') {
    throw invalid(
      'bad-pattern',
      `${pattern.source} names no single path`,
      'Only patterns without * can be written to.',
    );
  }
  const value = captures.get(token.name);
  if (value === undefined)
    throw invalid('missing-capture', `{${token.name}} of ${pattern.source} has no value`);
  if (token.kind === 'value') return value;
  const period = parseLabel(value);
  if (period === undefined)
    throw invalid('bad-time', `${token.name}=${value} of ${pattern.source} is no time`);
  return renderCode(token.code, period.start);
}
