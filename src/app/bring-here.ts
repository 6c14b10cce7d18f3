import { pushTo } from '../util/multimap.ts';
import { isWithin } from '../model/repo-path.ts';
import type { Assessment } from './assess.ts';
import { clearStrays } from './checkout.ts';
import type { DatasetState } from './datasets.ts';
import type { LockWriter } from './lock-writer.ts';
import type { AppContext } from './ports.ts';
import { rootOf } from './project.ts';
import { hasRecord } from './records.ts';
import { missingProblem, syncHome, type SyncResult } from './sync-home.ts';
import type { Wanted } from './sync-plan.ts';

/**
 * Brings what the run rests on to the recorded versions before anything runs: the workspace follows the lock. What the store
 * lacks is told and left out; a run makes it again where a stage can. Answers the files put. No write where all is in place.
 */
export async function bringHere(ctx: AppContext, assessment: Assessment): Promise<number> {
  const { project, datasets } = assessment;
  const results: SyncResult[] = [];
  const byRoot = new Map<string, DatasetState[]>();
  for (const state of datasets.all) {
    const root = rootOf(project.roots, state.dataset.home);
    if (root === undefined || !isConcerned(assessment, state)) continue;
    // An out whose list is lost is made again by this run.
    if (state.dataset.stage !== undefined && !(await hasRecord(ctx.store, state.dataset))) continue;
    pushTo(byRoot, root, state);
  }
  for (const [root, near] of byRoot) {
    if (near.every((state) => state.state !== 'missing' && state.brought === state.dataset.recorded))
      continue;
    const want = new Map<string, Wanted>(
      near.map(({ dataset }) => [dataset.owner, { dataset, tree: dataset.recorded }]),
    );
    const snapshot = datasets.snapshots.get(root);
    results.push(
      await syncHome(ctx, {
        project,
        root,
        want,
        force: false,
        ...(snapshot === undefined ? {} : { snapshot }),
      }),
    );
  }
  const problem = missingProblem(project, results);
  if (problem !== undefined) {
    const { code, message, hint } = problem;
    ctx.emit({ event: 'warning', code, message, ...(hint === undefined ? {} : { hint }) });
  }
  return results.reduce((sum, result) => sum + result.put, 0);
}

/** Datasets of stages in scope and added data that they see; of added data everything where everything is in scope. */
export function isConcerned(
  { scope, project }: Pick<Assessment, 'scope' | 'project'>,
  { dataset, state }: DatasetState,
): boolean {
  if (state === 'modified' || state === 'untracked') return false;
  if (dataset.stage !== undefined) return scope.has(dataset.stage);
  const seeing = [...scope].flatMap(({ stage }) =>
    stage.deps.filter(
      ({ pattern }) => isWithin(dataset.home, pattern.home) || isWithin(pattern.home, dataset.home),
    ),
  );
  const isAll = scope.size === project.graph.order.length;
  if (seeing.length === 0) return isAll;
  // What is read by URL alone needn't be here.
  return state !== 'missing' || seeing.some(({ access }) => access === 'file');
}

/** Takes away the files of stages that no file declares any more, unless another stage has them now. */
export async function clearUndeclared(
  ctx: AppContext,
  { project }: Assessment,
  { homes, lock }: { readonly homes: readonly string[]; readonly lock: LockWriter },
): Promise<void> {
  if (homes.length === 0) return;
  const roots = new Set(homes.flatMap((home) => rootOf(project.roots, home) ?? []));
  for (const root of roots) {
    const near = project.datasets.filter((dataset) => isWithin(dataset.home, root));
    const want = new Map<string, Wanted>(
      near.map((dataset) => [
        dataset.owner,
        { dataset, tree: lock.trees.get(dataset.owner)?.tree ?? dataset.recorded },
      ]),
    );
    await syncHome(ctx, { project, root, want, dropOthers: true, force: false });
  }
  await clearStrays(ctx, project, { force: false, dryRun: false });
}
