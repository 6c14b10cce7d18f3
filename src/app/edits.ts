import type { Digest } from '../model/digest.ts';
import { sameContent, type FileEntry } from '../model/file-entry.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { patchTree } from '../store/trees.ts';
import type { HomeSnapshot } from '../workspace/snapshot.ts';
import { ownersOf } from './dataset-owners.ts';
import type { AppContext } from './ports.ts';
import { toTreePath, type Dataset, type Project } from './project.ts';
import { hasRecord, recordFinder, withName } from './records.ts';

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

/** Edits against the index as edits against the record: what is as the record says is none. */
export async function againstRecord(store: Store, dataset: Dataset, found: Edits): Promise<Edits> {
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

/**
 * Where no index tells (it was lost, or another branch divides the folders otherwise), a file whose bytes the store has is
 * another version and no edit: nothing is lost when the record replaces it.
 */
export async function withoutSaved(ctx: AppContext, edits: Edits): Promise<Edits> {
  if (edits.changed.length === 0) return edits;
  const unsaved = new Set(
    await ctx.store.missingObjects(
      edits.changed.map(({ digest }) => digest),
      ctx.signal,
    ),
  );
  return { ...edits, changed: edits.changed.filter(({ digest }) => unsaved.has(digest)) };
}

/** The recorded version with edits, in the form of `Dataset.recorded`; undefined: no files. Writes new nodes into the store. */
export async function patchedTree(store: Store, dataset: Dataset, edits: Edits): Promise<Digest | undefined> {
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

/** A recorded listing with edits, sorted. */
export function mergeEdits(listing: readonly FileEntry[], edits: Edits): readonly FileEntry[] {
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
