import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeColumns } from '../disk/file-columns.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import type { Digest } from '../model/digest.ts';
import type { EndEvent } from '../model/event.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Pointer } from '../model/pointer.ts';
import { notFound, refused } from '../model/problem.ts';
import { isWithin, joinPath, parentOf, type RepoPath } from '../model/repo-path.ts';
import { didYouMean } from '../util/suggest.ts';
import { patchTree } from '../store/trees.ts';
import { applyPatch, recordPresent } from '../workspace/checkout.ts';
import { snapshotHome } from '../workspace/snapshot.ts';
import { rootHomes } from '../workspace/workspace.ts';
import { datasetAt } from './add-targets.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { forgetIndex } from './index-homes.ts';
import { noteForGit } from './git-note.ts';
import { addedDataset, ignoreFileOf, pointerPath, removePointer, writePointer } from './pointer-files.ts';
import { linkWays } from './link-ways.ts';
import type { AppContext } from './ports.ts';
import {
  loadProject,
  rootOf,
  toRepoPath,
  toTreePath,
  workTreeFiles,
  type Dataset,
  type Project,
} from './project.ts';
import { recordData } from './record-data.ts';
import { typedPath } from './typed-path.ts';
import { withRecord } from './refs.ts';

export interface MoveRequest {
  /** A dataset added by hand, or a file or folder inside one, as typed. */
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
}

/** Renames data with its record; no byte is copied. A folder as `to` means a place in it, as `mv` does. */
export async function move(ctx: AppContext, request: MoveRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const work = (): Promise<string> => moveData(ctx, request);
  const to = request.dryRun ? await work() : await withRecord(ctx, 'datawf move', work);
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, path: to };
  ctx.emit(end);
  return end;
}

async function moveData(ctx: AppContext, request: MoveRequest): Promise<string> {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const from = typedPath(ctx, request.from);
  const dataset = sourceOf(project, from);
  const to = targetPath(ctx, request.to, from);
  checkTarget(ctx, project, { from, to });
  if (request.dryRun) {
    ctx.emit({ event: 'note', message: `would move ${from} to ${to}` });
    return to;
  }
  if (from === dataset.home) await moveDataset(ctx, project, { dataset, to });
  else await moveInside(ctx, project, { from, to, dataset });
  ctx.emit({ event: 'note', message: `moved ${from} to ${to}` });
  if (from === dataset.home)
    await noteForGit(
      ctx,
      [from, to].flatMap((home) => [pointerPath(home), ignoreFileOf(home)]),
    );
  return to;
}

function sourceOf(project: Project, from: string): Dataset {
  const stage =
    ownersOf(project)(from)?.stage ??
    project.datasets.find(({ home, stage }) => home === from && stage)?.stage;
  if (stage !== undefined) {
    throw refused(
      'stage-output',
      `${from} is an out of stage ${stage.stage.id}`,
      'Change the path of the out in datawf.yaml; the next repro restores its files under the new names.',
    );
  }
  const dataset = project.datasets.find((one) => one.stage === undefined && isWithin(from, one.home));
  if (dataset !== undefined) return dataset;
  throw notFound(
    'no-target',
    `${from} is no data added by hand`,
    didYouMean(
      from,
      project.pointers.map(({ path }) => path),
    ) ?? 'Files of git are moved with git mv.',
  );
}

