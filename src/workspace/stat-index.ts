import { isDigest, type Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes, joinPath, parentOf } from '../model/repo-path.ts';
import { hexOf } from '../util/blake3.ts';
import { fileRange } from './stat-check.ts';
import { readTable, type OpenTable } from './stat-file.ts';
import { lowerBound } from './stat-merge.ts';
import { fileName, fileNames, folderName, kindOfFlags, STAT, type StatTable } from './stat-table.ts';

/** What was brought to or recorded at one root home; paths relative to the repository's root. */
export interface IndexView {
  /** Owner → tree of the version last brought here or recorded; their union is the content. */
  readonly trees: ReadonlyMap<string, Digest>;
  readonly files: number;
  /** One entry, by binary search (about 5 µs). */
  entry(path: string): FileEntry | undefined;
  /** All entries sorted by the bytes of their paths. Makes them anew: about 1 µs a file. */
  listing(): readonly FileEntry[];
}

/** What the index of a home says, without a look at the files: a read of the index, 0.1 ms for 1,000 files. Undefined where there is none. */
export function readIndex(indexFile: string): IndexView | undefined {
  const open = readTable(indexFile);
  return open === undefined ? undefined : viewOf(open);
}

/** An index as its readers see it. */
export function viewOf(open: OpenTable): IndexView {
  const { table } = open;
  let find: ((path: string) => number) | undefined;
  return {
    trees: treesOf(open),
    files: table.files,
    entry: (path) => {
      find ??= finderOf(table);
      const file = find(path);
      return file < 0 ? undefined : entryAt(open, file, path);
    },
    listing: () => listingOf(open),
  };
}

/** The view of no index. */
export const NO_INDEX: IndexView = { trees: new Map(), files: 0, entry: () => undefined, listing: () => [] };

function treesOf(open: OpenTable): Map<string, Digest> {
  const trees = new Map<string, Digest>();
  for (const [owner, digest] of Object.entries(open.meta.trees))
    if (isDigest(digest)) trees.set(owner, digest);
  return trees;
}

/** Answers the row of a path, -1 where it has none. */
export function finderOf(table: StatTable): (path: string) => number {
  const folders = new Map<string, number>();
  for (let folder = 0; folder < table.folders; folder++) folders.set(folderName(table, folder), folder);
  return (path) => {
    const parent = parentOf(path);
    const folder = folders.get(parent);
    if (folder === undefined) return -1;
    const name = parent === '' ? path : path.slice(parent.length + 1);
    const { first, end } = fileRange(table, folder);
    const at = lowerBound(table, { from: first, end }, name);
    return at < end && fileName(table, at) === name ? at : -1;
  };
}

/** The digest of a row. */
export function digestOf(open: OpenTable, file: number): Digest {
  return hexOf(open.digests().subarray(32 * file, 32 * file + 32)) as Digest;
}

/** A row as an entry. */
function entryAt(open: OpenTable, file: number, path: string): FileEntry {
  return {
    path,
    kind: kindOfFlags(open.table.fileFlags[file] ?? 0),
    digest: digestOf(open, file),
    size: open.table.fileStats[4 * file + STAT.size] ?? 0,
  };
}

function listingOf(open: OpenTable): FileEntry[] {
  const { table } = open;
  const entries: FileEntry[] = [];
  for (let folder = 0; folder < table.folders; folder++) {
    const path = folderName(table, folder);
    const { first, end } = fileRange(table, folder);
    fileNames(table, first, end).forEach((name, index) => {
      entries.push(entryAt(open, first + index, joinPath(path, name)));
    });
  }
  return entries.sort((a, b) => compareBytes(a.path, b.path));
}
