import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_LOCK, type Lock, type LockStage } from '../model/lock.ts';
import type { Pointer } from '../model/pointer.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { firstFrom, isWithin, joinPath, parentOf, type RepoPath } from '../model/repo-path.ts';
import type { Pipeline, Stage, StageId } from '../model/stage.ts';
import { checkProducers, checkStage } from '../graph/check-stage.ts';
import { buildGraph, type Graph, type StageNode } from '../graph/graph.ts';
import { parseLockFile } from '../formats/lock-file.ts';
import { parsePipelineFile, type PipelineFile } from '../formats/pipeline-file.ts';
import { parsePointerFile } from '../formats/pointer-file.ts';
import { discoverFiles } from '../workspace/discover.ts';
import { rootHomes, type Workspace } from '../workspace/workspace.ts';

/** One version of files that something recorded: a stage's share of a home, or data added by hand. */
export interface Dataset {
  /** Name in the stat index: `pointer:data/raw`, `stage:sub:clean:data/clean`. */
  readonly owner: string;
  /** Where its files lie: a folder, or the file itself. */
  readonly home: RepoPath;
  /** The home is one file, not a folder. */
  readonly single: boolean;
  /** undefined for data added by hand. */
  readonly stage: StageNode | undefined;
  readonly pointer: Pointer | undefined;
  /** Digest of its recorded tree (paths relative to the home), of the object itself for a single pointer; undefined: nothing recorded. */
  readonly recorded: Digest | undefined;
  readonly files: number;
  readonly bytes: number;
}

/** What the tracked files of one checkout say. */
export interface Project {
  readonly pipeline: Pipeline;
  readonly graph: Graph;
  /** By the path of the `datawf.yaml` it lies beside. */
  readonly locks: ReadonlyMap<RepoPath, Lock>;
  readonly pointers: readonly Pointer[];
  readonly datasets: readonly Dataset[];
  /** Outermost homes: the folders and files that stat indexes are kept for. */
  readonly roots: readonly string[];
  /** Where the pipeline's text says something of a stage, for messages. */
  readonly files: ReadonlyMap<RepoPath, PipelineFile>;
}

/** A reader of tracked files: the work tree's, or a commit's. */
export interface TrackedFiles {
  readonly pipelines: readonly RepoPath[];
  readonly pointers: readonly RepoPath[];
  /** undefined where there is no such file. */
  readonly read: (path: string) => string | undefined;
}

/** The tracked files as they lie in the work tree. */
export function workTreeFiles(workspace: Workspace): TrackedFiles {
  return { ...discoverFiles(workspace.root), read: (path) => readText(join(workspace.root, path)) };
}

/**
 * Reads and checks all that the tracked files say; throws one Problem with every finding (exit 2). Cost: parsing, about a
 * millisecond for a small project.
 */
export function loadProject(tracked: TrackedFiles): Project {
  const parsed = tracked.pipelines.map((path) => parsePipelineFile(tracked.read(path) ?? '', path));
  const files = new Map(parsed.map((file) => [file.file, file]));
  const stages = parsed.flatMap((file) => file.stages);
  const pipeline: Pipeline = { zone: zoneOf(parsed), stages, files: tracked.pipelines };
  checkDefinitions(stages, files);
  const graph = buildGraph(stages, ({ file, id }) => files.get(file)?.place(id, []) ?? { file });
  const locks = readLocks(tracked);
  const pointers = tracked.pointers.map((path) => parsePointerFile(tracked.read(path) ?? '', path));
  const datasets = [
    ...pointers.map(pointerDataset),
    ...graph.order.flatMap((node) => stageDatasets(node, locks)),
  ];
  checkPointers(pointers, stages, files);
  return {
    pipeline,
    graph,
    locks,
    pointers,
    datasets,
    roots: rootHomes(datasets.map((dataset) => dataset.home)),
    files,
  };
}

/** `datawf.lock` of the folder of a `datawf.yaml`. */
export function lockPathOf(pipelineFile: RepoPath): RepoPath {
  return joinPath(parentOf(pipelineFile), 'datawf.lock');
}

/** What the lock has of a stage. */
export function lockedStage(project: Pick<Project, 'locks'>, stage: Stage): LockStage | undefined {
  return project.locks.get(stage.file)?.stages.get(stage.name);
}

/** Name of a stage's share of a home in the stat index. */
function stageOwner(stage: StageId, home: string): string {
  return `stage:${stage}:${home}`;
}

/** A file of a dataset's tree as a repository path. */
export function toRepoPath(dataset: Pick<Dataset, 'home' | 'single'>, path: string): RepoPath {
  return dataset.single ? dataset.home : joinPath(dataset.home, path);
}

/** A repository path as the dataset's tree names it: relative to the home; a single file by its last name. */
export function toTreePath(dataset: Pick<Dataset, 'home' | 'single'>, path: string): string {
  return dataset.single
    ? path.slice(parentOf(path).length + (path.includes('/') ? 1 : 0))
    : path.slice(dataset.home.length + 1);
}

