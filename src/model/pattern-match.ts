import type { PatternSyntax, Token } from './pattern-syntax.ts';
import { findReadings } from './pattern-readings.ts';
import { labelOf, type Grain } from './period.ts';
import { invalid, type Problem } from './problem.ts';
import { isSystemFile } from './repo-path.ts';
import { CODE_WIDTH, timeOfParts, type TimeCode, type TimeParts } from './time-format.ts';

/** A capture's value: plain text, or the start of the period (milliseconds of zoneless time). */
export type CaptureValue = string | number;

/** A compiled pattern. */
export interface Matcher {
  /** A path has at most one reading whatever its text, by the pattern's form alone. */
  readonly single: boolean;
  /** Values in the order of the pattern's captures; undefined: no match. Throws a Problem `ambiguous-path` (exit 2). */
  readonly match: (path: string) => readonly CaptureValue[] | undefined;
}

/** The matcher of a pattern. The regular expression decides alone where the pattern's form allows one reading only. */
export function compileMatcher(syntax: PatternSyntax): Matcher {
  const single = hasSingleReading(syntax.tokens);
  const { regex, readers } = compileRegex(syntax);
  const read = (path: string): readonly CaptureValue[] | undefined => {
    const groups = regex.exec(path);
    if (groups === null || isNoData(path)) return undefined;
    return readValues(groups, readers);
  };
  if (single) return { single, match: read };
  return {
    single,
    match: (path) => {
      if (!regex.test(path) || isNoData(path)) return undefined;
      const [first, second] = findReadings(syntax, path);
      if (first !== undefined && second !== undefined) throw ambiguous(syntax, path, [first, second]);
      return first;
    },
  };
}

/** `isSystemFile` for a million paths: most are decided by the first letter of their name. */
function isNoData(path: string): boolean {
  const first = path.charCodeAt(path.lastIndexOf('/') + 1);
  return (first === 46 || first === 84) && isSystemFile(path);
}

/** One capture's group, or for a time the groups of its codes. */
type Reader = number | readonly (readonly [TimeCode, number])[];

function readValues(groups: RegExpExecArray, readers: readonly Reader[]): CaptureValue[] | undefined {
  const values: CaptureValue[] = [];
  for (const reader of readers) {
    if (typeof reader === 'number') {
      values.push(groups[reader] as string);
      continue;
    }
    const parts: TimeParts = {};
    for (const [code, group] of reader) parts[code] = Number(groups[group]);
    const time = timeOfParts(parts);
    if (Number.isNaN(time)) return undefined;
    values.push(time);
  }
  return values;
}

function compileRegex({ tokens, captures, times, shape }: PatternSyntax): {
  regex: RegExp;
  readers: Reader[];
} {
  const groups = new Map<string, number>();
  let source = '';
  const capture = (key: string, body: string): void => {
    const known = groups.get(key);
    if (known === undefined) groups.set(key, groups.size + 1);
    source += known === undefined ? `(${body})` : `\\${String(known)}(?:)`;
  };
  for (const token of tokens) {
    if (token.kind === 'text') source += token.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    else if (token.kind === 'star') source += '[^/]*';
    else if (token.kind === 'folders') source += '(?:[^/]+/)*';
    else if (token.kind === 'part')
      capture(`${token.name}%${token.code}`, `\\d{${String(CODE_WIDTH[token.code])}}`);
    else capture(token.name, token.width === undefined ? '[^/]+' : `[^/]{${String(token.width)}}`);
  }
  if (shape === 'directory') source += '.+';
  const readers = captures.map((name): Reader => {
    if (!times.has(name)) return groups.get(name) as number;
    const parts = [...groups].filter(([key]) => key.startsWith(`${name}%`));
    return parts.map(([key, group]) => [key.slice(name.length + 1) as TimeCode, group] as const);
  });
  return { regex: new RegExp(`^${source}$`, 'su'), readers };
}

/** Lengths alone fix every capture: per segment at most one part of free length, and one run of folders at most. */
function hasSingleReading(tokens: readonly Token[]): boolean {
  if (tokens.every((token) => !('name' in token))) return true;
  const last = tokens.at(-1);
  const below = last?.kind === 'text' && last.text.endsWith('/') ? 1 : 0;
  const runs = tokens.filter((token) => token.kind === 'folders').length;
  if (runs > 0 && runs + below > 1) return false;
  return segmentsOf(tokens).every(
    (segment) => segment.filter(isFree).length <= 1 || !segment.some((token) => 'name' in token),
  );
}

function segmentsOf(tokens: readonly Token[]): Token[][] {
  const segments: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'folders') segments.push([]);
    else if (token.kind !== 'text') segments.at(-1)?.push(token);
    else for (let cut = token.text.split('/').length; cut > 1; cut--) segments.push([]);
  }
  return segments;
}

function isFree(token: Token): boolean {
  return token.kind === 'star' || (token.kind === 'value' && token.width === undefined);
}

function ambiguous(
  syntax: PatternSyntax,
  path: string,
  readings: readonly (readonly CaptureValue[])[],
): Problem {
  const shown = readings.map((values) =>
    syntax.captures
      .map((name, index) => `${name}=${valueText(values[index] as CaptureValue, syntax.times.get(name))}`)
      .join(' '),
  );
  return invalid(
    'ambiguous-path',
    `${path} has two readings for ${syntax.source}: ${shown.join(', or ')}`,
    'Separate the captures by / or by text that their values cannot have, or give one a width: {name:2}.',
  );
}

function valueText(value: CaptureValue, grain: Grain | undefined): string {
  return typeof value === 'number' && grain !== undefined ? labelOf(value, grain) : String(value);
}
