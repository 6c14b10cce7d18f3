import { formatRef, refName } from '../formats/ref-file.ts';
import type { History } from '../history/history.ts';
import type { EndEvent } from '../model/event.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { announceWriter } from '../store/announce.ts';
import { fetchObjects, pushObjects, type Sizes } from '../store/transfer.ts';
import { announcerOf } from './announcer.ts';
import { namesOfLost } from './lost-objects.ts';
import { noStore } from './no-store.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';
import { carryNames, writeRef } from './push-names.ts';
import { planPush, type PushFacts, type PushPlan } from './push-plan.ts';
import { pushRuns } from './push-runs.ts';
import { draftRef, gitRemote, readRef, sameVersions } from './refs.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { transferScope, type TransferRequest } from './transfer-scope.ts';
import { warnOfPlain } from './warn-plain.ts';

/**
 * Copies what lock and pointers of this checkout name to the store that the branch writes: objects, then trees, then results,
 * with the records of the runs that made them, then the branch's ref. Without targets and window nothing is left out, and a push of what is there already costs one
 * request. Throws `no-store` (exit 2), and `missing-object` (exit 4) for what is in none of the stores.
 */
export async function push(ctx: AppContext, history: History, request: TransferRequest): Promise<EndEvent> {
  const traffic = openTraffic(ctx, 'pushing');
  const tracked = workTreeFiles(ctx.workspace);
  const project = loadProject(tracked);
  const scope = transferScope(ctx, project, request);
  const remotes = await ctx.remotes();
  const to = remotes.write;
  if (to === undefined) throw noStore(ctx, remotes.environment, 'write');
  const head = await ctx.workspace.head();
  const reads = remotes.read.filter(({ name }) => name !== to.name).map(({ store }) => store.url);
  const draft = draftRef({ project, tracked }, { commit: head.commit, reads, remote: await gitRemote(ctx) });
  const { branch } = head;
  const before = branch === undefined ? undefined : await readRef(to.store, refName(branch));
  await warnOfPlain(ctx, project);
  const isDone = before !== undefined && sameVersions(before, draft.ref) && !request.runCache;
  if (isDone && (!scope.isAll || formatRef(before) === formatRef(draft.ref)))
    return await finish(ctx, traffic, request);
  const { runCache } = request;
  const { moving } = traffic;
  const facts: PushFacts = { project, scope, remotes, to, branch, draft, before, runCache, moving };
  if (request.dryRun) {
    traffic.expect((await planPush(ctx, facts)).objects.values());
    return await finish(ctx, traffic, request);
  }
  const announcement = await announceWriter(to.store, announcerOf(ctx, 'datawf push'));
  try {
    const plan = await planPush(ctx, facts);
    await carryOut(ctx, facts, { plan, traffic });
    await pushRuns(ctx, history, { to, runs: await runsOf(history, plan, runCache), moving });
    if (scope.isAll && branch !== undefined) await writeRef(to, branch, draft);
  } finally {
    await announcement.close();
  }
  return await finish(ctx, traffic, request);
}

/** Runs that made the results of a plan; with `--run-cache` all that there are here, also those that failed. */
async function runsOf(history: History, plan: PushPlan, runCache: boolean): Promise<ReadonlySet<string>> {
  const made = plan.results.flatMap(({ runs }) => [...runs]);
  return new Set(runCache ? [...made, ...(await history.listRuns()).map(({ id }) => id)] : made);
}

async function carryOut(
  ctx: AppContext,
  facts: PushFacts,
  { plan, traffic }: { readonly plan: PushPlan; readonly traffic: Traffic },
): Promise<void> {
  const { to, moving } = facts;
  traffic.expect(plan.objects.values());
  await bringMissing(ctx, facts, plan.objects);
  await pushObjects(ctx.store, { to: to.store, objects: plan.objects, moving });
  await carryNames(ctx, facts, plan);
}

/** What isn't here comes from another store that the branch reads. Throws where none has it, before anything was written. */
async function bringMissing(ctx: AppContext, facts: PushFacts, objects: Sizes): Promise<void> {
  const { project, scope, remotes, to, moving } = facts;
  const missing = await ctx.store.missingObjects([...objects.keys()], ctx.signal);
  if (missing.length === 0) return;
  const from = remotes.read.filter(({ name }) => name !== to.name).map(({ store }) => store);
  const { jobs, signal } = moving;
  const wanted = new Map(missing.map((digest) => [digest, objects.get(digest) ?? 0]));
  const lost = await fetchObjects(ctx.store, { from, objects: wanted, moving: { jobs, signal } });
  if (lost.objects.size === 0) return;
  const { paths, stages } = await namesOfLost(ctx, { project, scope }, lost.objects);
  const again = stages.length === 0 ? '' : `, or make it anew: datawf repro ${stages.join(' ')}`;
  const [first = ''] = paths;
  throw new Problem({
    code: 'missing-object',
    message: `${paths.length === 1 ? `${first} is` : `${paths.length} files are`} neither here nor in a store of this branch, so the push would not be whole`,
    hint: `Push from where the data are, or record them anew: datawf add${again}`,
    exit: EXIT.notFound,
    details: paths.length === 1 ? [] : paths.slice(0, 20),
    cause: lost.damage,
  });
}

async function finish(ctx: AppContext, traffic: Traffic, { dryRun }: TransferRequest): Promise<EndEvent> {
  const end = await traffic.end({ verb: dryRun ? 'would push' : 'pushed', exit: EXIT.ok, dryRun });
  ctx.emit(end);
  return end;
}
