import type { Digest } from '../model/digest.ts';
import type { FileEntry, Listing, TreeRef } from '../model/file-entry.ts';
import type { Store } from './store.ts';

/** What differs between two versions, each list sorted by path. */
export interface TreeDiff {
  readonly added: readonly FileEntry[];
  readonly changed: readonly { readonly before: FileEntry; readonly after: FileEntry }[];
  readonly deleted: readonly FileEntry[];
}

/** Stores a listing (sorted, unique) as a tree. Leaves are written before the root. */
export function writeListing(store: Store, listing: Listing): Promise<TreeRef> {
  throw new Error(`not written yet: ${store.url} ${listing.length}`);
}

/** All files of a tree. Raises `missing-tree`, `corrupt-tree`. */
export function readListing(store: Store, tree: Digest): Promise<FileEntry[]> {
  throw new Error(`not written yet: ${store.url} ${tree}`);
}

/** The files of a tree, leaf by leaf, for those too many to hold. */
export function forEachLeaf(store: Store, tree: Digest, visit: (files: FileEntry[]) => void): Promise<void> {
  throw new Error(`not written yet: ${store.url} ${tree} ${visit.name}`);
}

/** Difference of two trees (undefined: empty); reads only nodes that differ. */
export function diffTrees(
  store: Store,
  before: Digest | undefined,
  after: Digest | undefined,
): Promise<TreeDiff> {
  throw new Error(`not written yet: ${store.url} ${before ?? ''} ${after ?? ''}`);
}

export interface TreePatch {
  readonly put: readonly FileEntry[];
  /** Absent ones are fine. A path that is also in `put` is put. */
  readonly remove: readonly string[];
}

/** A tree with files put and removed (any order); rewrites only the leaves concerned. Equal to writing the whole listing. */
export function patchTree(store: Store, tree: Digest | undefined, patch: TreePatch): Promise<TreeRef> {
  throw new Error(`not written yet: ${store.url} ${tree ?? ''} ${patch.put.length}`);
}

/** One file of a tree. */
export function findInTree(store: Store, tree: Digest, path: string): Promise<FileEntry | undefined> {
  throw new Error(`not written yet: ${store.url} ${tree} ${path}`);
}

/** The files whose path is `folder` or lies below it, '' for all. */
export function listPrefix(store: Store, tree: Digest, folder: string): Promise<FileEntry[]> {
  throw new Error(`not written yet: ${store.url} ${tree} ${folder}`);
}

/** Number of files and bytes of a tree; reads its root only. */
export function measureTree(store: Store, tree: Digest): Promise<TreeRef> {
  throw new Error(`not written yet: ${store.url} ${tree}`);
}
