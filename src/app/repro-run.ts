import type { RunWriter } from '../history/history.ts';
import type { EndEvent } from '../model/event.ts';
import { sumCounts } from '../model/outcome.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { NO_TOTALS, type RunEnd } from '../model/run-record.ts';
import { compactResults } from '../store/compact-results.ts';
import { ResultWriter } from '../store/result-writer.ts';
import { lockPathOf } from './project.ts';
import { prepare, refuseEditedOuts, scopeOf, selectStages, type Assessment } from './assess.ts';
import { isBad } from './datum-plan.ts';
import { datasetStates } from './datasets.ts';
import { checkDrops } from './drop-guard.ts';
import { execute } from './execute.ts';
import { openLockWriter, type LockWriter } from './lock-writer.ts';
import type { Settled } from './planner-options.ts';
import type { AppContext } from './ports.ts';
import { ignoreFileOf, pointerPath } from './pointer-files.ts';
import { recordEdits } from './record-edits.ts';
import type { RunRequest } from './requests.ts';
import { runHead } from './run-head.ts';
import { runLimits } from './run-limits.ts';
import { rankBy } from './run-order.ts';
import { assessRequest, type RunStart } from './run-request.ts';
import { tellWindow, usualSeconds } from './run-window.ts';
import { needsWrite } from './row-writer.ts';
import type { RunPorts } from './run-ports.ts';
import { openRunTrail, type RunTrail } from './run-trail.ts';
import { endCounts, planLine } from './stage-report.ts';
import { resultScope } from './result-scope.ts';
import { bringInputs } from './run-inputs.ts';
import type { StageState } from './stage-state.ts';
import { Supply } from './supply.ts';
import { bringHere, clearUndeclared } from './bring-here.ts';
import { clusterStore, isCluster, openClusterWork, refuseUnfit } from './cluster-run.ts';
import { pullRecorded } from './pull-recorded.ts';
import { noteRef } from './refs.ts';
import { rememberRun } from './remember-run.ts';
import { refuseTrackedOuts } from './tracked-outs.ts';

/** A run of `repro` or `backfill`, by the holder of the process lock. */
export async function runLocked(
  ctx: AppContext,
  request: RunRequest,
  { ports, started }: RunStart,
): Promise<EndEvent> {
  const settled: Settled[] = [];
  const run: { trail?: RunTrail; lock?: LockWriter } = {};
  const onSettled = (outcome: Settled): void => {
    if (run.trail === undefined) settled.push(outcome);
    else run.trail.settled(outcome);
    if (outcome.row !== undefined) run.lock?.mark(outcome.datum.stage);
  };
  const guard = async (state: StageState): Promise<void> => {
    if (!request.allowDrop) await checkDrops(state);
  };
  const onStage = async (state: StageState): Promise<void> => {
    await guard(state);
    await state.dropVanished();
    if (needsWrite(state)) run.lock?.mark(state);
    run.trail?.stageEnd(state);
  };

  const recorded = await recordedDatasets(ctx, request);
  const environment = await ctx.environment();
  const cluster = isCluster(environment);
  if (cluster) await clusterStore(ctx);
  const supply = new Supply(ctx, { fetches: cluster ? 'away' : 'here', allowMissing: request.allowMissing });
  if (request.pull) await pullRecorded(ctx, recorded, request);
  const plan = async (): Promise<Assessment> => {
    settled.length = 0;
    const hooks = { onSettled, onPlanned: guard, onStage };
    const made = await prepare(ctx, { ...recorded, request: assessRequest(request), supply, hooks });
    await made.planner.start();
    return made;
  };
  let assessment = await plan();
  // Each round finds out of more objects that they are lost.
  while (!cluster && !(await bringInputs(assessment, supply, request.pull))) assessment = await plan();
  refuseUnfit(assessment, environment);
  warnUnused(ctx, assessment);
  await refuseTrackedOuts(ctx, assessment.project, assessment.states);
  if (request.kind === 'backfill') await tellWindow(ctx, { request, assessment, ports });

  const lock = openLockWriter(ctx, assessment.project, cluster ? 'later' : 'follows');
  run.lock = lock;
  const dropped = request.targets.length === 0 ? lock.dropUndeclared() : [];
  for (const state of assessment.states) if (needsWrite(state)) lock.mark(state);
  const brought = cluster ? 0 : await bringHere(ctx, assessment);
  if (!hasWork(assessment, dropped)) {
    await lock.write();
    const ended = await openClusterWork(ctx);
    await ended?.settle(assessment, lock);
    await ended?.close();
    if (lock.files.size > 0) await noteRef(ctx);
    await rememberRun(assessment, lock);
    const stuck = assessment.states.some((state) => state.datums.some(isBad));
    const exit = stuck ? EXIT.failed : EXIT.ok;
    return finish(ctx, { assessment, started, exit, state: stuck ? 'failed' : 'done', brought });
  }

  const history = await ports.history();
  const writer = await history.openRun(await runHead(ctx, ports, request.kind));
  const trail = openRunTrail(ctx, writer, assessment);
  run.trail = trail;
  ctx.emit({ event: 'run-start', run: writer.id, kind: request.kind });
  await emitPlan(ctx, assessment);
  for (const outcome of settled) trail.settled(outcome);
  for (const state of assessment.states) if (state.progress === 'settled') trail.stageEnd(state);

  const end = await work(ctx, { request, ports, assessment, lock, writer, trail });
  await clearUndeclared(ctx, assessment, { homes: dropped, lock });
  const counts = sumCounts(assessment.states.map(endCounts));
  const failed = counts.failed + counts.blocked > 0;
  const problem = end.error instanceof Problem ? end.error : undefined;
  const detached = end.cancelled && ports.isDetached();
  const exit =
    end.error !== undefined
      ? (problem?.exit ?? EXIT.unexpected)
      : end.cancelled
        ? detached
          ? EXIT.ok
          : EXIT.interrupted
        : failed
          ? EXIT.failed
          : EXIT.ok;
  const state = detached ? 'detached' : end.cancelled ? 'cancelled' : exit === EXIT.ok ? 'done' : 'failed';
  if (lock.files.size > 0) await noteRef(ctx);
  await trail.close(lock);
  await writer.seal({ state, exit, counts, totals: end.totals });
  if (end.error !== undefined) {
    ctx.emit({ event: 'end', run: writer.id, state, exit, counts, seconds: secondsSince(ctx, started) });
    throw end.error instanceof Error ? end.error : new Error('the run ended early', { cause: end.error });
  }
  await rememberRun(assessment, lock);
  if (request.commit) await commitRun(ctx, { assessment, lock, run: writer.id, failed });
  return finish(ctx, { assessment, started, exit, state, run: writer.id, brought });
}

