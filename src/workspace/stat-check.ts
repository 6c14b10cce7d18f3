import { lstatSync, type Stats } from 'node:fs';
import {
  FILE,
  fileNames,
  firstFile,
  FOLDER,
  folderName,
  folderOfFile,
  STAT,
  type StatTable,
} from './stat-table.ts';

/** What a look at the disk said of an index entry. `unset` is before the look; `odd` means that the look itself failed. */
export const STATE = { same: 0, differs: 1, gone: 2, odd: 3, unset: 255 } as const;

/** Files or folders that one turn of a thread takes. */
export const CHUNK = 512;

/** A comparison of a table with the disk, shared by threads: every buffer is a SharedArrayBuffer. */
export interface Check {
  readonly table: StatTable;
  /** Absolute top of the work tree with a final slash. */
  readonly top: string;
  readonly folderStates: Uint8Array;
  readonly fileStates: Uint8Array;
  /** [0] next chunk, [1] finished chunks, [2] not zero: stop. */
  readonly control: Int32Array;
}

/** How many chunks a table has, folders first. */
export function chunksOf(table: StatTable): number {
  return Math.ceil(table.folders / CHUNK) + Math.ceil(table.files / CHUNK);
}

/** Takes the next chunk and works it off; false when none is left. */
export function checkNext(check: Check): boolean {
  if (Atomics.load(check.control, 2) !== 0) return false;
  const chunk = Atomics.add(check.control, 0, 1);
  if (chunk >= chunksOf(check.table)) return false;
  checkChunk(check, chunk);
  Atomics.add(check.control, 1, 1);
  Atomics.notify(check.control, 1);
  return true;
}

/** Works off one chunk. */
export function checkChunk(check: Check, chunk: number): void {
  const folderChunks = Math.ceil(check.table.folders / CHUNK);
  if (chunk < folderChunks) {
    checkFolders(check, chunk * CHUNK);
    return;
  }
  const from = (chunk - folderChunks) * CHUNK;
  const to = Math.min(from + CHUNK, check.table.files);
  let folder = folderOfFile(check.table, from);
  for (let file = from; file < to; folder++) {
    const end = Math.min(to, check.table.folderFileEnds[folder] ?? to);
    if (end > file) checkFiles(check, { folder, from: file, to: end });
    file = Math.max(file, end);
  }
}

function checkFolders({ table, top, folderStates }: Check, from: number): void {
  const to = Math.min(from + CHUNK, table.folders);
  for (let folder = from; folder < to; folder++) {
    folderStates[folder] = table.single
      ? STATE.same
      : folderState(table, folder, top + folderName(table, folder));
  }
}

function folderState(table: StatTable, folder: number, path: string): number {
  const stat = look(path);
  if (stat === undefined) return STATE.gone;
  if (stat === null) return STATE.odd;
  if (!stat.isDirectory()) return STATE.gone;
  const at = folder * 4;
  const { folderStats } = table;
  return ((table.folderFlags[folder] ?? 0) & FOLDER.complete) !== 0 &&
    folderStats[at] === stat.mtimeMs &&
    folderStats[at + 1] === stat.ctimeMs &&
    folderStats[at + 2] === stat.ino &&
    folderStats[at + 3] === stat.dev
    ? STATE.same
    : STATE.differs;
}

function checkFiles(check: Check, range: { folder: number; from: number; to: number }): void {
  const { table, fileStates } = check;
  const folder = folderName(table, range.folder);
  const prefix = folder === '' ? check.top : `${check.top}${folder}/`;
  const names = fileNames(table, range.from, range.to);
  for (let file = range.from; file < range.to; file++) {
    const stat = look(prefix + (names[file - range.from] ?? ''));
    fileStates[file] =
      stat === undefined
        ? STATE.gone
        : stat === null
          ? STATE.odd
          : fileAgrees(table, file, stat)
            ? STATE.same
            : STATE.differs;
  }
}

const TYPE = 0o170000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;

/**
 * Whether a stat is the recorded one. A hard link's ctime isn't compared, since a link made or removed elsewhere changes it;
 * its ino is that of the store's object. A symlink to an
 * object has a size of its own, the record has the object's. A racy entry never agrees.
 */
export function fileAgrees(table: StatTable, file: number, stat: Stats): boolean {
  const flags = table.fileFlags[file] ?? 0;
  const at = file * 4;
  const { fileStats } = table;
  return (
    (fileStats[at + STAT.size] === stat.size || (flags & FILE.symlinked) !== 0) &&
    fileStats[at + STAT.mtime] === stat.mtimeMs &&
    fileStats[at + STAT.ino] === stat.ino &&
    ((flags & FILE.linked) !== 0 || fileStats[at + STAT.ctime] === stat.ctimeMs) &&
    (flags & FILE.racy) === 0 &&
    typeAgrees(flags, stat.mode)
  );
}

function typeAgrees(flags: number, mode: number): boolean {
  if ((flags & FILE.kind) === 2 || (flags & FILE.symlinked) !== 0) return (mode & TYPE) === SYMLINK;
  return (mode & TYPE) === REGULAR && ((mode & 0o100) !== 0) === ((flags & FILE.kind) === 1);
}

/** The stat, undefined where nothing is there, null where the look failed otherwise. */
function look(path: string): Stats | undefined | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? undefined : null;
  }
}

/** Files of the folder are `[first, end)`. */
export function fileRange(table: StatTable, folder: number): { first: number; end: number } {
  return { first: firstFile(table, folder), end: table.folderFileEnds[folder] ?? 0 };
}
