import type { StageNode } from '../graph/graph.ts';
import type { Digest } from '../model/digest.ts';
import { sameContent, type FileEntry } from '../model/file-entry.ts';
import { Problem } from '../model/problem.ts';
import { compareBytes, parentOf } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { findInTree, patchTree, readListing } from '../store/trees.ts';
import type { HomeRequest } from '../workspace/home-diff.ts';
import { snapshotHome, type HomeSnapshot } from '../workspace/snapshot.ts';
import { indexFileOf } from '../workspace/workspace.ts';
import { ownersOf } from './dataset-owners.ts';
import type { AppContext } from './ports.ts';
import { toRepoPath, toTreePath, type Dataset, type Project } from './project.ts';
import { overlayTrees } from './tree-overlay.ts';

/** A dataset as it lies in the workspace against its record (concepts 1.2: switched isn't edited, missing isn't deleted). */
export interface DatasetState {
  readonly dataset: Dataset;
  /**
   * `modified`: there are edits. `missing`: the record, or a part of it, isn't here (fresh clone, switched branch, deleted
   * out). `untracked`: files where nothing is recorded. `clean` otherwise, also where there is nothing at all.
   */
  readonly state: 'clean' | 'modified' | 'missing' | 'untracked';
  /** Edits against the record, by repository path, sorted. Of a stage's outs a deleted file is missing, not an edit. */
  readonly added: readonly FileEntry[];
  readonly changed: readonly FileEntry[];
  readonly deleted: readonly string[];
  /** Files of a stage's outs that were here and are gone: fetched when needed, no edit. */
  readonly absent: readonly string[];
  /** Version last brought here or recorded here. */
  readonly brought: Digest | undefined;
  /**
   * Version that it would have if recorded now, in the form of `Dataset.recorded`; undefined: no files. Of a stage's outs
   * the recorded one, whatever was edited. Cost: nothing unless edited; throws `missing-tree` (exit 4) where it must patch
   * a tree that isn't in the local store.
   */
  readonly treeNow: () => Promise<Digest | undefined>;
  /** Its files by repository path, sorted; reads the recorded tree (1 µs a file). */
  readonly listingNow: () => Promise<readonly FileEntry[]>;
}

/** All datasets of a project as they lie in the workspace. */
export interface DatasetStates {
  /** In the order of `project.datasets`. */
  readonly all: readonly DatasetState[];
  /** Those added by hand. */
  readonly added: readonly DatasetState[];
  readonly byOwner: ReadonlyMap<string, DatasetState>;
  readonly byStage: ReadonlyMap<StageNode, readonly DatasetState[]>;
  /** Files in root homes that belong to no dataset (git may track them), sorted. */
  readonly plain: readonly FileEntry[];
  /** By root home. */
  readonly snapshots: ReadonlyMap<string, HomeSnapshot>;
}

export interface StatesOptions {
  /** Root homes to look at; all without. Datasets of other roots are left out. */
  readonly roots?: readonly string[];
  /** Write trees of edited datasets into the local store, so that they can be recorded; else they stay in memory. */
  readonly keepTrees?: boolean;
}

/** How a root home is asked for in the workspace. */
export function homeRequest(ctx: AppContext, root: string): HomeRequest {
  return {
    root: ctx.workspace.root,
    home: root,
    indexFile: indexFileOf(ctx.workspace, root),
    storeFolder: ctx.store.folder,
    signal: ctx.signal,
  };
}

/** Looks at root homes: a stat per file, nothing is hashed but what differs from the index. Throws as `snapshotHome` does. */
export async function snapshotRoots(
  ctx: AppContext,
  roots: readonly string[],
): Promise<ReadonlyMap<string, HomeSnapshot>> {
  const snapshots = new Map<string, HomeSnapshot>();
  for (const root of roots) {
    const onProgress = (done: number, total: number): void =>
      ctx.emit({ event: 'progress', verb: 'looking at', done, total, bytes: 0, totalBytes: 0 });
    snapshots.set(root, await snapshotHome({ ...homeRequest(ctx, root), onProgress }));
  }
  return snapshots;
}

