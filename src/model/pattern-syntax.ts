import type { Grain } from './period.ts';
import { invalid, type Problem } from './problem.ts';
import { pathFault, type RepoPath } from './repo-path.ts';
import { CODE_WIDTH, CODES_TEXT, grainOfCodes, type TimeCode } from './time-format.ts';

/** A part of a pattern. `value` is a plain capture, `part` one code of a time, `folders` is `**` with the `/` behind it. */
export type Token =
  | { readonly kind: 'text'; readonly text: string }
  /** `width` in characters, where any occurrence of the name gives one. */
  | { readonly kind: 'value'; readonly name: string; readonly width: number | undefined }
  | { readonly kind: 'part'; readonly name: string; readonly code: TimeCode }
  | { readonly kind: 'star' }
  | { readonly kind: 'folders' };

/** What a pattern's text says, taken apart; the fields are those of `Pattern`. */
export interface PatternSyntax {
  readonly source: string;
  readonly home: RepoPath;
  readonly shape: 'file' | 'directory' | 'glob';
  readonly captures: readonly string[];
  readonly times: ReadonlyMap<string, Grain>;
  readonly wildcard: boolean;
  readonly tokens: readonly Token[];
}

/** Names that captures, deps, outs and variables may have. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Takes a pattern apart (see `parsePattern`). Throws a Problem `bad-pattern` (exit 2). */
export function readSyntax(text: string, base: string): PatternSyntax {
  const source = normalise(text, base);
  const read = uniteWidths(readTokens(source), source);
  refuseOddPath(read, source);
  refuseNeighbours(read, source);
  const captures = [...new Set(read.flatMap((token) => ('name' in token ? [token.name] : [])))];
  const wildcard = read.some((token) => token.kind === 'star' || token.kind === 'folders');
  return {
    source,
    home: homeOf(source, text),
    shape: source.endsWith('/') ? 'directory' : wildcard ? 'glob' : 'file',
    captures,
    times: readTimes(read, source),
    wildcard,
    tokens: read,
  };
}