/** Loads the project with the edits of added data recorded, as far as the targets rest on them. */
async function recordedDatasets(ctx: AppContext, request: RunRequest) {
  const selected = selectStages(ctx, request.targets);
  const scope = scopeOf({
    selection: selected.selection,
    single: request.single,
    downstream: request.downstream,
  });
  const datasets = await datasetStates(ctx, selected.project, { keepTrees: true });
  refuseEditedOuts(datasets, scope);
  if (!(await recordEdits(ctx, { project: selected.project, datasets, scope })))
    return { ...selected, datasets };
  await noteRef(ctx);
  const again = selectStages(ctx, request.targets);
  return { ...again, datasets: await datasetStates(ctx, again.project, { keepTrees: true }) };
}

interface Work {
  readonly request: RunRequest;
  readonly ports: RunPorts;
  readonly assessment: Assessment;
  readonly lock: LockWriter;
  readonly writer: RunWriter;
  readonly trail: RunTrail;
}

/** Runs what is ready and writes it down, also what was finished before an error. */
async function work(ctx: AppContext, { request, ports, assessment, lock, writer, trail }: Work) {
  const cluster = await openClusterWork(ctx);
  for (const state of assessment.states) {
    if (!state.options.inScope || state.progress === 'unchanged') continue;
    const { json } = state.options.facts.half;
    await ctx.store.putKey(state.code, json);
    await cluster?.putKey(state.code, json);
  }
  const results = new ResultWriter({
    store: ctx.store,
    run: writer.id,
    batch: '0',
    scope: await resultScope(ctx),
  });
  const runner = await ports.runner({
    run: writer.id,
    started: writer.start,
    jobs: request.jobs ?? ctx.config.jobs,
    detach: request.detach,
    ensure: cluster?.ensure,
  });
  const limits = runLimits(request);
  let error: unknown;
  let cancelled = false;
  let totals = NO_TOTALS;
  try {
    const done = await execute({
      ctx,
      planner: assessment.planner,
      runner,
      run: writer,
      results,
      notYet: assessment.notYet,
      jobs: request.jobs ?? ctx.config.jobs ?? ctx.around.cores,
      rank: rankBy(request.order ?? (request.kind === 'backfill' ? 'newest' : undefined)),
      usualSeconds: (state) => usualSeconds(ports, state),
      stopsAfter: (outcome) => limits.after(outcome),
      onStart: (state) => trail.started(state),
      onProgress: () => lock.writeNowAndThen(() => results.flush()),
    });
    error = done.error;
    cancelled = done.cancelled;
    totals = done.totals;
  } catch (thrown) {
    error = thrown;
  }
  assessment.notYet.save();
  if (limits.reason !== undefined) ctx.emit({ event: 'warning', code: 'stopped', message: limits.reason });
  const compact = () => compactAll(ctx, assessment);
  const end = [
    () => results.close(),
    () => lock.write(),
    () => cluster?.settle(assessment, lock),
    compact,
    () => runner.close(),
    () => cluster?.close(),
  ];
  for (const step of end) {
    try {
      await step();
    } catch (thrown) {
      error ??= thrown;
    }
  }
  return { error, cancelled, totals };
}

