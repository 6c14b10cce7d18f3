import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { patchTree } from '../store/trees.ts';
import { applyPatch, type PatchResult } from '../workspace/checkout.ts';
import { snapshotHome, type HomeSnapshot } from '../workspace/snapshot.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { detachEdited } from './detach-links.ts';
import { linkWays } from './link-ways.ts';
import type { AppContext } from './ports.ts';
import { toTreePath, type Dataset, type Project } from './project.ts';
import { planSync, type SyncChanges, type SyncPlan, type SyncRequest } from './sync-plan.ts';

export interface SyncResult extends PatchResult {
  /** By owner, those with changes only. */
  readonly changes: ReadonlyMap<string, SyncChanges>;
  /** Files whose objects aren't in the local store: all else was done. */
  readonly missing: readonly FileEntry[];
  /** The first damaged object that was met (it is in quarantine now, its files are among `missing`). */
  readonly damage: Problem | undefined;
}

/**
 * Brings datasets of one root home to the versions wanted (concepts 1.6: the workspace follows the lock). Missing files are
 * put back; edits stop it (`unsaved-data`, exit 6, before anything is touched) unless the store has their bytes or `force`.
 * Cost: a stat per file where nothing differs, and no write. Only for a holder of the process lock.
 */
export async function syncHome(
  ctx: AppContext,
  request: SyncRequest & { readonly force: boolean },
): Promise<SyncResult> {
  const snapshot = request.snapshot ?? (await snapshotHome(homeRequest(ctx, request.root)));
  const plan = await planSync(ctx, request, snapshot);
  return applySync(ctx, plan, { ...request, snapshot });
}

/** What `syncHome` wants, as one problem to throw (exit 4, or 7 where an object was damaged); undefined where it got all. */
export function missingProblem(
  project: Project,
  results: readonly Pick<SyncResult, 'missing' | 'damage'>[],
): Problem | undefined {
  const missing = results.flatMap((result) => result.missing);
  const damage = results.find((result) => result.damage !== undefined)?.damage;
  const [first] = missing;
  if (first === undefined) return damage;
  const owner = ownersOf(project);
  const homes = new Map<string, Dataset>();
  for (const { path } of missing) {
    const dataset = owner(path);
    if (dataset !== undefined) homes.set(dataset.owner, dataset);
  }
  const stages = new Set([...homes.values()].flatMap(({ stage }) => stage?.stage.id ?? []));
  const again =
    stages.size === 0
      ? ''
      : `, or make ${missing.length === 1 ? 'it' : 'them'} anew: datawf repro ${[...stages].slice(0, 5).join(' ')}`;
  const names = [...new Set([...homes.values()].map(({ home }) => home))].slice(0, 5).join(', ');
  const what =
    missing.length === 1 ? `${first.path} (object ${first.digest})` : `${missing.length} files of ${names}`;
  return new Problem({
    code: damage === undefined ? 'missing-object' : 'corrupt-object',
    message:
      damage === undefined
        ? `${what} ${missing.length === 1 ? "isn't" : "aren't"} in the local store`
        : `${damage.message}; so ${what} can't be brought here`,
    hint: `Get ${missing.length === 1 ? 'it' : 'them'} with \`datawf pull\`${again}`,
    exit: damage === undefined ? EXIT.notFound : EXIT.integrity,
    details:
      missing.length === 1
        ? []
        : missing.slice(0, 20).map(({ path, digest }) => `${path} (object ${digest})`),
    cause: damage,
  });
}

/** Refuses (exit 6) edits of several homes that a checkout would lose, before any of them is touched. */
export async function refuseUnsaved(ctx: AppContext, plans: readonly SyncPlan[]): Promise<void> {
  const edits = plans.flatMap((plan) => plan.edits);
  if (edits.length === 0) return;
  const missing = new Set(
    await ctx.store.missingObjects(
      edits.map(({ digest }) => digest),
      ctx.signal,
    ),
  );
  const unsaved = edits.filter(({ digest }) => missing.has(digest)).map(({ path }) => path);
  const [first] = unsaved;
  if (first === undefined) return;
  const one = unsaved.length === 1;
  throw new Problem({
    code: 'unsaved-data',
    message: one
      ? `${first} has changes that are saved nowhere else`
      : `${unsaved.length} files have changes that are saved nowhere else`,
    hint: `Record ${one ? 'it' : 'them'} with \`datawf add\` (data added by hand), or give ${one ? 'it' : 'them'} up: datawf checkout --force ${one ? first : ''}`.trimEnd(),
    exit: EXIT.refused,
    details: one ? [] : unsaved.slice(0, 20),
  });
}