function normalise(text: string, base: string): string {
  if (text.trim() === '') throw bad(text, 'is empty', 'Name a file (data/x.csv) or a folder (data/).');
  const rooted = text.startsWith('/');
  const own = (rooted ? text.slice(1) : text).replace(/^(\.\/+)+/, '');
  if (/(^|\/)\.\.(\/|$)/.test(own)) {
    throw bad(text, 'has ".." in it', "Write the path from the repository's root with a leading /.");
  }
  if (/^[^/]*[{*]/.test(own)) {
    throw bad(text, 'begins with no literal folder', 'Put the files into a folder: data/{name}.csv');
  }
  if (own === '') throw bad(text, 'means the whole folder', 'Keep the files in a folder of their own: data/');
  const source = rooted || base === '' ? own : `${base}/${own}`;
  if (/^\.git(\/|$)/.test(source)) throw bad(text, 'lies in .git', 'Use a folder of the working tree.');
  return source;
}

function refuseOddPath(tokens: readonly Token[], source: string): void {
  let sample = '';
  for (const token of tokens)
    sample += token.kind === 'text' ? token.text : token.kind === 'folders' ? 'x/' : 'x';
  const fault = pathFault(sample.endsWith('/') ? sample.slice(0, -1) : sample);
  if (fault !== undefined) throw bad(source, fault, 'Write folders and a name with one / between them.');
}

function homeOf(source: string, text: string): RepoPath {
  const first = source.search(/[{*]/);
  if (first < 0) return (source.endsWith('/') ? source.slice(0, -1) : source) as RepoPath;
  const slash = source.lastIndexOf('/', first);
  if (slash < 0)
    throw bad(text, 'begins with no literal folder', 'Put the files into a folder: data/{name}.csv');
  return source.slice(0, slash) as RepoPath;
}

function readTokens(source: string): Token[] {
  const tokens: Token[] = [];
  const pieces = /\{([^{}]*)\}|\*+|[{}]|[^{}*]+/g;
  for (const match of source.matchAll(pieces)) {
    const [piece, inside] = match;
    if (inside !== undefined) tokens.push(...readCapture(inside, source));
    else if (piece.startsWith('*')) tokens.push(...readStars(source, match.index, piece.length));
    else if (piece === '{' || piece === '}') {
      throw bad(
        source,
        `has a "${piece}" without its partner`,
        'Captures look like {name}; literal braces cannot be written.',
      );
    } else tokens.push({ kind: 'text', text: piece });
  }
  return joinTexts(tokens);
}

function readStars(source: string, start: number, length: number): Token[] {
  if (length === 1) return [{ kind: 'star' }];
  const next = source[start + length];
  if (length > 2 || source[start - 1] !== '/' || (next !== undefined && next !== '/')) {
    throw bad(source, '** stands for whole folders only', 'Write ** between slashes: data/**/*.csv');
  }
  return next === undefined ? [{ kind: 'folders' }, { kind: 'star' }] : [{ kind: 'folders' }];
}

function readCapture(inside: string, source: string): Token[] {
  const colon = inside.indexOf(':');
  const name = colon < 0 ? inside : inside.slice(0, colon);
  if (!NAME.test(name)) {
    throw bad(
      source,
      `{${inside}} has no valid name`,
      'Names are letters, digits and _, and begin with no digit.',
    );
  }
  if (colon < 0) return [{ kind: 'value', name, width: undefined }];
  const form = inside.slice(colon + 1);
  if (/^[1-9]\d{0,2}$/.test(form)) return [{ kind: 'value', name, width: Number(form) }];
  if (!form.includes('%')) {
    throw bad(
      source,
      `{${inside}} has neither a width nor time codes`,
      'Write {name}, {name:2} or {name:%Y-%m-%d}.',
    );
  }
  return readFormat(name, form, source);
}

function readFormat(name: string, form: string, source: string): Token[] {
  const tokens: Token[] = [];
  for (const [piece] of form.matchAll(/%[^]?|[^%]+/gu)) {
    if (!piece.startsWith('%')) {
      if (piece.includes('*'))
        throw bad(source, `{${name}:${form}} has a * in its format`, 'Put the * outside the braces.');
      tokens.push({ kind: 'text', text: piece });
    } else if (piece.slice(1) in CODE_WIDTH)
      tokens.push({ kind: 'part', name, code: piece.slice(1) as TimeCode });
    else throw bad(source, `{${name}:${form}} has the unknown code ${piece}`, `The codes are ${CODES_TEXT}.`);
  }
  return tokens;
}

function joinTexts(tokens: readonly Token[]): Token[] {
  const joined: Token[] = [];
  for (const token of tokens) {
    const last = joined.at(-1);
    if (token.kind !== 'text') joined.push(token);
    else if (last?.kind === 'folders') {
      if (token.text !== '/') joined.push({ kind: 'text', text: token.text.slice(1) });
    } else if (last?.kind === 'text')
      joined[joined.length - 1] = { kind: 'text', text: last.text + token.text };
    else joined.push(token);
  }
  return joined;
}

function uniteWidths(tokens: readonly Token[], source: string): Token[] {
  const widths = new Map<string, number>();
  for (const token of tokens) {
    if (token.kind !== 'value' || token.width === undefined) continue;
    const other = widths.get(token.name) ?? token.width;
    if (other !== token.width) {
      throw bad(source, `{${token.name}} has two widths`, 'One value has one width: give it once.');
    }
    widths.set(token.name, token.width);
  }
  return tokens.map((token) =>
    token.kind === 'value' ? { ...token, width: widths.get(token.name) } : token,
  );
}

function refuseNeighbours(tokens: readonly Token[], source: string): void {
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (next === undefined || !isFree(token) || !isFree(next)) return;
    throw bad(
      source,
      `nothing separates ${describe(token)} from ${describe(next)}`,
      'Put text or / between them, or give one a width: {name:2}.',
    );
  });
}

function readTimes(tokens: readonly Token[], source: string): ReadonlyMap<string, Grain> {
  const codes = new Map<string, Set<TimeCode>>();
  for (const token of tokens) {
    if (token.kind === 'part')
      codes.set(token.name, (codes.get(token.name) ?? new Set<TimeCode>()).add(token.code));
  }
  const times = new Map<string, Grain>();
  for (const [name, found] of codes) {
    if (tokens.some((token) => token.kind === 'value' && token.name === name)) {
      throw bad(
        source,
        `{${name}} is a time here and plain text there`,
        'Give every occurrence a time format.',
      );
    }
    const grain = grainOfCodes(found);
    if (typeof grain !== 'string') {
      throw bad(
        source,
        `the time {${name}} ${grain.fault}`,
        'A time names one period, like %Y-%m-%d, %Y-%j or %G-W%V.',
      );
    }
    times.set(name, grain);
  }
  return times;
}

/** Of no fixed length within its segment. */
function isFree(token: Token): boolean {
  return token.kind === 'star' || (token.kind === 'value' && token.width === undefined);
}

function describe(token: Token): string {
  return 'name' in token ? `{${token.name}}` : '*';
}

function bad(pattern: string, fault: string, cure: string): Problem {
  return invalid('bad-pattern', `the pattern ${JSON.stringify(pattern)}: ${fault}`, cure);
}
