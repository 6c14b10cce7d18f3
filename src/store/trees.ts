import { FILE_LINES } from '../formats/tree-split.ts';
import {
  corruptLine,
  formatLine,
  ListingChecker,
  parseInner,
  isInnerText,
  parseLine,
} from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry, Listing, TreeRef } from '../model/file-entry.ts';
import { compareBytes, isWithin } from '../model/repo-path.ts';
import type { Store } from './store.ts';
import {
  checkLeaf,
  diffNodes,
  findLeaves,
  nameOf,
  patchNodes,
  readLines,
  writeLines,
  type KeyRange,
  type LineEdits,
  type LeafRef,
} from './tree-nodes.ts';

/** What differs between two versions, each list sorted by path. */
export interface TreeDiff {
  readonly added: readonly FileEntry[];
  readonly changed: readonly { readonly before: FileEntry; readonly after: FileEntry }[];
  readonly deleted: readonly FileEntry[];
}

/** Stores a listing (sorted, unique) as a tree. Leaves are written before the root. Cost: about 3 µs a file. */
export async function writeListing(store: Store, listing: Listing): Promise<TreeRef> {
  const root = await writeLines(store, listing.map(formatLine), FILE_LINES);
  return { tree: root.digest, files: root.count, bytes: root.bytes };
}

/** All files of a tree. Raises `missing-tree`, `corrupt-tree`. Cost: about 1 µs and 150 bytes a file. */
export async function readListing(store: Store, tree: Digest): Promise<FileEntry[]> {
  return readRange(store, tree, {});
}

/** The files of a leaf, each checked, and their order from one leaf to the next by the checker. */
export async function readFiles(store: Store, leaf: LeafRef, checker: ListingChecker): Promise<FileEntry[]> {
  const lines = await readLines(store, leaf);
  let bytes = 0;
  const files = lines.map((line, index) => {
    const entry = parseLine(line);
    const fault = typeof entry === 'string' ? entry : checker.faultOf(entry.path);
    if (typeof entry === 'string' || fault !== undefined) {
      throw corruptLine(nameOf(store, leaf.digest), index + 1, fault ?? '');
    }
    bytes += entry.size;
    return entry;
  });
  checkLeaf(store, leaf, { first: files[0]?.path ?? '', bytes });
  return files;
}

/** Difference of two trees (undefined: empty); reads only nodes that differ. */
export async function diffTrees(
  store: Store,
  before: Digest | undefined,
  after: Digest | undefined,
): Promise<TreeDiff> {
  const added: FileEntry[] = [];
  const changed: { before: FileEntry; after: FileEntry }[] = [];
  const deleted: FileEntry[] = [];
  for (const change of await diffNodes(store, { before, after }, FILE_LINES)) {
    const old = change.before === undefined ? undefined : entryOf(store, before, change.before);
    const now = change.after === undefined ? undefined : entryOf(store, after, change.after);
    if (old !== undefined && now !== undefined) changed.push({ before: old, after: now });
    else if (now !== undefined) added.push(now);
    else if (old !== undefined) deleted.push(old);
  }
  return { added, changed, deleted };
}

function entryOf(store: Store, tree: Digest | undefined, line: string): FileEntry {
  const entry = parseLine(line);
  if (typeof entry !== 'string') return entry;
  throw corruptLine(`tree ${tree ?? ''} of ${store.url}`, 1, `${JSON.stringify(line)} ${entry}`);
}

export interface TreePatch {
  readonly put: readonly FileEntry[];
  /** Absent ones are fine. A path that is also in `put` is put. */
  readonly remove: readonly string[];
}

/** A tree with files put and removed (any order); rewrites only the leaves concerned. Equal to writing the whole listing. */
export async function patchTree(store: Store, tree: Digest | undefined, patch: TreePatch): Promise<TreeRef> {
  const edits = new Map<string, string | undefined>();
  for (const path of patch.remove) edits.set(path, undefined);
  for (const entry of patch.put) edits.set(entry.path, formatLine(entry));
  return await patchLines(store, tree, edits);
}

/** `patchTree` for lines by path, as another tree has them; undefined removes. */
export async function patchLines(store: Store, tree: Digest | undefined, edits: LineEdits): Promise<TreeRef> {
  const root =
    tree === undefined
      ? await writeLines(store, sortedLines(edits), FILE_LINES)
      : await patchNodes(store, tree, { edits, form: FILE_LINES });
  return { tree: root.digest, files: root.count, bytes: root.bytes };
}

function sortedLines(edits: ReadonlyMap<string, string | undefined>): string[] {
  const sorted = [...edits].sort(([a], [b]) => compareBytes(a, b));
  return sorted.flatMap(([, line]) => line ?? []);
}

/** One file of a tree; reads one node a level. */
export async function findInTree(store: Store, tree: Digest, path: string): Promise<FileEntry | undefined> {
  const files = await readRange(store, tree, { from: path, before: `${path}\0` });
  return files.find((file) => file.path === path);
}

/** The files whose path is `folder` or lies below it, '' for all; reads only the nodes that can hold them. */
export async function listPrefix(store: Store, tree: Digest, folder: string): Promise<FileEntry[]> {
  const files = await readRange(store, tree, rangeBelow(folder));
  return files.filter((file) => isWithin(file.path, folder));
}

/** Where a folder, or the file at its path, would be; '' for all. */
export function rangeBelow(folder: string): KeyRange {
  // '0' is the byte behind '/'.
  return folder === '' ? {} : { from: folder, before: `${folder}0` };
}

async function readRange(store: Store, tree: Digest, range: KeyRange): Promise<FileEntry[]> {
  const checker = new ListingChecker();
  const files: FileEntry[] = [];
  for (const leaf of await findLeaves(store, tree, range)) {
    for (const file of await readFiles(store, leaf, checker)) files.push(file);
  }
  return files;
}

/** Number of files and bytes of a tree; reads its root only. */
export async function measureTree(store: Store, tree: Digest): Promise<TreeRef> {
  const text = await store.readTree(tree);
  const parts = isInnerText(text)
    ? parseInner(text, nameOf(store, tree))
    : (await readFiles(store, { digest: tree, named: undefined }, new ListingChecker())).map((file) => ({
        count: 1,
        bytes: file.size,
      }));
  let files = 0;
  let bytes = 0;
  for (const part of parts) {
    files += part.count;
    bytes += part.bytes;
  }
  return { tree, files, bytes };
}
