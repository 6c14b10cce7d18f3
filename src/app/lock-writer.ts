import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { formatLockFile } from '../formats/lock-file.ts';
import type { FileEntry, TreeRef } from '../model/file-entry.ts';
import type { Lock, LockStage } from '../model/lock.ts';
import { EMPTY_LOCK } from '../model/lock.ts';
import type { RepoPath } from '../model/repo-path.ts';
import { applyPatch } from '../workspace/checkout.ts';
import { ignorePaths } from '../workspace/git-ignore.ts';
import { linkWays } from './link-ways.ts';
import { homeRequest } from './datasets.ts';
import type { AppContext } from './ports.ts';
import { lockPathOf, rootOf, type Project } from './project.ts';
import { writeStage, type StageWrite } from './row-writer.ts';
import type { StageState } from './stage-state.ts';

/** Writes rows as they finish: trees, then the lock, then the workspace. */
export interface LockWriter {
  /** The stage's rows changed. */
  mark(state: StageState): void;
  /** Writes what was marked, unless the last write was a moment ago; so that writing takes at most a twentieth of the time. Results are flushed before the lock names them. */
  writeNowAndThen(flushResults: () => Promise<void>): Promise<void>;
  write(): Promise<void>;
  /** Drops entries of stages that no file declares any more; answers the homes they had. */
  dropUndeclared(): readonly string[];
  /** Versions as last written, by dataset owner. */
  readonly trees: ReadonlyMap<string, TreeRef>;
  /** The entry of a stage as last written or read. */
  entry(state: StageState): LockStage | undefined;
  readonly files: ReadonlySet<RepoPath>;
}

const LEAST_INTERVAL_MS = 1000;
const SHARE = 20;

/** `workspace`: whether the files follow each write, or somebody else brings them at the end. */
export function openLockWriter(
  ctx: AppContext,
  project: Project,
  workspace: 'follows' | 'later' = 'follows',
): LockWriter {
  const locks = new Map<RepoPath, Lock>(project.locks);
  const marked = new Set<StageState>();
  const trees = new Map<string, TreeRef>();
  const written = new Set<RepoPath>();
  let undeclared = false;
  let due = 0;
  let turn: Promise<void> = Promise.resolve();

  const setEntry = (file: RepoPath, name: string, entry: LockStage): void => {
    const stages = new Map((locks.get(file) ?? EMPTY_LOCK).stages);
    stages.set(name, entry);
    locks.set(file, { stages });
  };

  const writeMarked = async (flushResults?: () => Promise<void>): Promise<void> => {
    if (marked.size === 0 && !undeclared) return;
    const started = ctx.around.now();
    const states = [...marked];
    marked.clear();
    const writes: { readonly state: StageState; readonly write: StageWrite }[] = [];
    for (const state of states) {
      const write = await writeStage(ctx.store, state, trees);
      for (const [owner, ref] of write.trees) trees.set(owner, ref);
      setEntry(state.node.stage.file, state.node.stage.name, write.entry);
      writes.push({ state, write });
    }
    await flushResults?.();
    writeLocks();
    ignorePaths(
      ctx.workspace.root,
      writes.flatMap(({ state }) => unignoredHomes(state)),
    );
    if (workspace === 'follows') await patchWorkspace(ctx, project, writes);
    const ended = ctx.around.now();
    due = ended + Math.max(LEAST_INTERVAL_MS, SHARE * (ended - started));
  };

  const writeLocks = (): void => {
    undeclared = false;
    for (const [pipelineFile, lock] of locks) {
      if (lock === project.locks.get(pipelineFile) && !written.has(pipelineFile)) continue;
      const file = join(ctx.workspace.root, lockPathOf(pipelineFile));
      if (
        lock.stages.size === 0 &&
        !written.has(pipelineFile) &&
        project.locks.get(pipelineFile)?.stages.size === 0
      )
        continue;
      writeAtomic(file, formatLockFile(lock));
      written.add(pipelineFile);
    }
  };

  const write = (flushResults?: () => Promise<void>): Promise<void> => {
    const next = turn.then(() => writeMarked(flushResults));
    turn = next.catch(() => undefined);
    return next;
  };

  return {
    mark: (state) => marked.add(state),
    write: () => write(),
    writeNowAndThen: async (flushResults) => {
      if (marked.size > 0 && ctx.around.now() >= due) {
        due = Infinity;
        await write(flushResults);
      }
    },
    dropUndeclared: () => {
      const homes: string[] = [];
      for (const [file, lock] of locks) {
        const declared = new Set(
          project.pipeline.stages.filter((stage) => stage.file === file).map((stage) => stage.name),
        );
        const kept = new Map([...lock.stages].filter(([name]) => declared.has(name)));
        if (kept.size === lock.stages.size) continue;
        for (const [name, entry] of lock.stages) if (!declared.has(name)) homes.push(...entry.outs.keys());
        locks.set(file, { stages: kept });
        undeclared = true;
      }
      return homes;
    },
    trees,
    entry: (state) => locks.get(state.node.stage.file)?.stages.get(state.node.stage.name),
    files: written,
  };
}

/** Brings the workspace to the stages' new versions, one patch per root home. */
async function patchWorkspace(
  ctx: AppContext,
  project: Project,
  writes: readonly { readonly state: StageState; readonly write: StageWrite }[],
): Promise<void> {
  const roots = new Map<
    string,
    { put: FileEntry[]; remove: string[]; trees: Map<string, TreeRef['tree'] | undefined> }
  >();
  const rootPatch = (path: string) => {
    const root = rootOf(project.roots, path) ?? path;
    let patch = roots.get(root);
    if (patch === undefined) roots.set(root, (patch = { put: [], remove: [], trees: new Map() }));
    return patch;
  };
  for (const { state, write } of writes) {
    for (const dataset of state.options.datasets) {
      const ref = write.trees.get(dataset.owner);
      rootPatch(dataset.home).trees.set(
        dataset.owner,
        ref === undefined || !write.entry.outs.has(dataset.home) ? undefined : ref.tree,
      );
    }
    for (const file of write.patch.put) rootPatch(file.path).put.push(file);
    for (const path of write.patch.remove) rootPatch(path).remove.push(path);
  }
  for (const [root, patch] of roots) {
    await applyPatch({
      ...homeRequest(ctx, root),
      ...patch,
      links: linkWays(ctx, patch.put),
      store: ctx.store,
      force: false,
    });
  }
}

/** Homes of a stage that git wasn't told to ignore yet in this run. */
function unignoredHomes(state: StageState): string[] {
  const homes = state.options.datasets
    .map((dataset) => dataset.home)
    .filter((home) => !state.ignored.has(home));
  for (const home of homes) state.ignored.add(home);
  return homes;
}
