import { lstatSync, mkdirSync, readlinkSync, renameSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { digestAt, kindAt } from '../disk/file-columns.ts';
import { errnoOf } from '../disk/fs-problem.ts';
import { hashFiles } from '../disk/hash-pool.ts';
import { isSealed, quarantine } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import type { DiskStore } from '../store/disk-store.ts';
import { readNode } from '../store/mark.ts';
import type { Store } from '../store/store.ts';
import { writeListing } from '../store/trees.ts';
import { readIndex } from '../workspace/stat-index.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { detachEdited } from './detach-links.ts';
import { dropFiles, type DatasetFile } from './drop-files.ts';
import { groupByRoot } from './index-homes.ts';
import type { AppContext, Remote } from './ports.ts';
import { toTreePath, type Dataset, type Project } from './project.ts';
import { recordedEntry, recordedListing } from './records.ts';

/** By digest, the paths of this checkout that have, or should have, these bytes. */
export type PathsOf = ReadonlyMap<Digest, readonly string[]>;

/** By digest, where the right bytes came from. */
export type Mended = Map<Digest, string>;

/** Damaged nodes go to quarantine. */
export function putTreesAside(folder: string, bad: Iterable<Digest>): void {
  const aside = `${folder}/quarantine`;
  mkdirSync(aside, { recursive: true });
  for (const digest of bad)
    renameSync(`${folder}/trees/${digest.slice(0, 2)}/${digest}`, `${aside}/tree-${digest}`);
}

/** Lists of datasets that lie here as recorded are written again from the stat index, others taken from the stores. */
export async function mendTrees(
  ctx: AppContext,
  { project, store, bad }: { project: Project; store: DiskStore; bad: Iterable<Digest> },
): Promise<Mended> {
  const wanted = [...bad];
  const mended: Mended = new Map();
  if (wanted.length === 0) return mended;
  const owner = ownersOf(project);
  for (const [root, datasets] of groupByRoot(project.roots, project.datasets)) {
    const index = readIndex(homeRequest(ctx, root).indexFile);
    for (const dataset of datasets) {
      if (dataset.recorded === undefined || index?.trees.get(dataset.owner) !== dataset.recorded) continue;
      if (!(await isBroken(store, dataset))) continue;
      const rows = index.listing().filter(({ path }) => owner(path) === dataset);
      await writeListing(
        store,
        rows.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) })),
      );
    }
  }
  const { read } = await ctx.remotes();
  for (const digest of wanted) {
    if (await store.hasTree(digest)) mended.set(digest, 'workspace');
    else await takeTree(store, { digest, from: read, mended });
  }
  return mended;
}

async function takeTree(
  store: Store,
  { digest, from, mended }: { digest: Digest; from: readonly Remote[]; mended: Mended },
): Promise<void> {
  for (const remote of from) {
    const text = await readNode(remote.store, digest);
    if (text === undefined) continue;
    await store.putTree(digest, text);
    mended.set(digest, remote.name);
    return;
  }
}

/** Whether a dataset's tree can't be read whole. */
async function isBroken(store: Store, dataset: Dataset): Promise<boolean> {
  try {
    await recordedListing(store, dataset);
    return false;
  } catch (error) {
    if (error instanceof Problem) return true;
    throw error;
  }
}

/**
 * Damaged objects go to quarantine. A file of the workspace that is the same file by a hard link is taken away, since it only looks
 * right; but one that was edited through its link keeps the edit, as a file of its own. Answers what is to be said of each.
 */
export async function putObjectsAside(
  ctx: AppContext,
  project: Project,
  { bad, paths }: { readonly bad: ReadonlyMap<Digest, string>; readonly paths: PathsOf },
): Promise<ReadonlyMap<Digest, string>> {
  const faults = new Map<Digest, string>();
  const lost: string[] = [];
  for (const [digest, fault] of bad) {
    const object = statOf(ctx.store.objectPath(digest));
    const shared = (paths.get(digest) ?? []).filter((path) =>
      isSame(statOf(join(ctx.workspace.root, path)), object),
    );
    const list = shared.join(', ');
    if (object !== undefined && shared.length > 0 && !isSealed(object, digest)) {
      detachEdited(ctx, new Map(shared.map((path) => [path, digest])));
      faults.set(digest, `it was edited through its link ${list}, which keeps the edit`);
      continue;
    }
    quarantine(ctx.store.folder, digest, fault);
    lost.push(...shared);
    const were = shared.length === 1 ? 'was' : 'were';
    faults.set(
      digest,
      shared.length === 0
        ? fault
        : `${fault}; ${list} in the workspace ${were} the same file (a hard link), and went with it`,
    );
  }
  await dropFiles(ctx, project, await filesAt(ctx, project, lost));
  return faults;
}

async function filesAt(
  ctx: AppContext,
  project: Project,
  paths: readonly string[],
): Promise<readonly DatasetFile[]> {
  const owner = ownersOf(project);
  const files: DatasetFile[] = [];
  for (const path of paths) {
    const dataset = owner(path);
    const entry = dataset === undefined ? undefined : await recordedEntry(ctx.store, dataset, path);
    if (dataset !== undefined && entry !== undefined) files.push({ dataset, entry });
  }
  return files;
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function isSame(file: Stats | undefined, object: Stats | undefined): boolean {
  return file !== undefined && file.ino === object?.ino && file.dev === object.dev;
}

/** Stores again what files of the workspace still have: those of the digests whose bytes were found. */
export async function mendFromWorkspace(
  ctx: AppContext,
  { lost, paths }: { readonly lost: Iterable<Digest>; readonly paths: PathsOf },
): Promise<Mended> {
  const { root } = ctx.workspace;
  const mended: Mended = new Map();
  const wanted = new Set(lost);
  const candidates = [...wanted].flatMap((digest) => paths.get(digest) ?? []);
  const there = candidates.filter((path) => statOf(join(root, path))?.isDirectory() === false);
  const columns = await hashFiles({ root, paths: there, storeFolder: ctx.store.folder, signal: ctx.signal });
  for (const [index, path] of columns.paths.entries()) {
    const digest = digestAt(columns, index);
    const kind = kindAt(columns, index);
    if (kind === undefined || !wanted.has(digest)) continue;
    if (kind === 'l') await ctx.store.putBytes(digest, readlinkSync(join(root, path), 'buffer'));
    else await ctx.store.putObject(digest, join(root, path), ctx.signal);
    mended.set(digest, 'workspace');
  }
  return mended;
}
