import { invalid, type Problem } from './problem.ts';

/** A path relative to the repository's root with `/`, normal form: no empty, `.` or `..` segment, no newline, no backslash. */
export type RepoPath = string & { readonly __repoPath: true };

/** Why a text isn't a repository path, or undefined where it is one. Source: formats 2.3. */
export function pathFault(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.startsWith('/')) return 'is absolute';
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 10 || unit === 13) return 'has a newline in it';
    if (unit === 0) return 'has a NUL byte in it';
    if (unit === 92) return 'has a backslash in it';
    if (unit >= 0xd800 && unit <= 0xdfff && !text.isWellFormed()) return 'is not valid UTF-8';
  }
  if (!/(^|\/)\.{0,2}(\/|$)/.test(text)) return undefined;
  for (const segment of text.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '.' || segment === '..') return `leaves or repeats a folder by "${segment}"`;
  }
  return undefined;
}

/** Why no data may lie at a path, or undefined: whatever a tree, a result or a branch says, git's own folder isn't written to. */
export function dataFault(text: string): string | undefined {
  return pathFault(text) ?? (IN_GIT.test(text) ? "lies in git's own folder" : undefined);
}

const IN_GIT = /(^|\/)\.git(\/|$)/i;

/** The text as a repository path; throws a Problem (exit 2) that names it where it isn't one. */
export function repoPath(text: string): RepoPath {
  const fault = pathFault(text);
  if (fault !== undefined) throw badPath(text, fault);
  return text as RepoPath;
}

/** The problem of a path that can't be one, with the name printable. */
export function badPath(text: string, fault: string): Problem {
  return invalid(
    'bad-path',
    `the path ${JSON.stringify(text)} ${fault}`,
    'Rename it: paths have / between names and no newline, backslash or ".." in them.',
  );
}

/**
 * Order of two texts by their UTF-8 bytes, which every sorted file of datawf uses. JavaScript's own order differs only
 * where a surrogate meets a unit above 0xDFFF.
 */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    const highX = x >= 0xd800 && x <= 0xdfff;
    const highY = y >= 0xd800 && y <= 0xdfff;
    if (highX !== highY) return highX ? (y > 0xdfff ? 1 : x - y) : x > 0xdfff ? -1 : x - y;
    return x - y;
  }
  return a.length - b.length;
}

/** Index of the first of the items, sorted by bytes of their keys, whose key isn't before a text; their number where all are. */
export function firstFrom<Item>(
  sorted: readonly Item[],
  keyOf: (item: Item) => string,
  from: string,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(keyOf(sorted[middle] as Item), from) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The folder of a path, '' for a path at the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** `folder/name`, where the folder may be '' (the root). */
export function joinPath(folder: string, name: string): RepoPath {
  return (folder === '' ? name : `${folder}/${name}`) as RepoPath;
}

/** Whether a path is the folder itself or lies below it; the folder '' holds everything. */
export function isWithin(path: string, folder: string): boolean {
  return (
    folder === '' || path === folder || (path.startsWith(folder) && path.charCodeAt(folder.length) === 47)
  );
}

const SYSTEM_NAMES = /(^|\/)(\.DS_Store|Thumbs\.db|\._[^/]*)$/;

/** Files that operating systems leave behind and that are never data: `.DS_Store`, `._*`, `Thumbs.db`. */
export function isSystemFile(path: string): boolean {
  return SYSTEM_NAMES.test(path);
}
