import { sameContent, type FileEntry } from '../model/file-entry.ts';
import { notFound } from '../model/problem.ts';
import type { DatasetDiff, DiffReport } from '../model/report.ts';
import { compareBytes, isWithin } from '../model/repo-path.ts';
import { diffTrees } from '../store/trees.ts';
import { didYouMean } from '../util/suggest.ts';
import { datasetStates, type DatasetState } from './datasets.ts';
import { pointerEntry, recordedEntry, recordedListing, withName } from './records.ts';
import type { AppContext } from './ports.ts';
import { loadProject, toRepoPath, workTreeFiles, type Dataset, type Project } from './project.ts';
import { projectAt } from './project-at.ts';
import { typedPath } from './typed-path.ts';

export interface DiffRequest {
  /** A commit; HEAD without. */
  readonly from: string | undefined;
  /** A commit; the workspace without. */
  readonly to: string | undefined;
  /** Datasets, folders or files as typed; all without any. */
  readonly paths: readonly string[];
}

/**
 * Files of datasets that differ between two commits, or a commit and the workspace with its edits. A file that went and one
 * of equal bytes that came in the same home are a rename. Reads only the parts of trees that differ. Throws `no-ref`,
 * `missing-tree` (exit 4).
 */
export async function diff(ctx: AppContext, request: DiffRequest): Promise<DiffReport> {
  const before = await projectBefore(ctx, request.from);
  const after =
    request.to === undefined ? loadProject(workTreeFiles(ctx.workspace)) : await projectAt(ctx, request.to);
  const isMeant = pathFilter(ctx, request.paths, [before, after]);
  const homes = new Map<string, Changes>();
  for (const [owner, pair] of pairs(before, after)) {
    const home = (pair.after ?? pair.before)?.home;
    if (home === undefined || !isMeant.home(home)) continue;
    const changes = homes.get(home) ?? new Map<string, Change>();
    homes.set(home, changes);
    await compare(ctx, changes, { ...pair, owner });
  }
  if (request.to === undefined) {
    const states = await datasetStates(ctx, after);
    for (const state of states.all) if (isMeant.home(state.dataset.home)) await addEdits(ctx, homes, state);
  }
  return {
    datasets: [...homes]
      .sort(([a], [b]) => compareBytes(a, b))
      .map(([path, changes]) => reportOf(path, changes, isMeant.path))
      .filter((one) => one.added.length + one.changed.length + one.deleted.length + one.renamed.length > 0),
  };
}

/** One file in two versions. */
export interface Change {
  before: FileEntry | undefined;
  after: FileEntry | undefined;
}

/** By repository path. */
export type Changes = Map<string, Change>;

async function projectBefore(ctx: AppContext, ref: string | undefined): Promise<Project | undefined> {
  if (ref !== undefined) return projectAt(ctx, ref);
  const { commit } = await ctx.workspace.head();
  return commit === undefined ? undefined : projectAt(ctx, commit);
}

function pairs(before: Project | undefined, after: Project) {
  const found = new Map<string, { before: Dataset | undefined; after: Dataset | undefined }>();
  for (const dataset of before?.datasets ?? [])
    found.set(dataset.owner, { before: dataset, after: undefined });
  for (const dataset of after.datasets)
    found.set(dataset.owner, { before: found.get(dataset.owner)?.before, after: dataset });
  return found;
}

function pathFilter(ctx: AppContext, typed: readonly string[], projects: readonly (Project | undefined)[]) {
  const paths = typed.map((text) => typedPath(ctx, text));
  const homes = projects.flatMap((project) => project?.datasets.map(({ home }) => home) ?? []);
  for (const path of paths) {
    if (homes.some((home) => isWithin(path, home) || isWithin(home, path))) continue;
    throw notFound('no-target', `${path} is in no dataset`, didYouMean(path, homes));
  }
  return {
    home: (home: string) =>
      paths.length === 0 || paths.some((path) => isWithin(path, home) || isWithin(home, path)),
    path: (file: string) => paths.length === 0 || paths.some((path) => isWithin(file, path)),
  };
}

