import { closeSync, openSync, readSync } from 'node:fs';
import { fsProblem } from '../disk/fs-problem.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { notFound, type Problem } from '../model/problem.ts';
import { kindName, type ListedFile, type UsageReport } from '../model/report.ts';
import { compareBytes, isWithin, joinPath, parentOf } from '../model/repo-path.ts';
import { listPrefix, measureTree } from '../store/trees.ts';
import { didYouMean } from '../util/suggest.ts';
import { datasetStates, type DatasetState } from './datasets.ts';
import { findRecorded, fileOf, type RecordedFile } from './recorded-file.ts';
import { pointerEntry, recordedListing, withName } from './records.ts';
import type { AppContext } from './ports.ts';
import { loadProject, toRepoPath, toTreePath, workTreeFiles, type Dataset, type Project } from './project.ts';
import { projectAt } from './project-at.ts';
import { typedPath } from './typed-path.ts';

export interface ListRequest {
  /** A commit; the tracked files of the work tree without. */
  readonly ref: string | undefined;
  /** As typed; empty for all datasets. */
  readonly path: string | undefined;
  readonly recursive: boolean;
}

/**
 * Files that are recorded below a path, here or not, sorted; folders with their totals unless recursive; of no path the
 * datasets. Throws `no-path`, `no-ref` (exit 4).
 */
export async function listFiles(
  ctx: AppContext,
  { ref, path, recursive }: ListRequest,
): Promise<readonly ListedFile[]> {
  const project = await projectOf(ctx, ref);
  const top = path === undefined || path === '' ? '' : typedPath(ctx, path);
  const meant = project.datasets.filter(
    ({ home, recorded }) => recorded !== undefined && (isWithin(home, top) || isWithin(top, home)),
  );
  if ((path === undefined || path === '') && !recursive) return listDatasets(meant);
  const found: FileEntry[] = [];
  for (const dataset of meant) for (const entry of await entriesBelow(ctx, dataset, top)) found.push(entry);
  if (found.length === 0 && top !== '') throw noPath(project, top, ref);
  found.sort((a, b) => compareBytes(a.path, b.path));
  return recursive ? found.map(listed) : aggregate(found, top);
}

export interface ReadRequest {
  readonly ref: string | undefined;
  readonly path: string;
}

const CHUNK = 1 << 20;

/**
 * The bytes of a recorded file, from the store; from the workspace where the store doesn't have them and the file there has
 * the recorded digest. A symlink is followed inside its dataset. Throws `no-path`, `missing-object` (exit 4),
 * `corrupt-object` (exit 7).
 */
export async function* readFile(ctx: AppContext, { ref, path }: ReadRequest): AsyncGenerator<Uint8Array> {
  const project = await projectOf(ctx, ref);
  const found = await findEntry(ctx, project, { path: typedPath(ctx, path), ref });
  const { size } = found.entry;
  const file = await fileOf(ctx, found);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw fsProblem(error, 'read', file);
  }
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, size)));
      const count = readSync(fd, chunk);
      if (count === 0) return;
      yield chunk.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
}

/** Sizes of datasets as recorded, with the number of their files that are here, and of the local store. */
export async function diskUsage(
  ctx: AppContext,
  { paths }: { readonly paths: readonly string[] },
): Promise<UsageReport> {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const tops = paths.map((text) => typedPath(ctx, text));
  const { all } = await datasetStates(ctx, project);
  const meant = all.filter(
    ({ dataset: { home, recorded } }) =>
      recorded !== undefined &&
      (tops.length === 0 || tops.some((top) => isWithin(home, top) || isWithin(top, home))),
  );
  const [top] = tops;
  if (meant.length === 0 && top !== undefined) throw noPath(project, top, undefined);
  const datasets = [];
  for (const state of meant) {
    const { home: path, files, bytes } = state.dataset;
    datasets.push({ path, files, bytes, here: await countHere(ctx, state) });
  }
  let objects = 0;
  let bytes = 0;
  for await (const { size } of ctx.store.listObjects()) {
    objects++;
    bytes += size;
  }
  return { datasets: datasets.sort((a, b) => compareBytes(a.path, b.path)), store: { objects, bytes } };
}

async function projectOf(ctx: AppContext, ref: string | undefined): Promise<Project> {
  return ref === undefined ? loadProject(workTreeFiles(ctx.workspace)) : projectAt(ctx, ref);
}

