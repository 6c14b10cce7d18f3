import type { PatternSyntax, Token } from './pattern-syntax.ts';
import { CODE_WIDTH, timeOfParts, type TimeParts } from './time-format.ts';

type Value = string | number;

/**
 * Up to two different readings of a path, as values in the order of the pattern's captures. Tries every split, so it is
 * for patterns whose form doesn't fix the lengths; a segment of n characters with k free parts costs n^k steps.
 */
export function findReadings(syntax: PatternSyntax, path: string): (readonly Value[])[] {
  const { tokens, captures, times, shape } = syntax;
  const readings: Value[][] = [];
  const plain = new Map<string, string>();
  const parts = new Map<string, TimeParts>([...times.keys()].map((name) => [name, {}]));

  const finish = (at: number): void => {
    if (shape === 'directory' ? at >= path.length : at !== path.length) return;
    const values = captures.map((name) => plain.get(name) ?? timeOfParts(parts.get(name) ?? {}));
    if (values.some((value) => Number.isNaN(value)) || readings.some((other) => sameValues(other, values)))
      return;
    readings.push(values);
  };

  const walk = (index: number, at: number): void => {
    if (readings.length > 1) return;
    const token = tokens[index];
    if (token === undefined) finish(at);
    else if (token.kind === 'text') {
      if (path.startsWith(token.text, at)) walk(index + 1, at + token.text.length);
    } else if (token.kind === 'star') {
      for (let end = at; end <= segmentEnd(path, at); end++) walk(index + 1, end);
    } else if (token.kind === 'folders') {
      for (let start = at; start >= 0 && start < path.length; start = nextFolder(path, start))
        walk(index + 1, start);
    } else if (token.kind === 'part') walkPart(token, index, at);
    else walkValue(token, index, at);
  };

  const walkPart = (token: Token & { kind: 'part' }, index: number, at: number): void => {
    const digits = path.slice(at, at + CODE_WIDTH[token.code]);
    if (digits.length !== CODE_WIDTH[token.code] || !/^\d+$/.test(digits)) return;
    const found = parts.get(token.name) as TimeParts;
    const before = found[token.code];
    if (before !== undefined && before !== Number(digits)) return;
    found[token.code] = Number(digits);
    walk(index + 1, at + digits.length);
    if (before === undefined) Reflect.deleteProperty(found, token.code);
  };

  const walkValue = (token: Token & { kind: 'value' }, index: number, at: number): void => {
    const bound = plain.get(token.name);
    if (bound !== undefined) {
      if (path.startsWith(bound, at)) walk(index + 1, at + bound.length);
      return;
    }
    for (const end of valueEnds(path, at, token.width)) {
      plain.set(token.name, path.slice(at, end));
      walk(index + 1, end);
    }
    plain.delete(token.name);
  };

  walk(0, 0);
  return readings;
}

function valueEnds(path: string, at: number, width: number | undefined): number[] {
  const ends: number[] = [];
  let end = at;
  for (const character of path.slice(at, segmentEnd(path, at))) {
    end += character.length;
    ends.push(end);
  }
  if (width === undefined) return ends;
  const fixed = ends[width - 1];
  return fixed === undefined ? [] : [fixed];
}

function segmentEnd(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash < 0 ? path.length : slash;
}

function nextFolder(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash < 0 ? -1 : slash + 1;
}

function sameValues(a: readonly Value[], b: readonly Value[]): boolean {
  return a.every((value, index) => value === b[index]);
}