/** Merges the run cache's small segments of the stages that ran, where there are many. */
async function compactAll(ctx: AppContext, { states }: Assessment): Promise<void> {
  const codes = new Set(states.flatMap((state) => (state.changed ? [state.code] : [])));
  for (const code of codes) await compactResults(ctx.store, code);
}

function hasWork({ planner, states }: Assessment, dropped: readonly string[]): boolean {
  return (
    planner.ready.length > 0 ||
    dropped.length > 0 ||
    states.some((state) => state.changed || state.open > 0 || state.progress === 'deferred')
  );
}

function warnUnused(ctx: AppContext, { states }: Assessment): void {
  for (const state of states) {
    for (const [dep, usage] of state.set?.usage ?? []) {
      if (usage.files === 0 || usage.used > 0) continue;
      ctx.emit({
        event: 'warning',
        code: 'nothing-used',
        message: `stage ${state.id} uses none of the ${usage.files} files of its dep ${dep}`,
        hint: `Compare the pattern with the files, e.g. ${usage.unmatchedPaths[0] ?? usage.unpairedPaths[0] ?? usage.outsidePaths[0] ?? ''}: datawf status ${state.id}`,
      });
    }
  }
}

async function emitPlan(ctx: AppContext, { states, memo }: Assessment): Promise<void> {
  const lines = [];
  for (const state of states) {
    if (state.progress === 'outside' || state.progress === 'unchanged') continue;
    const line = await planLine(ctx, state, memo);
    if (line.toRun + line.cached + line.vanished + line.blocked > 0) lines.push(line);
  }
  ctx.emit({ event: 'plan', stages: lines, dryRun: false });
}

interface Finish {
  readonly assessment: Assessment;
  readonly started: number;
  readonly exit: number;
  readonly state: RunEnd;
  readonly run?: string;
  /** Files that were restored from the store. */
  readonly brought: number;
}

function finish(ctx: AppContext, { assessment, started, exit, state, run, brought }: Finish): EndEvent {
  const counts = sumCounts(assessment.states.map(endCounts));
  const vanished = assessment.states.reduce((sum, state) => sum + state.dropped.length, 0);
  const end: EndEvent = {
    event: 'end',
    state,
    exit,
    counts,
    ...(brought > 0 ? { restored: brought } : {}),
    ...(vanished > 0 ? { vanished } : {}),
    seconds: secondsSince(ctx, started),
    ...(run === undefined ? {} : { run }),
  };
  ctx.emit(end);
  return end;
}

function secondsSince(ctx: AppContext, started: number): number {
  return (ctx.around.now() - started) / 1000;
}

interface CommitFacts {
  readonly assessment: Assessment;
  readonly lock: LockWriter;
  readonly run: string;
  readonly failed: boolean;
}

/** One git commit of what the run wrote, with a trailer that points to its record. */
async function commitRun(ctx: AppContext, { assessment, lock, run, failed }: CommitFacts): Promise<void> {
  const { project, states } = assessment;
  const ignores = states.flatMap((state) =>
    state.options.datasets.map((dataset) => ignoreFileOf(dataset.home)),
  );
  const paths = [
    ...[...lock.files].map(lockPathOf),
    ...project.pointers.map((pointer) => pointerPath(pointer.path)),
    ...new Set(ignores),
  ];
  const ran = states.filter((state) => state.changed).map((state) => state.id);
  const subject = ran.length > 3 ? `${ran.length} stages` : ran.join(', ');
  const message = `Update ${subject}${failed ? '\n\nSome datums failed; their last good results stay.' : ''}`;
  const commit = await ctx.git.commitPaths({ paths, message, trailers: new Map([['Datawf-Run', [run]]]) });
  ctx.emit({
    event: 'note',
    message:
      commit === undefined
        ? 'nothing to commit'
        : `committed ${commit.slice(0, 12)}${failed ? ' with failed rows' : ''}`,
  });
}