interface ApplyOptions {
  readonly project: Project;
  readonly root: string;
  readonly force: boolean;
  readonly relink?: boolean;
  readonly snapshot: HomeSnapshot;
}

/** Carries out a plan. What the store doesn't have is left out and answered. */
export async function applySync(ctx: AppContext, plan: SyncPlan, options: ApplyOptions): Promise<SyncResult> {
  const nothing = plan.put.length + plan.remove.length + plan.trees.size === 0;
  if (nothing)
    return { put: 0, removed: 0, kept: 0, bytes: 0, changes: plan.changes, missing: [], damage: undefined };
  if (options.snapshot.stale) options.snapshot.refresh();
  if (options.force) detachOverwritten(ctx, plan, options.snapshot);
  let damage: Problem | undefined;
  let missing: readonly FileEntry[] = [];
  // Each round that doesn't succeed finds an object that isn't there, or puts a damaged one aside.
  for (;;) {
    const part = missing.length === 0 ? plan : await withoutMissing(ctx, plan, { ...options, missing });
    try {
      const result = await patch(ctx, part, options);
      return { ...result, changes: plan.changes, missing, damage };
    } catch (error) {
      if (!(error instanceof Problem) || (error.code !== 'missing-object' && error.code !== 'corrupt-object'))
        throw error;
      if (error.code === 'corrupt-object') damage ??= error;
      const before = missing.length;
      missing = await missingOf(ctx, plan.put);
      if (missing.length === before) throw error;
    }
  }
}

async function patch(ctx: AppContext, plan: SyncPlan, options: ApplyOptions): Promise<PatchResult> {
  const total = plan.put.length;
  return applyPatch({
    ...homeRequest(ctx, options.root),
    put: plan.put,
    remove: plan.remove,
    trees: plan.trees,
    links: linkWays(ctx, plan.put),
    store: ctx.store,
    force: options.force,
    relink: options.relink ?? false,
    onProgress: (done) =>
      ctx.emit({ event: 'progress', verb: 'checking out', done, total, bytes: 0, totalBytes: 0 }),
  });
}

async function missingOf(ctx: AppContext, put: readonly FileEntry[]): Promise<readonly FileEntry[]> {
  const missing = new Set(
    await ctx.store.missingObjects(
      put.map(({ digest }) => digest),
      ctx.signal,
    ),
  );
  return put.filter(({ digest }) => missing.has(digest));
}

/** The plan as far as it can be done. With `force` an edited file goes although its recorded bytes aren't there: it is made again then. */
async function withoutMissing(
  ctx: AppContext,
  plan: SyncPlan,
  { missing, snapshot, force, project }: ApplyOptions & { readonly missing: readonly FileEntry[] },
): Promise<SyncPlan> {
  const lost = new Set(missing.map(({ path }) => path));
  const edited = force ? plan.edits.map(({ path }) => path) : [];
  const away = new Set([...snapshot.edits.deleted, ...edited].filter((path) => lost.has(path)));
  const owner = ownersOf(project);
  const byDataset = new Map<Dataset, string[]>();
  for (const path of lost) {
    const dataset = owner(path);
    if (dataset !== undefined) byDataset.set(dataset, [...(byDataset.get(dataset) ?? []), path]);
  }
  const trees = new Map(plan.trees);
  for (const [dataset, paths] of byDataset) {
    const { owner: name } = dataset;
    if (dataset.pointer !== undefined && dataset.single) {
      trees.set(name, away.has(dataset.home) ? undefined : snapshot.trees.get(name));
      continue;
    }
    const held = paths.flatMap((path) => (away.has(path) ? [] : (snapshot.index.entry(path) ?? [])));
    const aim = trees.has(name) ? trees.get(name) : snapshot.trees.get(name);
    const ref = await patchTree(ctx.store, aim, {
      put: held.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) })),
      remove: paths.map((path) => toTreePath(dataset, path)),
    });
    trees.set(name, ref.files === 0 ? undefined : ref.tree);
  }
  return {
    ...plan,
    put: plan.put.filter(({ path }) => !lost.has(path)),
    remove: [...plan.remove, ...away],
    trees,
  };
}

/** Edits through links that are about to be overwritten: the objects behind them are damaged, and known so before they are used. */
function detachOverwritten(ctx: AppContext, plan: SyncPlan, snapshot: HomeSnapshot): void {
  const overwritten = new Set(plan.edits.map(({ path }) => path));
  const files = new Map<string, Digest>();
  for (const path of snapshot.edits.editedLinks) {
    const held = snapshot.index.entry(path);
    if (held !== undefined && overwritten.has(path)) files.set(path, held.digest);
  }
  detachEdited(ctx, files);
}
