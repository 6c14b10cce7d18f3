import type { FileEntry } from '../model/file-entry.ts';
import { Problem } from '../model/problem.ts';
import type { Store } from '../store/store.ts';
import { findInTree, listPrefix, readListing } from '../store/trees.ts';
import { toRepoPath, toTreePath, type Dataset } from './project.ts';

/** The recorded files of a dataset by repository path, sorted; none where nothing is recorded. Throws `missing-tree` (exit 4). */
export async function recordedListing(store: Store, dataset: Dataset): Promise<readonly FileEntry[]> {
  const { recorded, pointer, home, single } = dataset;
  if (recorded === undefined) return [];
  if (pointer?.content.type === 'file') return [pointerEntry(dataset) as FileEntry];
  const listing = await withName(dataset, readListing(store, recorded));
  return single ? listing.map((entry) => ({ ...entry, path: home })) : inHome(home, listing);
}

/** The recorded files of a dataset at or below some repository paths inside it, each once; reads only the nodes that can hold them. */
export async function recordedBelow(
  store: Store,
  dataset: Dataset,
  paths: readonly string[],
): Promise<readonly FileEntry[]> {
  const { recorded } = dataset;
  if (recorded === undefined) return [];
  const found = new Map<string, FileEntry>();
  for (const path of paths) {
    const entries = await withName(dataset, listPrefix(store, recorded, toTreePath(dataset, path)));
    for (const entry of entries) {
      const at = toRepoPath(dataset, entry.path);
      found.set(at, { ...entry, path: at });
    }
  }
  return [...found.values()];
}

/** One recorded file of a dataset. */
export async function recordedEntry(
  store: Store,
  dataset: Dataset,
  path: string,
): Promise<FileEntry | undefined> {
  const { recorded, pointer } = dataset;
  if (recorded === undefined) return undefined;
  if (pointer?.content.type === 'file') return path === dataset.home ? pointerEntry(dataset) : undefined;
  const entry = await withName(dataset, findInTree(store, recorded, toTreePath(dataset, path)));
  return entry === undefined ? undefined : { ...entry, path };
}

/** The file that a pointer of one file records; undefined for other datasets. */
export function pointerEntry({ pointer, home }: Pick<Dataset, 'pointer' | 'home'>): FileEntry | undefined {
  if (pointer?.content.type !== 'file') return undefined;
  const { kind, digest, bytes } = pointer.content;
  return { path: home, kind, digest, size: bytes };
}

/** From so many edits on, the whole listing costs less than a way down the tree for each. */
const MANY_EDITS = 100;

/** Finds recorded files by repository path. */
export type LookUp = (path: string) => Promise<FileEntry | undefined>;

/** A way to look up about `count` files of a dataset's record. */
export async function recordFinder(store: Store, dataset: Dataset, count: number): Promise<LookUp> {
  if (count < MANY_EDITS) return (path) => recordedEntry(store, dataset, path);
  const listing = new Map((await recordedListing(store, dataset)).map((entry) => [entry.path, entry]));
  return async (path) => listing.get(path);
}

/** Whether a dataset's recorded listing can be read from this store. */
export async function hasRecord(store: Store, { recorded, pointer }: Dataset): Promise<boolean> {
  return recorded === undefined || pointer?.content.type === 'file' || (await store.hasTree(recorded));
}

/** Whether a store has all of a dataset's recorded version: the root of a tree comes last, so one that is there says so. */
export async function hasVersion(store: Store, dataset: Dataset): Promise<boolean> {
  const { recorded } = dataset;
  if (recorded === undefined || pointerEntry(dataset) === undefined) return hasRecord(store, dataset);
  return (await store.missingObjects([recorded])).length === 0;
}

function inHome(home: string, listing: readonly FileEntry[]): readonly FileEntry[] {
  return listing.map((entry) => ({
    ...entry,
    path: toRepoPath({ home: home as Dataset['home'], single: false }, entry.path),
  }));
}

/** A tree that isn't here is told by the dataset that needs it: `missing-tree` (exit 4) with the cure. */
export async function withName<Value>(dataset: Dataset, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'missing-tree') throw error;
    throw new Problem({
      code: 'missing-tree',
      message: `the list of files of ${dataset.home} (tree ${dataset.recorded ?? ''}) isn't in the local store`,
      hint:
        dataset.stage === undefined
          ? 'Get it with `datawf pull`.'
          : `Get it with \`datawf pull\`, or make it anew: datawf repro ${dataset.stage.stage.id}`,
      exit: error.exit,
      cause: error,
    });
  }
}
