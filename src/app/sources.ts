import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { walkFolder } from '../disk/walk.ts';
import type { StageNode } from '../graph/graph.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { matchPath, type Pattern } from '../model/pattern.ts';
import { invalid, type Place } from '../model/problem.ts';
import { compareBytes, isSystemFile, isWithin, pathFault } from '../model/repo-path.ts';
import type { Dep } from '../model/stage.ts';
import { didYouMean } from '../util/suggest.ts';
import { digestFiles } from '../workspace/file-digests.ts';
import type { DatasetState, DatasetStates } from './datasets.ts';
import { fileCacheOf } from './file-cache.ts';
import type { AppContext } from './ports.ts';
import { rootOf, type Project } from './project.ts';

/** Files that deps see and no stage makes. */
export interface Sources {
  /** All data added by hand. */
  readonly allAdded: readonly DatasetState[];
  /** Those that a dep can see. */
  added(dep: Dep): readonly DatasetState[];
  /** Plain and git-tracked files that a dep matches, sorted. */
  plain(dep: Dep): readonly FileEntry[];
  /** Paths of plain and git-tracked files below a dep's home that it doesn't match, sorted. */
  strays(dep: Dep): readonly string[];
  /** All of them, each once, sorted. */
  readonly plainPaths: readonly string[];
}

const NEVER_DATA = /(^|\/)(\.gitignore|\.gitattributes|datawf\.yaml|datawf\.lock|[^/]+\.datawf)$/;

/**
 * Looks for the plain files of all deps at once, hashing those whose stat isn't known. Throws `nobody-makes` (exit 2)
 * for a required dep that no stage, dataset or folder could ever give a file.
 */
export async function findSources(
  ctx: AppContext,
  project: Project,
  states: DatasetStates,
): Promise<Sources> {
  const found = new Map<string, Found>();
  const look = plainFinder(ctx.workspace.root, project, states);
  for (const node of project.graph.order) {
    node.stage.deps.forEach((dep, index) => {
      const { source } = dep.pattern;
      if (!found.has(source)) {
        const files = look(dep.pattern);
        checkNames(project, { node, dep }, files.matched);
        found.set(source, files);
      }
      const makers = node.producers[index]?.length ?? 0;
      const added = addedFor(states, dep).length;
      if (!dep.optional && makers + added === 0 && found.get(source)?.matched.length === 0)
        checkHome(ctx, project, { node, dep });
    });
  }
  const plainPaths = [...new Set([...found.values()].flatMap(({ matched }) => matched))].sort(compareBytes);
  const known = new Map(states.plain.map((file) => [file.path, file]));
  const unknown = plainPaths.filter((path) => !known.has(path));
  if (unknown.length > 0) {
    const answer = await digestFiles({
      root: ctx.workspace.root,
      paths: unknown,
      cacheFile: fileCacheOf(ctx),
      signal: ctx.signal,
    });
    answer.save();
    for (const [path, entry] of answer.entries) known.set(path, entry);
  }
  return {
    allAdded: states.added,
    added: (dep) => addedFor(states, dep),
    plain: (dep) => (found.get(dep.pattern.source)?.matched ?? []).flatMap((path) => known.get(path) ?? []),
    strays: (dep) => found.get(dep.pattern.source)?.strays ?? [],
    plainPaths,
  };
}

function addedFor(states: DatasetStates, dep: Dep): readonly DatasetState[] {
  const { home } = dep.pattern;
  return states.added.filter(({ dataset }) => isWithin(dataset.home, home) || isWithin(home, dataset.home));
}

/** Files below a pattern's home that are nobody's or git's. */
interface Found {
  readonly matched: readonly string[];
  readonly strays: readonly string[];
}

function plainFinder(root: string, project: Project, states: DatasetStates): (pattern: Pattern) => Found {
  const roots = new Set(project.roots);
  const walks = new Map<string, readonly string[]>();
  const walk = (home: string): readonly string[] => {
    let files = walks.get(home);
    if (files === undefined) {
      const { files: all } = walkFolder({
        root,
        folder: home,
        skip: (path, name, isFolder) =>
          isFolder ? name === '.git' || roots.has(path) : roots.has(path) || NEVER_DATA.test(path),
      });
      files = all;
      walks.set(home, files);
    }
    return files;
  };
  return (pattern) => {
    const { home } = pattern;
    const inRoot = rootOf(project.roots, home) !== undefined;
    const outside = inRoot
      ? []
      : isFolder(join(root, home))
        ? walk(home)
        : isFile(join(root, home))
          ? [home]
          : [];
    const inside = states.plain.filter((file) => isWithin(file.path, home)).map((file) => file.path);
    const paths = inside.length === 0 ? outside : [...outside, ...inside].sort(compareBytes);
    const matched: string[] = [];
    const strays: string[] = [];
    for (const path of paths) {
      if (matchPath(pattern, path) !== undefined) matched.push(path);
      else if (!NEVER_DATA.test(path) && !isSystemFile(path)) strays.push(path);
    }
    return { matched, strays };
  };
}

interface DepOf {
  readonly node: StageNode;
  readonly dep: Dep;
}

/** A plain file with a name that no out could keep is refused where it is seen, not where a command writes its like. */
function checkNames(project: Project, { node, dep }: DepOf, paths: readonly string[]): void {
  for (const path of paths) {
    const fault = pathFault(path);
    if (fault === undefined) continue;
    throw invalid(
      'bad-path',
      `the file ${JSON.stringify(path)}, which dep ${dep.name} of stage ${node.stage.id} matches, ${fault}`,
      'Rename it: names have no newline and no backslash in them, and are valid UTF-8.',
    ).at(placeOf(project, { node, dep }));
  }
}

function placeOf(project: Project, { node: { stage }, dep }: DepOf): Place {
  return project.files.get(stage.file)?.place(stage.id, ['deps', dep.name]) ?? { file: stage.file };
}

/** A required dep that nothing makes: an error unless its folder is there, so that a file may still come. */
function checkHome(ctx: AppContext, project: Project, { node, dep }: DepOf): void {
  const { home, shape, captures } = dep.pattern;
  const literal = shape === 'file' && captures.length === 0;
  if (!literal && isFolder(join(ctx.workspace.root, home))) return;
  const known = project.datasets.map((dataset) => dataset.home);
  const problem = invalid(
    'nobody-makes',
    `nobody makes ${dep.pattern.source}, dep ${dep.name} of stage ${node.stage.id}: no stage writes it, no dataset was added there and no such file lies in the repository`,
    didYouMean(home, known) ?? `Put the data there (datawf add ${home}), or correct the pattern`,
  );
  throw problem.at(placeOf(project, { node, dep }));
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isDirectory();
}
