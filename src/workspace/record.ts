import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Digest } from '../model/digest.ts';
import { isWithin, joinPath, parentOf } from '../model/repo-path.ts';
import { isNeverData } from './data-names.ts';
import { fileSystemTime, fileSystemTimeAfter } from './fs-time.ts';
import { INCOMPLETE, statOf, type HomeRequest } from './home-diff.ts';
import { fileRange } from './stat-check.ts';
import { writeTable, type OpenTable } from './stat-file.ts';
import { mergeTable, type FileRows, type FolderRow } from './stat-merge.ts';
import { fileNames, folderName, tableOf, type StatTable } from './stat-table.ts';

export interface RecordChange {
  readonly put: FileRows;
  readonly drop: readonly string[];
  readonly trees: ReadonlyMap<string, Digest | undefined>;
}

/** File system time that is later than every mtime of the rows; waits out its tick where it isn't yet. */
export function timeAfterRows(request: HomeRequest, mtimes: Float64Array): number {
  const folder = dirname(request.indexFile);
  const now = fileSystemTime(folder);
  let latest = -Infinity;
  for (const mtime of mtimes) if (mtime > latest && mtime < now + 1000) latest = mtime;
  return latest < now ? now : fileSystemTimeAfter(folder, latest);
}

/**
 * Writes a home's index with files that are in place and without some others, and looks at the folders that this touched, so
 * that the next look may skip them. Cost: the index is written whole, 45 bytes a file and its name.
 */
export function writeRecord(request: HomeRequest, open: OpenTable | undefined, change: RecordChange): void {
  const single =
    change.put.paths.includes(request.home) || (open?.table.single === true && !hasOther(request, change));
  const folders = single ? new Map<string, FolderRow>() : touchedFolders(request, change);
  const base =
    open === undefined || open.table.single !== single
      ? undefined
      : { table: open.table, digests: open.digests() };
  const { hot, cold } = mergeTable(base, {
    put: change.put,
    drop: change.drop,
    folders,
    meta: { home: request.home, trees: mergeTrees(open, change.trees) },
    single,
  });
  if (!single) settleFolders(request, tableOf(hot.buffer), new Set(folders.keys()));
  writeTable(request.indexFile, hot, cold);
}

function hasOther({ home }: HomeRequest, change: RecordChange): boolean {
  return change.put.paths.some((path) => path !== home);
}

function mergeTrees(open: OpenTable | undefined, trees: RecordChange['trees']): Record<string, string> {
  const merged = new Map<string, string>(Object.entries(open?.meta.trees ?? {}));
  for (const [owner, tree] of trees) {
    if (tree === undefined) merged.delete(owner);
    else merged.set(owner, tree);
  }
  return Object.fromEntries([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The folders of changed files up to the home; those that are gone by now without a row. */
function touchedFolders(
  { root, home }: HomeRequest,
  change: RecordChange,
): Map<string, FolderRow | undefined> {
  const folders = new Map<string, FolderRow | undefined>();
  for (const paths of [change.put.paths, change.drop]) {
    let last: string | undefined;
    for (const path of paths) {
      const parent = parentOf(path);
      if (parent === last) continue;
      last = parent;
      for (let at = parent; isWithin(at, home) && !folders.has(at); at = parentOf(at)) {
        const isThere = statOf(`${root}/${at}`, at)?.isDirectory() === true;
        folders.set(at, isThere ? INCOMPLETE : undefined);
        if (at === '') break;
      }
    }
  }
  return folders;
}

/** Above this many names a folder is worth a wait of one tick, so that the next look needn't list it. */
const WORTH_A_TICK = 1000;

function settleFolders(
  { root, indexFile }: HomeRequest,
  table: StatTable,
  touched: ReadonlySet<string>,
): void {
  if (touched.size === 0) return;
  const known = new Set<string>();
  for (let folder = 0; folder < table.folders; folder++) known.add(folderName(table, folder));
  const now = fileSystemTime(dirname(indexFile));
  const time = table.files > WORTH_A_TICK ? fileSystemTimeAfter(dirname(indexFile), now) : now;
  for (let folder = 0; folder < table.folders; folder++) {
    const path = folderName(table, folder);
    if (!touched.has(path)) continue;
    const stat = statOf(`${root}/${path}`, path);
    if (stat?.isDirectory() !== true || stat.mtimeMs >= time || stat.ctimeMs >= time) continue;
    if (!namesAll({ table, folder, path, known }, root)) continue;
    table.folderStats.set([stat.mtimeMs, stat.ctimeMs, stat.ino, stat.dev], 4 * folder);
    table.folderFlags[folder] = 1;
  }
}

/** Whether everything in a folder that may be data is in the table. */
function namesAll(
  of: { table: StatTable; folder: number; path: string; known: ReadonlySet<string> },
  root: string,
): boolean {
  const { first, end } = fileRange(of.table, of.folder);
  const names = new Set(fileNames(of.table, first, end));
  return readdirSync(`${root}/${of.path}`).every(
    (name) => names.has(name) || isNeverData(name) || of.known.has(joinPath(of.path, name)),
  );
}
