import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes } from '../model/repo-path.ts';
import { diffTrees, patchTree, readListing } from '../store/trees.ts';
import type { HomeSnapshot } from '../workspace/snapshot.ts';
import { ownersOf } from './dataset-owners.ts';
import { kindIsRight } from './datasets.ts';
import { NO_EDITS, sortEdits, type Edits } from './edits.ts';
import { pointerEntry, recordedBelow, recordedListing, recordFinder, withName } from './records.ts';
import type { AppContext } from './ports.ts';
import { toRepoPath, toTreePath, type Dataset, type Project } from './project.ts';

/** A version that a dataset is to have in the workspace; undefined: its files go. */
export interface Wanted {
  readonly dataset: Dataset;
  readonly tree: Digest | undefined;
}

export interface SyncRequest {
  readonly project: Project;
  readonly root: string;
  /** By owner; owners not named stay as they are, unless `dropOthers`. */
  readonly want: ReadonlyMap<string, Wanted>;
  /** Owners that the index has and nobody wants go, with their files. */
  readonly dropOthers?: boolean;
  /** Limits the work to these repository paths. */
  readonly within?: ((path: string) => boolean) | undefined;
  /** See `DataScope.inside`; what it says of a dataset holds beside `within`. */
  readonly inside?: (dataset: Dataset) => readonly string[] | undefined;
  /** Make all files anew. */
  readonly relink?: boolean;
  /** Where it was taken already. */
  readonly snapshot?: HomeSnapshot;
}

