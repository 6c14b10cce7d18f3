import { lstatSync, readdirSync, unlinkSync, type Dirent } from 'node:fs';
import { errnoOf, fsProblem } from '../disk/fs-problem.ts';
import { compareBytes } from '../model/repo-path.ts';

/** Names in a folder, in no order; none where it isn't there. */
export function listNames(folder: string): string[] {
  return readFolder(folder).map((entry) => entry.name);
}

/** Files below `folder/prefix`, `prefix` (ending in `/`) included, sorted by bytes; at most `limit`. Reads no more folders than that takes. */
export function listBelow(folder: string, prefix: string, limit: number): string[] {
  const names: string[] = [];
  listInto(names, { folder, prefix, limit });
  return names;
}

function listInto(names: string[], request: { folder: string; prefix: string; limit: number }): void {
  const { folder, prefix, limit } = request;
  const entries = readFolder(`${folder}/${prefix}`);
  const sorted = entries
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort(compareBytes);
  for (const name of sorted) {
    if (names.length >= limit) return;
    if (name.endsWith('/')) listInto(names, { folder, prefix: prefix + name, limit });
    else names.push(prefix + name);
  }
}

function readFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw fsProblem(error, 'list', folder);
  }
}

/** Files below some folders of a store, and their bytes. */
export function measureFolders(folder: string, tops: readonly string[]): { files: number; bytes: number } {
  const sum = { files: 0, bytes: 0 };
  const open = tops.map((top) => `${folder}/${top}`);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readFolder(at)) {
      const path = `${at}/${entry.name}`;
      if (entry.isDirectory()) open.push(path);
      else {
        sum.files++;
        sum.bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
      }
    }
  }
  return sum;
}

/** Removes a file; one that isn't there is fine. */
export function removeQuietly(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fsProblem(error, 'remove', file);
  }
}
