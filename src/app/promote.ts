import { formatRef, refName } from '../formats/ref-file.ts';
import type { EndEvent } from '../model/event.ts';
import { EXIT } from '../model/problem.ts';
import { announceWriter } from '../store/announce.ts';
import { copyVerified, locateObjects } from '../store/copy-verified.ts';
import { mirrorResults } from '../store/mirror.ts';
import { announcerOf } from './announcer.ts';
import { noStore } from './no-store.ts';
import type { AppContext, Remote } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';
import { refuseFailed, refuseUnreviewed, lostInPromotion } from './promote-checks.ts';
import { recompute } from './promote-recompute.ts';
import { RowTally } from './promote-rows.ts';
import { promoteRuns } from './promote-runs.ts';
import { sourcesFor } from './promote-sources.ts';
import { carryNames, writeRef } from './push-names.ts';
import { planPush, type PushFacts, type PushPlan } from './push-plan.ts';
import { draftRef, gitRemote, readRef } from './refs.ts';
import type { RunPorts } from './run-ports.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { transferScope } from './transfer-scope.ts';

export interface PromoteRequest {
  readonly targets: readonly string[];
  /** A store of the configuration or a branch, instead of all that may have it. */
  readonly from: string | undefined;
  /** Run the rows here instead of trusting the lock. */
  readonly recompute: boolean;
  /** Although rows are marked failed. */
  readonly partial: boolean;
  readonly dryRun: boolean;
}

/**
 * Copies what the lock of a merge names into the store that its branch writes, from the stores of other environments: every byte is
 * verified, nothing is computed, and the results of its rows are there for `repro` afterwards. What is there already costs a few
 * requests. Throws `failed-rows`, `not-committed` (exit 6), `missing-object` (exit 4), `corrupt-object` (exit 7), `no-store` (exit 2).
 */
export async function promote(ctx: AppContext, request: PromoteRequest, ports: RunPorts): Promise<EndEvent> {
  const remotes = await ctx.remotes();
  const to = remotes.write;
  if (to === undefined) throw noStore(ctx, remotes.environment, 'write');
  await refuseUnreviewed(ctx);
  if (!request.recompute) return await promoteScope(ctx, { request, to, ports, without: () => false });
  const isMade: PromoteScene['without'] = ({ stage }) => stage !== undefined;
  if (request.dryRun) return await promoteScope(ctx, { request, to, ports, without: isMade });
  await promoteScope(ctx, { request, to, ports, without: isMade, isStep: true });
  const end = await recompute(ctx, request.targets, ports);
  if (end.exit !== EXIT.ok) return end;
  return await promoteScope(ctx, { request, to, ports, without: () => false });
}

interface PromoteScene {
  readonly request: PromoteRequest;
  readonly to: Remote;
  readonly ports: RunPorts;
  /** Datasets to pass over. */
  readonly without: (dataset: { readonly stage: unknown }) => boolean;
  /** More follows: no ref, no end. */
  readonly isStep?: boolean;
}

async function promoteScope(ctx: AppContext, scene: PromoteScene): Promise<EndEvent> {
  const { request, to, ports, without, isStep = false } = scene;
  const tracked = workTreeFiles(ctx.workspace);
  const project = loadProject(tracked);
  const whole = transferScope(ctx, project, { ...request, since: undefined, until: undefined });
  const datasets = new Set([...whole.datasets].filter((dataset) => !without(dataset)));
  const scope = { ...whole, datasets, isAll: whole.isAll && datasets.size === whole.datasets.size };
  if (!request.partial) refuseFailed(project, scope);
  const { environment, read } = await ctx.remotes();
  const { commit } = await ctx.workspace.head();
  const branch = await ctx.branch();
  const reads = read.filter(({ name }) => name !== to.name).map(({ store }) => store.url);
  const draft = draftRef({ project, tracked }, { commit, reads, remote: await gitRemote(ctx) });
  const before = branch === undefined ? undefined : await readRef(to.store, refName(branch));
  const isDone = before !== undefined && formatRef(before) === formatRef(draft.ref);
  const sources = isDone ? [] : await sourcesFor(ctx, { to, from: request.from });
  const own = withSources(ctx, { environment, write: to, read: [to, ...sources] });
  const traffic = openTraffic(own, 'promoting');
  const rows = new RowTally(environment);
  if (isDone) return await finish(ctx, { request, traffic, rows });
  const { moving } = traffic;
  const facts: PushFacts = {
    project,
    scope,
    remotes: { environment, write: to, read: [to] },
    to,
    branch,
    draft,
    // A ref that relies on other stores doesn't say that this one has it all.
    before: before?.reads.length === 0 ? before : undefined,
    runCache: false,
    moving,
    checksLeaves: true,
    results: sources.map(({ store, kept }) => (request.dryRun ? store : mirrorResults(store, kept))),
    onRow: rows.add,
  };
  const announcement = request.dryRun
    ? undefined
    : await announceWriter(to.store, announcerOf(ctx, 'datawf promote'));
  try {
    const plan = await planPush(own, facts);
    traffic.expect(plan.objects.values());
    await carry(own, facts, { plan, sources, traffic, dryRun: request.dryRun });
    if (request.dryRun) return await finish(ctx, { request, traffic, rows });
    const runs = new Set(plan.results.flatMap((batch) => [...batch.runs]));
    await promoteRuns(ctx, { to, sources, runs, moving }, ports);
    if (scope.isAll && branch !== undefined) await writeRef(to, branch, draft);
  } finally {
    await announcement?.close();
  }
  return await finish(ctx, { request, traffic, rows, isStep });
}

/** The same, with lists read from the store that is written and the sources behind it. */
function withSources(ctx: AppContext, remotes: Awaited<ReturnType<AppContext['remotes']>>): AppContext {
  const store = ctx.layered(remotes.read.map((remote) => remote.store));
  return { ...ctx, store, remotes: async () => remotes };
}

interface Carrying {
  readonly plan: PushPlan;
  readonly sources: readonly Remote[];
  readonly traffic: Traffic;
  readonly dryRun: boolean;
}

async function carry(ctx: AppContext, facts: PushFacts, carrying: Carrying): Promise<void> {
  const { plan, sources, traffic, dryRun } = carrying;
  const stores = [ctx.local, ...sources.map(({ store }) => store)];
  const { found, nowhere } = await locateObjects(stores, plan.objects.keys(), ctx.signal);
  if (nowhere.size > 0)
    throw await lostInPromotion(ctx, facts, new Map([...nowhere].map((one) => [one, undefined])));
  if (dryRun) return;
  const { moving } = traffic;
  const copy = { to: facts.to.store, from: found, objects: plan.objects, folder: ctx.local.folder, moving };
  const lost = await copyVerified(copy);
  if (lost.size > 0) throw await lostInPromotion(ctx, facts, lost);
  await carryNames(ctx, facts, plan);
}

interface Ending {
  readonly request: PromoteRequest;
  readonly traffic: Traffic;
  readonly rows: RowTally;
  readonly isStep?: boolean;
}

async function finish(ctx: AppContext, { request, traffic, rows, isStep }: Ending): Promise<EndEvent> {
  const { dryRun } = request;
  rows.tell(ctx);
  const verb = dryRun ? 'would promote' : 'promoted';
  const end = await traffic.end({ verb, exit: EXIT.ok, dryRun, ...rows.totals() });
  if (isStep !== true) ctx.emit(end);
  return end;
}