/** What differs for one dataset. */
export interface SyncChanges {
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

/** What brings a root home to the versions wanted. */
export interface SyncPlan {
  readonly put: readonly FileEntry[];
  readonly remove: readonly string[];
  readonly trees: ReadonlyMap<string, Digest | undefined>;
  /** By owner, those with changes only. */
  readonly changes: ReadonlyMap<string, SyncChanges>;
  /** Edits that this would overwrite or remove. */
  readonly edits: readonly FileEntry[];
}

/**
 * Finds what to do; changes nothing but trees in the store. Where the index has the versions wanted and nothing was edited,
 * that's a comparison of digests; else only trees that differ are read. Throws `missing-tree` (exit 4).
 */
export async function planSync(
  ctx: AppContext,
  request: SyncRequest,
  snapshot: HomeSnapshot,
): Promise<SyncPlan> {
  const { project, want } = request;
  const { edits } = await sortEdits(ctx, { datasets: datasetsOf(project, want) }, [snapshot]);
  const found = new Map([...edits].map(([dataset, own]) => [dataset.owner, own]));
  const put = new Map<string, FileEntry>();
  const remove = new Set<string>();
  const trees = new Map<string, Digest | undefined>();
  const changes = new Map<string, SyncChanges>();
  for (const [owner, wanted] of want) {
    const part = await planDataset(ctx, request, { snapshot, wanted, edits: found.get(owner) ?? NO_EDITS });
    if (part === undefined) continue;
    for (const entry of part.put) put.set(entry.path, entry);
    for (const path of part.remove) remove.add(path);
    if (part.tree !== snapshot.trees.get(owner)) trees.set(owner, part.tree);
    if (part.changes.added + part.changes.changed + part.changes.deleted > 0)
      changes.set(owner, part.changes);
  }
  if (request.dropOthers === true) await planDrops(ctx, request, { snapshot, remove, trees });
  for (const path of put.keys()) remove.delete(path);
  const touched = (entry: FileEntry): boolean => {
    const placed = put.get(entry.path);
    return placed === undefined ? remove.has(entry.path) : placed.digest !== entry.digest;
  };
  return {
    put: inOrder([...put.values()]),
    remove: [...remove].sort(compareBytes),
    trees,
    changes,
    edits: [...snapshot.edits.changed, ...snapshot.edits.added].filter(touched),
  };
}

function inOrder(entries: FileEntry[]): readonly FileEntry[] {
  const isSorted = entries.every(
    ({ path }, index) => compareBytes(entries[index - 1]?.path ?? '', path) <= 0,
  );
  return isSorted ? entries : entries.sort((a, b) => compareBytes(a.path, b.path));
}

interface Part {
  readonly put: readonly FileEntry[];
  readonly remove: readonly string[];
  /** What the index is to say. */
  readonly tree: Digest | undefined;
  readonly changes: SyncChanges;
}

interface Facts {
  readonly snapshot: HomeSnapshot;
  readonly wanted: Wanted;
  readonly edits: Edits;
}

async function planDataset(ctx: AppContext, request: SyncRequest, facts: Facts): Promise<Part | undefined> {
  const { dataset, tree } = facts.wanted;
  const { snapshot, edits } = facts;
  const brought = snapshot.trees.get(dataset.owner);
  const isEdited = edits.added.length + edits.changed.length + edits.deleted.length > 0;
  const isSame = brought === tree && (tree === undefined || kindIsRight(dataset, snapshot));
  if (isSame && !isEdited && request.relink !== true) return undefined;
  // Files where nothing was ever recorded are nobody's to take away.
  if (brought === undefined && tree === undefined) return undefined;
  if (dataset.pointer !== undefined && dataset.single) return planSingle(request, facts, isSame);

  const aim: Dataset = { ...dataset, recorded: tree };
  const inside = request.inside?.(dataset);
  const diff = await versionDiff(ctx, aim, { brought, snapshot, inside });
  if (!isEdited && request.within === undefined && request.relink !== true) {
    const added = diff.added.length;
    const changes = { added, changed: diff.put.length - added, deleted: diff.gone.length };
    return { put: diff.put, remove: diff.gone, tree, changes };
  }
  const within = request.within ?? (() => true);
  const put = new Map(diff.put.filter(({ path }) => within(path)).map((entry) => [entry.path, entry]));
  const gone = diff.gone.filter(within);
  const isWhole = inside === undefined && put.size === diff.put.length && gone.length === diff.gone.length;
  const here = isWhole ? tree : await partialTree(ctx, dataset, { brought, put: [...put.values()], gone });
  const remove = new Set(gone);
  const changes = { added: diff.added.filter(within).length, changed: put.size, deleted: gone.length };
  changes.changed -= changes.added;

  const edited = [...edits.changed.map(({ path }) => path), ...edits.deleted];
  const strays = dataset.stage === undefined ? [] : edits.added.map(({ path }) => path);
  const missing = new Set(edits.deleted);
  const find = await recordFinder(ctx.store, aim, edited.length + strays.length);
  for (const path of [...edited, ...strays].filter(within)) {
    if (put.has(path)) continue;
    const entry = await find(path);
    if (entry === undefined) remove.add(path);
    else {
      put.set(path, entry);
      if (missing.has(path)) changes.added++;
      else changes.changed++;
    }
  }
  changes.deleted = remove.size;
  if (request.relink === true)
    for (const entry of await (inside === undefined
      ? recordedListing(ctx.store, aim)
      : recordedBelow(ctx.store, aim, inside)))
      if (within(entry.path)) put.set(entry.path, entry);
  return { put: [...put.values()], remove: [...remove], tree: here, changes };
}

/** One file that a pointer records: its version is the file's own digest. */
function planSingle(
  request: SyncRequest,
  { wanted, snapshot, edits }: Facts,
  isSame: boolean,
): Part | undefined {
  const { dataset, tree } = wanted;
  if (request.within?.(dataset.home) === false) return undefined;
  const entry = tree === undefined ? undefined : pointerEntry(dataset);
  const wasHere = snapshot.trees.get(dataset.owner) !== undefined && edits.deleted.length === 0;
  if (entry === undefined) {
    return {
      put: [],
      remove: [dataset.home],
      tree,
      changes: { added: 0, changed: 0, deleted: wasHere ? 1 : 0 },
    };
  }
  const isKept = isSame && edits.changed.length + edits.deleted.length === 0;
  const changes = { added: wasHere ? 0 : 1, changed: wasHere && !isKept ? 1 : 0, deleted: 0 };
  return { put: [entry], remove: [], tree, changes };
}

interface VersionDiff {
  readonly put: readonly FileEntry[];
  readonly added: readonly string[];
  readonly gone: readonly string[];
}

/** `versionDiff` of some paths only: of either tree just the nodes that can hold them are read. */
async function diffInside(
  ctx: AppContext,
  aim: Dataset,
  { brought, inside }: { brought: Digest | undefined; inside: readonly string[] },
): Promise<VersionDiff> {
  const before = new Map(
    (await recordedBelow(ctx.store, { ...aim, recorded: brought }, inside)).map((entry) => [
      entry.path,
      entry,
    ]),
  );
  const after = await recordedBelow(ctx.store, aim, inside);
  const kept = new Set(after.map(({ path }) => path));
  return {
    put: after.filter(({ path, kind, digest }) => {
      const old = before.get(path);
      return old?.digest !== digest || old.kind !== kind;
    }),
    added: after.flatMap(({ path }) => (before.has(path) ? [] : [path])),
    gone: [...before.keys()].filter((path) => !kept.has(path)),
  };
}

/** What leads from the version brought here to another, by repository path. */
async function versionDiff(
  ctx: AppContext,
  aim: Dataset,
  {
    brought,
    snapshot,
    inside,
  }: { brought: Digest | undefined; snapshot: HomeSnapshot; inside: readonly string[] | undefined },
): Promise<VersionDiff> {
  if (brought === aim.recorded) return { put: [], added: [], gone: [] };
  const home = ({ path, kind, digest, size }: FileEntry): FileEntry => ({
    path: toRepoPath(aim, path),
    kind,
    digest,
    size,
  });
  if (brought === undefined || (await ctx.store.hasTree(brought))) {
    if (inside !== undefined) return diffInside(ctx, aim, { brought, inside });
    const diff = await withName(aim, diffTrees(ctx.store, brought, aim.recorded));
    const added = diff.added.map(home);
    return {
      put: [...added, ...diff.changed.map(({ after }) => home(after))],
      added: added.map(({ path }) => path),
      gone: diff.deleted.map((entry) => home(entry).path),
    };
  }
  // The store lost the tree of what is here; the index still has its files.
  const put = await recordedListing(ctx.store, aim);
  const kept = new Set(put.map(({ path }) => path));
  const owner = ownersOf({ datasets: [aim] });
  const gone = snapshot.index.listing().filter(({ path }) => owner(path) === aim && !kept.has(path));
  return { put, added: [], gone: gone.map(({ path }) => path) };
}

async function partialTree(
  ctx: AppContext,
  dataset: Dataset,
  part: { brought: Digest | undefined; put: readonly FileEntry[]; gone: readonly string[] },
): Promise<Digest | undefined> {
  const ref = await patchTree(ctx.store, part.brought, {
    put: part.put.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) })),
    remove: part.gone.map((path) => toTreePath(dataset, path)),
  });
  return ref.files === 0 ? undefined : ref.tree;
}