/** Notes what differs between two records of a dataset; the same dataset may come and go under another owner. */
async function compare(
  ctx: AppContext,
  changes: Changes,
  { before, after }: { before: Dataset | undefined; after: Dataset | undefined; owner: string },
): Promise<void> {
  const note = (path: string, side: 'before' | 'after', entry: FileEntry): void => {
    const change = changes.get(path) ?? { before: undefined, after: undefined };
    change[side] = { ...entry, path };
    changes.set(path, change);
  };
  if (before?.recorded === after?.recorded && before?.single === after?.single && sameKind(before, after))
    return;
  const isPlain = [before, after].every((one) => one === undefined || pointerEntry(one) === undefined);
  if (isPlain && (before === undefined || after === undefined || before.single === after.single)) {
    const dataset = after ?? before;
    if (dataset === undefined) return;
    const diff = await withName(dataset, diffTrees(ctx.store, before?.recorded, after?.recorded));
    for (const entry of diff.added) note(toRepoPath(dataset, entry.path), 'after', entry);
    for (const entry of diff.deleted) note(toRepoPath(dataset, entry.path), 'before', entry);
    for (const pair of diff.changed) {
      note(toRepoPath(dataset, pair.before.path), 'before', pair.before);
      note(toRepoPath(dataset, pair.after.path), 'after', pair.after);
    }
    return;
  }
  if (before !== undefined)
    for (const entry of await recordedListing(ctx.store, before)) note(entry.path, 'before', entry);
  if (after !== undefined)
    for (const entry of await recordedListing(ctx.store, after)) note(entry.path, 'after', entry);
}

function sameKind(before: Dataset | undefined, after: Dataset | undefined): boolean {
  const one = before === undefined ? undefined : pointerEntry(before);
  const other = after === undefined ? undefined : pointerEntry(after);
  return one?.kind === other?.kind;
}

/** Edits in the workspace on top of what its record says. */
async function addEdits(ctx: AppContext, homes: Map<string, Changes>, state: DatasetState): Promise<void> {
  const { dataset, added, changed, deleted } = state;
  if (added.length + changed.length + deleted.length === 0) return;
  const changes = homes.get(dataset.home) ?? new Map<string, Change>();
  homes.set(dataset.home, changes);
  for (const entry of added) {
    const change = changes.get(entry.path);
    changes.set(entry.path, { before: change?.before, after: entry });
  }
  for (const [path, after] of [
    ...changed.map((entry) => [entry.path, entry] as const),
    ...deleted.map((path) => [path, undefined] as const),
  ]) {
    const change = changes.get(path);
    const before = change === undefined ? await recordedEntry(ctx.store, dataset, path) : change.before;
    changes.set(path, { before, after });
  }
}

/** The report of one dataset's changes, renames found; sorted by path. */
export function reportOf(path: string, changes: Changes, isMeant: (path: string) => boolean): DatasetDiff {
  const added: FileEntry[] = [];
  const changed: string[] = [];
  const deleted: FileEntry[] = [];
  const sorted = [...changes].filter(([file]) => isMeant(file)).sort(([a], [b]) => compareBytes(a, b));
  for (const [file, { before, after }] of sorted) {
    if (before === undefined && after !== undefined) added.push(after);
    else if (before !== undefined && after === undefined) deleted.push(before);
    else if (before !== undefined && after !== undefined && !sameContent(before, after)) changed.push(file);
  }
  const { renamed, come, gone } = findRenames(added, deleted);
  return { path, added: come, changed, deleted: gone, renamed };
}

/** Pairs what went with what came by equal bytes, in order. Empty files say nothing. */
function findRenames(added: readonly FileEntry[], deleted: readonly FileEntry[]) {
  const byContent = new Map<string, FileEntry[]>();
  for (const entry of added) {
    if (entry.size === 0) continue;
    const key = `${entry.kind}${entry.digest}`;
    byContent.set(key, [...(byContent.get(key) ?? []), entry]);
  }
  const renamed: { from: string; to: string }[] = [];
  const used = new Set<string>();
  for (const { kind, digest, path } of deleted) {
    const to = byContent.get(`${kind}${digest}`)?.shift()?.path;
    if (to === undefined) continue;
    renamed.push({ from: path, to });
    used.add(path).add(to);
  }
  const rest = (entries: readonly FileEntry[]) =>
    entries.map((entry) => entry.path).filter((file) => !used.has(file));
  return { renamed, come: rest(added), gone: rest(deleted) };
}
