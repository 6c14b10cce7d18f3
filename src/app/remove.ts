import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { makeColumns } from '../disk/file-columns.ts';
import { removeFiles } from '../disk/link.ts';
import type { EndEvent } from '../model/event.ts';
import { notFound, refused } from '../model/problem.ts';
import { isWithin } from '../model/repo-path.ts';
import { didYouMean } from '../util/suggest.ts';
import { applyPatch, recordPresent } from '../workspace/checkout.ts';
import { snapshotHome } from '../workspace/snapshot.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { forgetIndex } from './index-homes.ts';
import { noteForGit } from './git-note.ts';
import { ignoreFileOf, pointerPath, removePointer } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { loadProject, rootOf, workTreeFiles, type Dataset, type Project } from './project.ts';
import { recordData } from './record-data.ts';
import { typedPath } from './typed-path.ts';
import { cleanFiles, makeEditable } from './unlock.ts';
import { withRecord } from './refs.ts';

export interface RemoveRequest {
  /** Datasets added by hand, or files and folders inside one, as typed. */
  readonly targets: readonly string[];
  /** Delete the files of whole datasets too; files inside a dataset always go. */
  readonly files: boolean;
  /** Delete also what is saved nowhere else. */
  readonly force: boolean;
  readonly dryRun: boolean;
}

/**
 * Takes data added by hand out of this version; earlier commits keep it. The files of a whole dataset stay as ordinary
 * editable files unless `files`. Throws `unsaved-data` (exit 6) where a file would go whose bytes the store doesn't have.
 */
export async function remove(ctx: AppContext, request: RemoveRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const work = async (): Promise<number> => {
    const project = loadProject(workTreeFiles(ctx.workspace));
    let files = 0;
    for (const target of readTargets(ctx, project, request.targets)) {
      files += await removeTarget(ctx, request, { project, target });
    }
    return files;
  };
  const files = request.dryRun ? await work() : await withRecord(ctx, 'datawf remove', work);
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, files };
  ctx.emit(end);
  return end;
}

interface Target {
  readonly dataset: Dataset;
  readonly path: string;
}

function readTargets(ctx: AppContext, project: Project, typed: readonly string[]): readonly Target[] {
  const owner = ownersOf(project);
  return typed.map((text) => {
    const path = typedPath(ctx, text).replace(/\.datawf$/, '');
    const added = project.datasets.find(({ stage, home }) => stage === undefined && isWithin(path, home));
    const stage =
      owner(path)?.stage ??
      project.datasets.find((one) => one.home === path && one.stage !== undefined)?.stage;
    if (stage !== undefined) {
      throw refused(
        'stage-output',
        `${path} is an out of stage ${stage.stage.id}, which would make it again`,
        `Take the stage out: datawf stage remove ${stage.stage.id}`,
      );
    }
    if (added !== undefined) return { dataset: added, path };
    const known = project.pointers.map((pointer) => pointer.path);
    throw notFound('no-target', `${path} is no data added by hand`, didYouMean(path, known));
  });
}

async function removeTarget(
  ctx: AppContext,
  request: RemoveRequest,
  { project, target }: { project: Project; target: Target },
): Promise<number> {
  const { dataset, path } = target;
  return path === dataset.home
    ? removeDataset(ctx, request, { project, dataset })
    : removeInside(ctx, request, { project, target });
}

async function removeDataset(
  ctx: AppContext,
  request: RemoveRequest,
  { project, dataset }: { project: Project; dataset: Dataset },
): Promise<number> {
  const root = rootOf(project.roots, dataset.home) ?? dataset.home;
  const snapshot = await snapshotHome(homeRequest(ctx, root));
  const owner = ownersOf(project);
  const mine = (path: string): boolean => owner(path) === dataset;
  const rows = snapshot.index.listing().filter(({ path }) => mine(path));
  const added = snapshot.edits.added.filter(({ path }) => mine(path));
  const gone = new Set(snapshot.edits.deleted);
  const paths = [...rows, ...added].map(({ path }) => path).filter((path) => !gone.has(path));
  if (!request.dryRun) {
    const trees = new Map([[dataset.owner, undefined]]);
    if (request.files) {
      const options = { links: ctx.config.cache.links, store: ctx.store, force: request.force };
      await applyPatch({ ...homeRequest(ctx, root), ...options, put: [], remove: paths, trees });
    } else {
      await makeEditable(ctx, root, cleanFiles(snapshot, mine));
    }
    removePointer(ctx, dataset.home);
    const forget = rows.map(({ path }) => path);
    if (root === dataset.home) forgetIndex(ctx, root);
    else recordPresent({ ...homeRequest(ctx, root), present: makeColumns([]), forget, trees });
  }
  const verb = `${request.dryRun ? 'would remove' : 'removed'}${request.files ? '' : ' the record of'}`;
  ctx.emit({
    event: 'dataset',
    verb,
    path: dataset.home,
    added: 0,
    changed: 0,
    deleted: request.files ? paths.length : 0,
    files: dataset.files,
    bytes: dataset.bytes,
  });
  if (!request.dryRun) await noteForGit(ctx, [pointerPath(dataset.home), ignoreFileOf(dataset.home)]);
  return request.files ? paths.length : 0;
}

async function removeInside(
  ctx: AppContext,
  request: RemoveRequest,
  { project, target }: { project: Project; target: Target },
): Promise<number> {
  const { dataset, path } = target;
  const root = rootOf(project.roots, dataset.home) ?? dataset.home;
  const snapshot = await snapshotHome(homeRequest(ctx, root));
  const entries = [...snapshot.index.listing(), ...snapshot.edits.added, ...snapshot.edits.changed];
  const held = new Map(
    entries.filter((entry) => isWithin(entry.path, path)).map((entry) => [entry.path, entry]),
  );
  if (held.size === 0)
    throw notFound(
      'no-path',
      `there is no file ${path} in the dataset ${dataset.home}`,
      `See what there is: datawf ls -R ${dataset.home}`,
    );
  if (!request.force) {
    const lost = new Set(await ctx.store.missingObjects([...held.values()].map(({ digest }) => digest)));
    const unsaved = [...held.values()].filter((entry) => lost.has(entry.digest) && isThere(ctx, entry.path));
    if (unsaved.length > 0) {
      throw refused(
        'unsaved-data',
        `${unsaved.length === 1 ? `${unsaved[0]?.path ?? ''} has` : `${unsaved.length} files have`} bytes that are saved nowhere else`,
        'Record them first with `datawf add`, or give them up with --force.',
        unsaved.slice(0, 20).map((entry) => entry.path),
      );
    }
  }
  if (request.dryRun) {
    ctx.emit({
      event: 'note',
      message: `would remove ${held.size} ${held.size === 1 ? 'file' : 'files'} of ${dataset.home}`,
    });
    return held.size;
  }
  await removeFiles({ root: ctx.workspace.root, paths: [...held.keys()], signal: ctx.signal });
  await recordData(ctx, project, { targets: [{ dataset, scopes: [path] }], dryRun: false });
  return held.size;
}

function isThere(ctx: AppContext, path: string): boolean {
  return lstatSync(join(ctx.workspace.root, path), { throwIfNoEntry: false }) !== undefined;
}