/** Files of owners that nobody wants any more: what the index has beside the versions of the others. */
async function planDrops(
  ctx: AppContext,
  request: SyncRequest,
  {
    snapshot,
    remove,
    trees,
  }: { snapshot: HomeSnapshot; remove: Set<string>; trees: Map<string, Digest | undefined> },
): Promise<void> {
  const others = [...snapshot.trees.keys()].filter((owner) => !request.want.has(owner));
  if (others.length === 0) return;
  const kept = new Set<string>();
  for (const [owner, { dataset }] of request.want) {
    const brought = snapshot.trees.get(owner);
    if (brought === undefined) continue;
    if (dataset.pointer !== undefined && dataset.single) kept.add(dataset.home);
    else for (const { path } of await readListing(ctx.store, brought)) kept.add(toRepoPath(dataset, path));
  }
  for (const { path } of snapshot.index.listing()) {
    if (!kept.has(path) && request.within?.(path) !== false) remove.add(path);
  }
  if (request.within === undefined) for (const owner of others) trees.set(owner, undefined);
}

/** The project's datasets, with those wanted in the form in which they are wanted. */
function datasetsOf(project: Project, want: ReadonlyMap<string, Wanted>): readonly Dataset[] {
  const known = new Set(project.datasets.map(({ owner }) => owner));
  const more = [...want.values()].flatMap(({ dataset }) => (known.has(dataset.owner) ? [] : [dataset]));
  return [...project.datasets.map((dataset) => want.get(dataset.owner)?.dataset ?? dataset), ...more];
}