function listDatasets(datasets: readonly Dataset[]): readonly ListedFile[] {
  const homes = new Map<string, ListedFile>();
  for (const { home: path, single, files, bytes, pointer } of datasets) {
    const before = homes.get(path);
    homes.set(path, {
      path,
      size: bytes + (before?.size ?? 0),
      digest: single && pointer?.content.type === 'file' ? pointer.content.digest : null,
      kind: single ? 'file' : 'folder',
      files: files + (before?.files ?? 0),
    });
  }
  return [...homes.values()].sort((a, b) => compareBytes(a.path, b.path));
}

async function entriesBelow(ctx: AppContext, dataset: Dataset, top: string): Promise<readonly FileEntry[]> {
  const { home, single, recorded } = dataset;
  if (recorded === undefined) return [];
  if (single || isWithin(home, top)) return recordedListing(ctx.store, dataset);
  const inside = await withName(dataset, listPrefix(ctx.store, recorded, toTreePath(dataset, top)));
  return inside.map((entry) => ({ ...entry, path: toRepoPath(dataset, entry.path) }));
}

function listed({ path, size, digest, kind }: FileEntry): ListedFile {
  return { path, size, digest, kind: kindName(kind), ...(kind === 'x' ? { executable: true } : {}) };
}

/** Files right below a folder, and its folders with what is in them; of a file's own path that file. */
function aggregate(files: readonly FileEntry[], top: string): readonly ListedFile[] {
  const rows = new Map<string, ListedFile>();
  for (const file of files) {
    const rest = file.path === top ? '' : file.path.slice(top === '' ? 0 : top.length + 1);
    const slash = rest.indexOf('/');
    if (slash < 0) {
      rows.set(file.path, listed(file));
      continue;
    }
    const path = joinPath(top, rest.slice(0, slash));
    const before = rows.get(path);
    const size = file.size + (before?.size ?? 0);
    rows.set(path, { path, size, digest: null, kind: 'folder', files: 1 + (before?.files ?? 0) });
  }
  return [...rows.values()];
}

async function findEntry(
  ctx: AppContext,
  project: Project,
  { path, ref }: { path: string; ref: string | undefined },
): Promise<RecordedFile> {
  const found = await findRecorded(ctx, project, path);
  if (typeof found !== 'string') return found;
  throw found === path ? await noFile(ctx, project, { path, ref }) : danglingLink(path, found);
}

async function countHere(ctx: AppContext, state: DatasetState): Promise<number> {
  const { dataset, brought, added, deleted, absent } = state;
  if (brought === undefined) return added.length;
  if (pointerEntry(dataset) !== undefined) return deleted.length === 0 ? 1 : 0;
  const base =
    brought === dataset.recorded
      ? dataset.files
      : (await ctx.store.hasTree(brought))
        ? (await measureTree(ctx.store, brought)).files
        : 0;
  return base + added.length - deleted.length - absent.length;
}

function noPath(project: Project, path: string, ref: string | undefined): Problem {
  const homes = project.datasets.map(({ home }) => home as string);
  const where = ref === undefined ? 'is recorded' : `is recorded in ${ref}`;
  return notFound(
    'no-path',
    `nothing at ${path} ${where}`,
    didYouMean(path, homes) ?? 'See the datasets: datawf ls',
  );
}

async function noFile(
  ctx: AppContext,
  project: Project,
  { path, ref }: { path: string; ref: string | undefined },
): Promise<Problem> {
  const beside: string[] = [];
  for (const dataset of project.datasets) {
    if (isWithin(path, dataset.home))
      for (const entry of await entriesBelow(ctx, dataset, parentOf(path))) beside.push(entry.path);
  }
  if (beside.some((file) => isWithin(file, path)))
    return notFound('no-path', `${path} is a folder`, `See what is in it: datawf ls ${path}`);
  if (beside.length === 0 && (await ctx.git.isTracked(path)))
    return notFound(
      'no-path',
      `${path} is a file of git, not of a dataset`,
      `git show ${ref ?? 'HEAD'}:${path}`,
    );
  const near = didYouMean(path, beside.slice(0, 10_000));
  return near === undefined
    ? noPath(project, path, ref)
    : notFound('no-path', `no file ${path} is recorded`, near);
}

function danglingLink(path: string, target: string): Problem {
  return notFound('dangling-link', `${path} is a symlink to ${target}, which no dataset has`);
}
