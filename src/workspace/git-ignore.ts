import { pushTo } from '../util/multimap.ts';
import { readFileSync, rmSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { parentOf } from '../model/repo-path.ts';

/** Writes `/name` into the .gitignore of the path's folder unless it stands there. Answers whether the file changed. Plain file edits, the rest is kept. */
export function ignorePath(root: string, path: string): boolean {
  const { file, line } = placeOf(root, path);
  return addLines(file, [line]);
}

/** `ignorePath` for many paths: each .gitignore is read and written once. */
export function ignorePaths(root: string, paths: Iterable<string>): void {
  const files = new Map<string, string[]>();
  for (const path of paths) {
    const { file, line } = placeOf(root, path);
    pushTo(files, file, line);
  }
  for (const [file, lines] of files) addLines(file, lines);
}

/** Takes `/name` out of the .gitignore of the path's folder; an emptied file is removed. Answers whether the file changed. */
export function unignorePath(root: string, path: string): boolean {
  const { file, line } = placeOf(root, path);
  const lines = linesOf(file);
  const kept = lines.filter((one) => one !== line && one !== `${line}/`);
  if (kept.length === lines.length) return false;
  if (kept.length === 0) rmSync(file);
  else writeAtomic(file, `${kept.join('\n')}\n`);
  return true;
}

/** Sees to lines in the root's .gitattributes, such as `.gitignore merge=union`. Answers whether the file changed. */
export function ensureAttributes(root: string, lines: readonly string[]): boolean {
  return addLines(`${root}/.gitattributes`, lines);
}

function addLines(file: string, wanted: readonly string[]): boolean {
  const lines = linesOf(file);
  const present = new Set(lines);
  const missing = wanted.filter((line) => !present.has(line));
  if (missing.length === 0) return false;
  writeAtomic(file, `${[...lines, ...missing].join('\n')}\n`);
  return true;
}

function linesOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A line that means this very name: characters that patterns treat specially are escaped. Source: gitignore(5). */
function placeOf(root: string, path: string): { file: string; line: string } {
  const folder = parentOf(path);
  const name = folder === '' ? path : path.slice(folder.length + 1);
  const escaped = name.replace(/[*?[\\]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length));
  return { file: `${root}/${folder === '' ? '' : `${folder}/`}.gitignore`, line: `/${escaped}` };
}
