import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { Problem, EXIT, invalid, notFound, refused } from '../model/problem.ts';
import { compareBytes, isWithin, parentOf, type RepoPath } from '../model/repo-path.ts';
import { didYouMean } from '../util/suggest.ts';
import { isNeverData } from '../workspace/data-names.ts';
import { ownersOf } from './dataset-owners.ts';
import { addedDataset, pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { typedPath } from './typed-path.ts';

/** A dataset to be recorded by `add`: all of it, or what lies at or below some paths. */
export interface AddTarget {
  /** With the kind of home that lies there now; `recorded` undefined where it is new. */
  readonly dataset: Dataset;
  /** Repository paths, none within another; the home itself means all of it. */
  readonly scopes: readonly string[];
}

/**
 * What the typed paths mean, sorted by home. Refuses what can't be recorded, with the cure: missing paths (exit 4), paths of
 * git, of datawf or of stages, and datasets within datasets (exit 6).
 */
export async function addTargets(
  ctx: AppContext,
  project: Project,
  typed: readonly string[],
): Promise<readonly AddTarget[]> {
  const paths = outermost(typed.map((text) => checkName(typedPath(ctx, text), text)));
  const homes = new Map<string, string[]>();
  for (const path of paths) {
    const pointer = project.pointers.find((one) => isWithin(path, one.path));
    const home = pointer?.path ?? path;
    checkThere(ctx, path, pointer !== undefined);
    checkBehindLinks(ctx, path);
    checkRepository(ctx, path, parentOf(path));
    checkProducer(ctx, project, path);
    checkNested(project, path, home);
    homes.set(home, [...(homes.get(home) ?? []), path]);
  }
  await checkTracked(ctx, paths);
  return [...homes]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([home, scopes]) => ({ dataset: datasetAt(ctx, project, home as RepoPath), scopes }));
}

/** A dataset of data added by hand by its home, with the kind of home that lies there now. */
export function datasetAt(ctx: AppContext, project: Project, home: RepoPath): Dataset {
  const pointer = project.pointers.find((one) => one.path === home);
  const stat = statAt(ctx, home);
  const single = stat === undefined ? pointer?.content.type === 'file' : !stat.isDirectory();
  return addedDataset(home, single, pointer);
}

function outermost(paths: readonly string[]): readonly string[] {
  const all = new Set(paths);
  const isInner = (path: string): boolean => {
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) if (all.has(at)) return true;
    return false;
  };
  return [...all].filter((path) => !isInner(path));
}

function checkName(path: string, typed: string): string {
  if (path === '') {
    throw invalid(
      'whole-repository',
      `${typed} is the repository's root, which can't be one dataset`,
      'Name the folders and files that are data: datawf add data/raw',
    );
  }
  const name = path.split('/').find((part) => isNeverData(part));
  if (name === undefined) return path;
  throw invalid(
    'never-data',
    `${path} can't be data: ${name} belongs to git, datawf or the operating system`,
    name.endsWith('.datawf')
      ? 'Record the data that it points to, and the pointer with git add.'
      : 'Leave it to git.',
  );
}

function checkThere(ctx: AppContext, path: string, inDataset: boolean): void {
  // A file of a dataset that is gone is recorded as deleted.
  if (inDataset || statAt(ctx, path) !== undefined) return;
  const folder = parentOf(path);
  const beside = namesIn(join(ctx.workspace.root, folder)).map((name) =>
    folder === '' ? name : `${folder}/${name}`,
  );
  throw notFound('no-path', `there is no file or folder ${path}`, didYouMean(path, beside));
}

/** Git can't track a pointer that lies behind a symlink. */
function checkBehindLinks(ctx: AppContext, path: string): void {
  for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
    if (statAt(ctx, folder)?.isSymbolicLink() !== true) continue;
    throw refused(
      'behind-symlink',
      `${path} lies behind the symlink ${folder}, where git can't track a pointer`,
      `Replace ${folder} by a real folder; for data on another disk move the store there: datawf config set cache.dir DIR`,
    );
  }
}

/** Of a submodule, and of any repository within this one, git keeps no file here. */
function checkRepository(ctx: AppContext, path: string, innermost: string): void {
  for (let folder = innermost; folder !== ''; folder = parentOf(folder)) {
    if (statAt(ctx, `${folder}/.git`) === undefined) continue;
    const inside = path === folder ? 'PATH' : path.slice(folder.length + 1);
    throw refused(
      'other-repository',
      path === folder
        ? `${path} is a git repository of its own`
        : `${path} lies in ${folder}, which is a git repository of its own`,
      `Record it there: datawf -C ${folder} add ${inside}`,
    );
  }
}

function checkProducer(ctx: AppContext, project: Project, path: string): void {
  const owner = statAt(ctx, path)?.isDirectory() === true ? outAt(project, path) : ownersOf(project)(path);
  const stage = owner?.stage?.stage;
  if (stage === undefined) return;
  throw refused(
    'stage-output',
    `${path} is an out of stage ${stage.id}, which writes it`,
    `Record what the stage makes with \`datawf repro ${stage.id}\`. A correction by hand belongs into a file of its own, as an optional dep; an input belongs where no out is.`,
  );
}

/** A directory that a stage writes as a whole, or that lies in one. */
function outAt(project: Project, path: string): Dataset | undefined {
  return project.datasets.find(
    ({ stage, home }) =>
      stage?.stage.outs.some(
        ({ pattern }) =>
          pattern.home === home &&
          pattern.shape === 'directory' &&
          pattern.captures.length === 0 &&
          isWithin(path, home),
      ) === true,
  );
}

function checkNested(project: Project, path: string, home: string): void {
  const inner = project.pointers.filter((one) => one.path !== home && isWithin(one.path, path));
  const [first] = inner;
  if (first === undefined) return;
  throw refused(
    'nested-datasets',
    `${path} holds the dataset ${first.path}, and a file can belong to one dataset only`,
    `Add its other folders one by one, or make it one dataset: datawf remove ${inner.map((one) => one.path).join(' ')} && datawf add ${path}`,
    inner.length > 1 ? inner.slice(0, 20).map((one) => pointerPath(one.path)) : [],
  );
}

async function checkTracked(ctx: AppContext, paths: readonly string[]): Promise<void> {
  const tracked = (await ctx.git.trackedFiles(paths)).filter(
    (file) => !isNeverData(file.slice(parentOf(file).length).replace(/^\//, '')),
  );
  const [first] = tracked;
  if (first === undefined) return;
  // A submodule is one entry of git's index.
  if (paths.includes(first)) checkRepository(ctx, first, first);
  const named = paths.filter((path) => tracked.some((file) => isWithin(file, path)));
  throw new Problem({
    code: 'tracked-by-git',
    message:
      tracked.length === 1
        ? `git tracks ${first}`
        : `git tracks ${tracked.length} of these files, the first ${first}`,
    hint: `Take it out of git and add it again (the file stays): git rm -r --cached ${named.slice(0, 5).join(' ')}`,
    exit: EXIT.refused,
    details: tracked.length === 1 ? [] : tracked.slice(0, 20),
  });
}

function statAt(ctx: AppContext, path: string): Stats | undefined {
  try {
    return lstatSync(join(ctx.workspace.root, path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
