import type { EndEvent } from '../model/event.ts';
import { applyPatch } from '../workspace/checkout.ts';
import type { IndexView } from '../workspace/stat-index.ts';
import { dataScope, type DataScope } from './checkout-scope.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest, snapshotRoots } from './datasets.ts';
import { recordedListing } from './records.ts';
import { forgetIndex, groupByRoot, strayIndexes } from './index-homes.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Dataset, type Project } from './project.ts';
import { withRecord } from './refs.ts';
import { applySync, missingProblem, refuseUnsaved, type SyncResult } from './sync-home.ts';
import { planSync, type SyncChanges, type SyncPlan, type Wanted } from './sync-plan.ts';
import { isWithin } from '../model/repo-path.ts';

export interface CheckoutRequest {
  /** Stages, datasets, files or folders as typed; everything without any. */
  readonly paths: readonly string[];
  /** Overwrite and remove edits whose bytes are nowhere else. */
  readonly force: boolean;
  /** Make all files anew by the best way of linking that works. */
  readonly relink: boolean;
  readonly dryRun: boolean;
}

/**
 * Brings the workspace to what lock and pointers say; touches only what differs. Files that nothing records any more go, where
 * an earlier checkout brought them. The end event has `files`, `bytes`, `added`, `changed` and `deleted`. Throws
 * `unsaved-data` (exit 6) before anything is touched, and `missing-object` (exit 4) when all else is done.
 */
export async function checkout(ctx: AppContext, request: CheckoutRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const bring = async (): Promise<CheckoutTotals> => await bringRecorded(ctx, request);
  const totals = request.dryRun ? await bring() : await withRecord(ctx, 'datawf checkout', bring);
  if (totals.added + totals.changed + totals.deleted === 0 && totals.files === 0)
    ctx.emit({ event: 'note', message: 'everything is in place' });
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, ...totals };
  ctx.emit(end);
  return end;
}

/** What a checkout did. */
export interface CheckoutTotals {
  /** Files put, and their size. */
  readonly files: number;
  readonly bytes: number;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

/** The work of `checkout`, for a holder of the process lock. `narrow`: only files that it answers true for. */
export async function bringRecorded(
  ctx: AppContext,
  request: CheckoutRequest,
  narrow?: (dataset: Dataset, path: string) => boolean,
): Promise<CheckoutTotals> {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const scope = narrowed(dataScope(ctx, project, request.paths), narrow);
  const groups = groupByRoot(project.roots, scope.datasets);
  const snapshots = await snapshotRoots(ctx, [...groups.keys()]);
  const plans = new Map<string, SyncPlan>();
  for (const [root, snapshot] of snapshots) {
    const want = new Map<string, Wanted>(
      groups.get(root)?.map((dataset) => [dataset.owner, { dataset, tree: dataset.recorded }]),
    );
    const plan = await planSync(
      ctx,
      {
        project,
        root,
        want,
        dropOthers: request.paths.length === 0,
        within: withinOf(project, scope),
        inside: scope.inside,
        relink: request.relink,
      },
      snapshot,
    );
    plans.set(root, plan);
  }
  if (!request.force) await refuseUnsaved(ctx, [...plans.values()]);
  const strays = request.paths.length === 0 ? await clearStrays(ctx, project, request) : 0;
  const results: SyncResult[] = [];
  for (const [root, snapshot] of snapshots) {
    const plan = plans.get(root);
    if (plan === undefined) continue;
    if (!request.dryRun) results.push(await applySync(ctx, plan, { ...request, project, root, snapshot }));
    for (const [owner, changes] of plan.changes)
      tell(ctx, project, { owner, changes, dryRun: request.dryRun });
  }
  const problem = missingProblem(project, results);
  if (problem !== undefined) throw problem;
  return sum([...plans.values()], results, strays);
}

function narrowed(scope: DataScope, narrow: DataScope['within']): DataScope {
  if (narrow === undefined) return scope;
  const { within } = scope;
  return {
    ...scope,
    within: (dataset, path) => (within?.(dataset, path) ?? true) && narrow(dataset, path),
  };
}

function withinOf(project: Project, scope: DataScope): ((path: string) => boolean) | undefined {
  const { within } = scope;
  if (within === undefined) return undefined;
  const owner = ownersOf(project);
  return (path) => {
    const dataset = owner(path) ?? [...scope.datasets].find(({ home }) => isWithin(path, home));
    return dataset !== undefined && within(dataset, path);
  };
}

/** Removes what was brought for datasets whose whole home this commit doesn't have; edits stop it unless forced. */
export async function clearStrays(
  ctx: AppContext,
  project: Project,
  request: Pick<CheckoutRequest, 'force' | 'dryRun'>,
): Promise<number> {
  let removed = 0;
  for (const [home, index] of strayIndexes(ctx, project.roots)) {
    const remove = await strayFiles(ctx, project, { home, index });
    if (request.dryRun) {
      removed += remove.length;
      continue;
    }
    const trees = new Map([...index.trees.keys()].map((owner) => [owner, undefined]));
    const { links } = ctx.config.cache;
    const options = { ...homeRequest(ctx, home), put: [], remove, trees, links, store: ctx.store };
    const result = await applyPatch({ ...options, force: request.force });
    removed += result.removed;
    forgetIndex(ctx, home);
    ctx.emit({
      event: 'dataset',
      verb: 'removed',
      path: home,
      added: 0,
      changed: 0,
      deleted: result.removed,
      files: 0,
      bytes: 0,
    });
  }
  return removed;
}

/** Files that the index of a home has, without those that a dataset of this commit has at the same path. */
async function strayFiles(
  ctx: AppContext,
  project: Project,
  { home, index }: { home: string; index: IndexView },
): Promise<readonly string[]> {
  const beside = project.datasets.filter(
    (dataset) => isWithin(dataset.home, home) || isWithin(home, dataset.home),
  );
  const kept = new Set<string>();
  for (const dataset of beside)
    for (const { path } of await recordedListing(ctx.store, dataset)) kept.add(path);
  return index
    .listing()
    .map(({ path }) => path)
    .filter((path) => !kept.has(path));
}

function tell(
  ctx: AppContext,
  project: Project,
  { owner, changes, dryRun }: { owner: string; changes: SyncChanges; dryRun: boolean },
): void {
  const dataset: Dataset | undefined = project.datasets.find((one) => one.owner === owner);
  if (dataset === undefined) return;
  const verb = dryRun ? 'would check out' : 'checked out';
  const { home: path, files, bytes } = dataset;
  ctx.emit({ event: 'dataset', verb, path, ...changes, files, bytes });
}

function sum(plans: readonly SyncPlan[], results: readonly SyncResult[], strays: number): CheckoutTotals {
  const totals = { files: 0, bytes: 0, added: 0, changed: 0, deleted: strays };
  for (const plan of plans) {
    for (const changes of plan.changes.values()) {
      totals.added += changes.added;
      totals.changed += changes.changed;
      totals.deleted += changes.deleted;
    }
  }
  for (const result of results) {
    totals.files += result.put;
    totals.bytes += result.bytes;
  }
  return totals;
}
