import { KIND, WAY, type FileColumns } from '../disk/file-columns.ts';
import { FILE, flagsOfKind, kindOfFlags, STAT, type StatTable } from './stat-table.ts';
import type { FileRows } from './stat-merge.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { hexOf } from '../util/blake3.ts';

/** Rows of the files of some columns (those that were there), for an index. `time`: file system time before they were read. */
export function rowsOfColumns(columns: FileColumns, time: number): FileRows {
  const all = rowsOfAll(columns, time);
  if (!columns.kinds.includes(KIND.none)) return all;
  const present: number[] = [];
  columns.kinds.forEach((kind, index) => {
    if (kind !== KIND.none) present.push(index);
  });
  return pickRows(all, present);
}

function rowsOfAll(columns: FileColumns, time: number): FileRows {
  const { paths, kinds, sizes, mtimes, ctimes, inos, ways, digests } = columns;
  const rows = { ...emptyRows(paths), digests: new Uint8Array(digests) };
  for (let row = 0; row < paths.length; row++) {
    const mtime = mtimes[row] ?? 0;
    rows.flags[row] = flagsOf(kinds[row] ?? 0, ways[row] ?? 0) | (mtime < time ? 0 : FILE.racy);
    rows.stats[4 * row + STAT.size] = sizes[row] ?? 0;
    rows.stats[4 * row + STAT.mtime] = mtime;
    rows.stats[4 * row + STAT.ctime] = ctimes[row] ?? 0;
    rows.stats[4 * row + STAT.ino] = inos[row] ?? 0;
  }
  return rows;
}

function flagsOf(kind: number, way: number): number {
  const bits = flagsOfKind(kind === KIND.link ? 'l' : kind === KIND.executable ? 'x' : 'f');
  return bits | (way === WAY.hardlink ? FILE.linked : 0) | (way === WAY.symlink ? FILE.symlinked : 0);
}

/** Rows of zeros. */
export function emptyRows(paths: readonly string[]): FileRows {
  const count = paths.length;
  return {
    paths,
    flags: new Uint8Array(count),
    stats: new Float64Array(4 * count),
    digests: new Uint8Array(32 * count),
  };
}

/** Some rows of a table by their indices, with the paths they have. */
export function rowsOfTable(
  from: { table: StatTable; digests: Uint8Array },
  paths: readonly string[],
  files: readonly number[],
): FileRows {
  const rows = emptyRows(paths);
  files.forEach((file, row) => {
    rows.flags[row] = from.table.fileFlags[file] ?? 0;
    rows.stats.set(from.table.fileStats.subarray(4 * file, 4 * file + 4), 4 * row);
    rows.digests.set(from.digests.subarray(32 * file, 32 * file + 32), 32 * row);
  });
  return rows;
}

/** Those rows that a test picks, in their order. */
export function pickRows(rows: FileRows, picked: readonly number[]): FileRows {
  const out = emptyRows(picked.map((row) => rows.paths[row] ?? ''));
  picked.forEach((row, index) => {
    out.flags[index] = rows.flags[row] ?? 0;
    out.stats.set(rows.stats.subarray(4 * row, 4 * row + 4), 4 * index);
    out.digests.set(rows.digests.subarray(32 * row, 32 * row + 32), 32 * index);
  });
  return out;
}

/** Both, the first's rows first. */
export function joinRows(a: FileRows, b: FileRows): FileRows {
  if (a.paths.length === 0) return b;
  const rows = emptyRows([...a.paths, ...b.paths]);
  const count = a.paths.length;
  rows.flags.set(a.flags);
  rows.flags.set(b.flags, count);
  rows.stats.set(a.stats);
  rows.stats.set(b.stats, 4 * count);
  rows.digests.set(a.digests);
  rows.digests.set(b.digests, 32 * count);
  return rows;
}

/** The digest of a row. */
export function rowDigest(rows: FileRows, row: number): Digest {
  return hexOf(rows.digests.subarray(32 * row, 32 * row + 32)) as Digest;
}

/** A row as an entry. */
export function rowEntry(rows: FileRows, row: number): FileEntry {
  return {
    path: rows.paths[row] ?? '',
    kind: kindOfFlags(rows.flags[row] ?? 0),
    digest: rowDigest(rows, row),
    size: rows.stats[4 * row + STAT.size] ?? 0,
  };
}
