import { pushTo } from '../util/multimap.ts';
import type { StageNode } from '../graph/graph.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { parentOf } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import type { HomeRequest } from '../workspace/home-diff.ts';
import { snapshotHome, type HomeSnapshot } from '../workspace/snapshot.ts';
import { fileSystemTime } from '../workspace/fs-time.ts';
import { indexFileOf, indexFolderOf } from '../workspace/workspace.ts';
import {
  againstRecord,
  mergeEdits,
  NO_EDITS,
  patchedTree,
  sortEdits,
  withoutSaved,
  type Edits,
} from './edits.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { pointerEntry, recordedListing } from './records.ts';
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
  let time: number | undefined;
  const startTime = (): number => (time ??= fileSystemTime(indexFolderOf(ctx.workspace)));
  for (const root of roots) {
    const onProgress = (done: number, total: number): void =>
      ctx.emit({ event: 'progress', verb: 'looking at', done, total, bytes: 0, totalBytes: 0 });
    snapshots.set(root, await snapshotHome({ ...homeRequest(ctx, root), startTime, onProgress }));
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
    pushTo(byStage, stage, state);
  }
  return byStage;
}

/** The snapshot of the root home that a path lies in. */
function snapshotOf(snapshots: ReadonlyMap<string, HomeSnapshot>, path: string): HomeSnapshot | undefined {
  for (let at = path; at !== ''; at = parentOf(at)) {
    const snapshot = snapshots.get(at);
    if (snapshot !== undefined) return snapshot;
  }
  return undefined;
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