/** The root home that a path lies in, or undefined. `roots` are sorted by bytes. */
export function rootOf(roots: readonly string[], path: string): string | undefined {
  for (let at = path; at !== ''; at = parentOf(at)) if (isAmong(roots, at)) return at;
  return undefined;
}

function isAmong(sorted: readonly string[], text: string): boolean {
  return sorted[firstFrom(sorted, String, text)] === text;
}

function zoneOf(files: readonly PipelineFile[]): string {
  return (
    files.find((file) => parentOf(file.file) === '')?.zone ??
    files.find((file) => file.zone !== undefined)?.zone ??
    'UTC'
  );
}

function checkDefinitions(stages: readonly Stage[], files: ReadonlyMap<RepoPath, PipelineFile>): void {
  const faults = [
    ...stages.flatMap((stage) =>
      checkStage(stage).map((fault) => ({ ...fault, stage: stage.id, file: stage.file })),
    ),
    ...checkProducers(stages).map((fault) => ({
      ...fault,
      file: stages.find((stage) => stage.id === fault.stage)?.file,
    })),
  ];
  const problems = faults.map(({ problem, stage, field, file }) => {
    const place = file === undefined ? undefined : files.get(file)?.place(stage, field);
    return place === undefined ? problem : problem.at(place);
  });
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new Problem({
    code: first.code,
    message: first.message,
    exit: first.exit,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    ...(first.place === undefined ? {} : { place: first.place }),
    details: [...first.details, ...others.slice(0, 20).map(oneLine)],
  });
}

function oneLine(problem: Problem): string {
  const { place } = problem;
  const where = place === undefined ? '' : `${place.file}:${place.line ?? 1}:${place.column ?? 1} `;
  return where + problem.message + (problem.hint === undefined ? '' : ` (${problem.hint})`);
}

function readLocks(tracked: TrackedFiles): Map<RepoPath, Lock> {
  return new Map(
    tracked.pipelines.map((path) => {
      const file = lockPathOf(path);
      const text = tracked.read(file);
      return [path, text === undefined ? EMPTY_LOCK : parseLockFile(text, file)];
    }),
  );
}

function pointerDataset(pointer: Pointer): Dataset {
  const { content } = pointer;
  const single = content.type === 'file';
  return {
    owner: `pointer:${pointer.path}`,
    home: pointer.path,
    single,
    stage: undefined,
    pointer,
    recorded: single ? content.digest : content.tree,
    files: single ? 1 : content.files,
    bytes: content.bytes,
  };
}

/** A dataset per home of the stage's outs, and per home that only its lock entry still has. */
function stageDatasets(node: StageNode, locks: ReadonlyMap<RepoPath, Lock>): Dataset[] {
  const { stage } = node;
  const locked = locks.get(stage.file)?.stages.get(stage.name);
  const singles = new Map<RepoPath, boolean>();
  for (const out of stage.outs) {
    const single = out.pattern.shape === 'file' && out.pattern.captures.length === 0;
    singles.set(out.pattern.home, single && (singles.get(out.pattern.home) ?? true));
  }
  for (const home of locked?.outs.keys() ?? []) if (!singles.has(home)) singles.set(home, false);
  return [...singles].map(([home, single]) => {
    const ref = locked?.outs.get(home);
    return {
      owner: stageOwner(stage.id, home),
      home,
      single,
      stage: node,
      pointer: undefined,
      recorded: ref?.tree,
      files: ref?.files ?? 0,
      bytes: ref?.bytes ?? 0,
    };
  });
}

/** Two pointers of which one records what lies in the other would both own its files. */
function checkPointers(
  pointers: readonly Pointer[],
  stages: readonly Stage[],
  files: ReadonlyMap<RepoPath, PipelineFile>,
): void {
  for (const pointer of pointers) {
    const outer = pointers.find((other) => other !== pointer && isWithin(pointer.path, other.path));
    if (outer !== undefined) {
      throw new Problem({
        code: 'nested-datasets',
        message: `${pointer.path}.datawf records files that ${outer.path}.datawf records too`,
        hint: `Remove one of the two: datawf remove ${pointer.path}`,
        exit: 2,
      });
    }
    for (const maker of stages) {
      const out = maker.outs.find(
        ({ pattern }) =>
          pattern.home === pointer.path && pattern.shape !== 'glob' && pattern.captures.length === 0,
      );
      if (out === undefined) continue;
      throw new Problem({
        code: 'two-producers',
        message: `${pointer.path} is added data (${pointer.path}.datawf) and an out of stage ${maker.id}`,
        hint: `Give the out another path, or datawf remove ${pointer.path}`,
        exit: 2,
        place: files.get(maker.file)?.place(maker.id, ['outs', out.name]) ?? { file: maker.file },
      });
    }
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