/** Compares the datasets with their records. Cost: the snapshots, where nothing is edited. */
export async function datasetStates(
  ctx: AppContext,
  project: Project,
  options: StatesOptions = {},
): Promise<DatasetStates> {
  const roots = options.roots ?? project.roots;
  const snapshots = await snapshotRoots(ctx, roots);
  const { edits, plain } = await sortEdits(ctx, project, [...snapshots.values()]);
  const store: Store = options.keepTrees === true ? ctx.store : overlayTrees(ctx.store);
  const all: DatasetState[] = [];
  for (const dataset of project.datasets) {
    const snapshot = snapshotOf(snapshots, dataset.home);
    if (snapshot === undefined) continue;
    all.push(await stateOf({ ctx, store }, dataset, { snapshot, found: edits.get(dataset) ?? NO_EDITS }));
  }
  return {
    all,
    added: all.filter(({ dataset }) => dataset.stage === undefined),
    byOwner: new Map(all.map((state) => [state.dataset.owner, state])),
    byStage: groupByStage(all),
    plain,
    snapshots,
  };
}

function groupByStage(all: readonly DatasetState[]): ReadonlyMap<StageNode, readonly DatasetState[]> {
  const byStage = new Map<StageNode, DatasetState[]>();
  for (const state of all) {
    const { stage } = state.dataset;
    if (stage === undefined) continue;
    const own = byStage.get(stage);
    if (own === undefined) byStage.set(stage, [state]);
    else own.push(state);
  }
  return byStage;
}

/** The snapshot of the root home that a path lies in. */
export function snapshotOf(
  snapshots: ReadonlyMap<string, HomeSnapshot>,
  path: string,
): HomeSnapshot | undefined {
  for (let at = path; at !== ''; at = parentOf(at)) {
    const snapshot = snapshots.get(at);
    if (snapshot !== undefined) return snapshot;
  }
  return undefined;
}