function targetPath(ctx: AppContext, typed: string, from: string): RepoPath {
  const to = typedPath(ctx, typed);
  const isFolder =
    to === '' || lstatSync(join(ctx.workspace.root, to), { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? joinPath(to, from.slice(parentOf(from).length).replace(/^\//, '')) : (to as RepoPath);
}

function checkTarget(ctx: AppContext, project: Project, { from, to }: { from: string; to: string }): void {
  const { root } = ctx.workspace;
  if (lstatSync(join(root, from), { throwIfNoEntry: false }) === undefined)
    throw notFound(
      'no-path',
      `there is no ${from} in the workspace`,
      `Bring it here first: datawf checkout ${from}`,
    );
  if (isWithin(to, from)) throw refused('into-itself', `${from} can't be moved into itself, to ${to}`);
  if (lstatSync(join(root, to), { throwIfNoEntry: false }) !== undefined)
    throw refused(
      'exists',
      `there is something at ${to} already`,
      'Remove it first, or choose another name.',
    );
  if (lstatSync(join(root, pointerPath(to)), { throwIfNoEntry: false }) !== undefined)
    throw refused('exists', `there is a dataset ${to} already, which isn't here`, 'Choose another name.');
  const stage = ownersOf(project)(to)?.stage;
  if (stage !== undefined)
    throw refused(
      'stage-output',
      `${to} would be an out of stage ${stage.stage.id}`,
      'Choose a place that no stage writes to.',
    );
}

async function moveDataset(
  ctx: AppContext,
  project: Project,
  { dataset, to }: { dataset: Dataset; to: RepoPath },
): Promise<void> {
  const { pointer, home } = dataset;
  if (pointer === undefined) return;
  const outer = project.pointers.find((one) => one.path !== home && isWithin(to, one.path));
  if (outer !== undefined) {
    throw refused(
      'nested-datasets',
      `${to} lies in the dataset ${outer.path}, and a file can belong to one dataset only`,
      `Move the files by hand and record both: mv ${home} ${to} && datawf remove ${home} && datawf add ${outer.path}`,
    );
  }
  const oldRoot = rootOf(project.roots, home) ?? home;
  const snapshot = await snapshotHome(homeRequest(ctx, oldRoot));
  const owner = ownersOf(project);
  const rows = snapshot.index.listing().filter(({ path }) => owner(path) === dataset);
  const deleted = snapshot.edits.deleted.find((path) => owner(path) === dataset);
  if (deleted !== undefined) {
    throw refused(
      'unrecorded-edits',
      `${deleted} was deleted, which isn't recorded yet`,
      `Record it first: datawf add ${home}; or bring it back: datawf checkout ${home}`,
    );
  }
  const edited = new Set(snapshot.edits.changed.map(({ path }) => path));
  const brought = await broughtWithout(ctx, dataset, {
    tree: snapshot.trees.get(dataset.owner),
    paths: rows.map(({ path }) => path).filter((path) => edited.has(path)),
  });
  rename(ctx, home, to);
  const moved: Pointer = { ...pointer, path: to };
  writePointer(ctx, moved);
  removePointer(ctx, home);
  if (oldRoot === home) forgetIndex(ctx, home);
  else {
    const trees = new Map([[dataset.owner, undefined]]);
    const forget = rows.map(({ path }) => path);
    recordPresent({ ...homeRequest(ctx, oldRoot), present: makeColumns([]), forget, trees });
  }
  const after = addedDataset(to, dataset.single, moved);
  const put = rows
    .filter(({ path }) => !edited.has(path))
    .map((entry): FileEntry => ({ ...entry, path: toRepoPath(after, toTreePath(dataset, entry.path)) }));
  const others = project.datasets.filter((one) => one !== dataset).map((one) => one.home);
  const newRoot = rootOf(rootHomes([...others, to]), to) ?? to;
  // Files that are in place are recorded by their digests; nothing is made or overwritten.
  await applyPatch({
    ...homeRequest(ctx, newRoot),
    put,
    remove: [],
    trees: new Map([[after.owner, brought]]),
    links: linkWays(ctx, put),
    store: ctx.store,
    force: false,
  });
}

/** What the index may say of the dataset at its new place, where edited files have no row yet. */
async function broughtWithout(
  ctx: AppContext,
  dataset: Dataset,
  { tree, paths }: { tree: Digest | undefined; paths: readonly string[] },
): Promise<Digest | undefined> {
  if (tree === undefined || paths.length === 0) return tree;
  if (dataset.single) return undefined;
  const remove = paths.map((path) => toTreePath(dataset, path));
  const ref = await patchTree(ctx.store, tree, { put: [], remove });
  return ref.files === 0 ? undefined : ref.tree;
}

async function moveInside(
  ctx: AppContext,
  project: Project,
  { from, to, dataset }: { from: string; to: RepoPath; dataset: Dataset },
): Promise<void> {
  const inner = project.pointers.find((one) => isWithin(to, one.path));
  if (inner === undefined) {
    throw refused(
      'leaves-dataset',
      `${to} lies outside the dataset ${dataset.home} that records ${from}`,
      `Copy it there and add it, then take it out here: cp ${from} ${to} && datawf add ${to} && datawf remove ${from}`,
    );
  }
  rename(ctx, from, to);
  const targets =
    inner.path === dataset.home
      ? [{ dataset: datasetAt(ctx, project, dataset.home), scopes: [from, to] }]
      : [
          { dataset: datasetAt(ctx, project, dataset.home), scopes: [from] },
          { dataset: datasetAt(ctx, project, inner.path), scopes: [to] },
        ];
  await recordData(ctx, project, { targets, dryRun: false });
}

function rename(ctx: AppContext, from: string, to: string): void {
  const { root } = ctx.workspace;
  try {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    renameSync(join(root, from), join(root, to));
  } catch (error) {
    throw fsProblem(error, 'move', `${from} to ${to}`);
  }
}