/** The recorded files of a dataset by repository path, sorted; none where nothing is recorded. Throws `missing-tree` (exit 4). */
export async function recordedListing(store: Store, dataset: Dataset): Promise<readonly FileEntry[]> {
  const { recorded, pointer, home, single } = dataset;
  if (recorded === undefined) return [];
  if (pointer?.content.type === 'file') return [pointerEntry(dataset) as FileEntry];
  const listing = await withName(dataset, readListing(store, recorded));
  return single ? listing.map((entry) => ({ ...entry, path: home })) : inHome(home, listing);
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

/** Differences from the index, not yet from the record. */
export interface Edits {
  readonly added: FileEntry[];
  readonly changed: FileEntry[];
  readonly deleted: string[];
}

/** No differences. */
export const NO_EDITS: Edits = { added: [], changed: [], deleted: [] };

/** Whose the differences of root homes are; what is nobody's, or git's, is plain. */
export async function sortEdits(
  ctx: AppContext,
  project: Pick<Project, 'datasets'>,
  snapshots: readonly HomeSnapshot[],
): Promise<{ edits: ReadonlyMap<Dataset, Edits>; plain: FileEntry[] }> {
  const edits = new Map<Dataset, Edits>();
  const plain: FileEntry[] = [];
  const owner = ownersOf(project);
  const isTracked = await trackedTest(ctx, snapshots);
  const sort = (path: string): Edits | undefined => {
    const dataset = isTracked(path) ? undefined : owner(path);
    if (dataset === undefined) return undefined;
    const found = edits.get(dataset) ?? { added: [], changed: [], deleted: [] };
    edits.set(dataset, found);
    return found;
  };
  for (const { edits: found } of snapshots) {
    for (const entry of found.added) (sort(entry.path)?.added ?? plain).push(entry);
    for (const entry of found.changed) (sort(entry.path)?.changed ?? plain).push(entry);
    for (const path of found.deleted) sort(path)?.deleted.push(path);
  }
  return { edits, plain: plain.sort((a, b) => compareBytes(a.path, b.path)) };
}

/** Whether git tracks a file; asks git only where files lie in homes that no index knows. */
async function trackedTest(
  ctx: AppContext,
  snapshots: readonly HomeSnapshot[],
): Promise<(path: string) => boolean> {
  if (snapshots.every(({ edits }) => edits.added.length === 0)) return () => false;
  const tracked = new Set(await ctx.git.trackedFiles(snapshots.map(({ home }) => home)));
  return (path) => tracked.has(path);
}

async function stateOf(
  { ctx, store }: { ctx: AppContext; store: Store },
  dataset: Dataset,
  { snapshot, found }: { snapshot: HomeSnapshot; found: Edits },
): Promise<DatasetState> {
  const brought = snapshot.trees.get(dataset.owner);
  const isBrought = brought === dataset.recorded && kindIsRight(dataset, snapshot);
  const differs = isBrought ? found : await againstRecord(store, dataset, found);
  const against = snapshot.known ? differs : await withoutSaved(ctx, differs);
  const isOut = dataset.stage !== undefined;
  const edits = isOut ? { ...against, deleted: [] } : against;
  const edited = edits.added.length + edits.changed.length + edits.deleted.length > 0;
  const isGone = isOut && against.deleted.length > 0;
  const state =
    dataset.recorded === undefined
      ? edited
        ? 'untracked'
        : 'clean'
      : edited
        ? 'modified'
        : isBrought && !isGone
          ? 'clean'
          : 'missing';
  const counts = edited && !isOut;
  return {
    dataset,
    state,
    ...edits,
    absent: isOut ? against.deleted : [],
    brought,
    treeNow: async () => (counts ? patchedTree(store, dataset, edits) : dataset.recorded),
    listingNow: async () => {
      const listing = await recordedListing(store, dataset);
      return counts ? mergeEdits(listing, edits) : listing;
    },
  };
}

/** Whether the index has the recorded kind of file: a single pointer's version is its bytes' digest, which doesn't say whether the file is executable. */
export function kindIsRight(dataset: Dataset, snapshot: HomeSnapshot): boolean {
  const entry = pointerEntry(dataset);
  return entry === undefined || (snapshot.index.entry(dataset.home)?.kind ?? entry.kind) === entry.kind;
}

/** Edits against the index as edits against the record: what is as the record says is none. */
async function againstRecord(store: Store, dataset: Dataset, found: Edits): Promise<Edits> {
  if (found.added.length + found.changed.length + found.deleted.length === 0) return found;
  // Without the recorded tree (a clone that hasn't pulled) nobody can say better.
  if (!(await hasRecord(store, dataset))) return found;
  const count = found.added.length + found.changed.length + found.deleted.length;
  const recorded = await recordFinder(store, dataset, count);
  const edits: Edits = { added: [], changed: [], deleted: [] };
  for (const entry of merged(found.added, found.changed)) {
    const before = await recorded(entry.path);
    if (before === undefined) edits.added.push(entry);
    else if (!sameContent(before, entry)) edits.changed.push(entry);
  }
  for (const path of found.deleted) if ((await recorded(path)) !== undefined) edits.deleted.push(path);
  return edits;
}

async function hasRecord(store: Store, { recorded, pointer }: Dataset): Promise<boolean> {
  return recorded === undefined || pointer?.content.type === 'file' || (await store.hasTree(recorded));
}

/**
 * Where no index tells (it was lost, or another branch divides the folders otherwise), a file whose bytes the store has is
 * another version and no edit: nothing is lost when the record replaces it.
 */
async function withoutSaved(ctx: AppContext, edits: Edits): Promise<Edits> {
  if (edits.changed.length === 0) return edits;
  const unsaved = new Set(
    await ctx.store.missingObjects(
      edits.changed.map(({ digest }) => digest),
      ctx.signal,
    ),
  );
  return { ...edits, changed: edits.changed.filter(({ digest }) => unsaved.has(digest)) };
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

async function patchedTree(store: Store, dataset: Dataset, edits: Edits): Promise<Digest | undefined> {
  const put = merged(edits.added, edits.changed);
  if (dataset.pointer?.content.type === 'file') return put.find(({ path }) => path === dataset.home)?.digest;
  const ref = await withName(
    dataset,
    patchTree(store, dataset.recorded, {
      put: put.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) })),
      remove: edits.deleted.map((path) => toTreePath(dataset, path)),
    }),
  );
  return ref.files === 0 ? undefined : ref.tree;
}

function mergeEdits(listing: readonly FileEntry[], edits: Edits): readonly FileEntry[] {
  const gone = new Set([...edits.deleted, ...edits.changed.map(({ path }) => path)]);
  const kept = gone.size === 0 ? listing : listing.filter(({ path }) => !gone.has(path));
  return merged(merged(edits.added, edits.changed), kept);
}

/** Two sorted lists of unlike paths as one. */
function merged(a: readonly FileEntry[], b: readonly FileEntry[]): readonly FileEntry[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...a, ...b].sort((one, other) => compareBytes(one.path, other.path));
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
