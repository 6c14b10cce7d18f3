import { Scheduler, type ReadyItem } from '../graph/scheduler.ts';
import { formatListing } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { NO_TOTALS, type RunTotals } from '../model/run-record.ts';
import type { RunWriter } from '../history/history.ts';
import type { AttemptOutcome, AttemptUsage, Runner } from '../run/runner.ts';
import { retryDelay } from '../run/backoff.ts';
import type { ResultWriter } from '../store/result-writer.ts';
import { digestHex } from '../util/blake3.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { Planner } from './planner.ts';
import type { AppContext } from './ports.ts';
import { datumWork, openStageRuns, type StageRuns } from './stage-runs.ts';
import type { StageState } from './stage-state.ts';
import { checkRivals } from './rivals.ts';

export interface Execution {
  readonly ctx: AppContext;
  readonly planner: Planner;
  readonly runner: Runner;
  readonly run: RunWriter;
  readonly results: ResultWriter;
  readonly jobs: number;
  readonly failFast: boolean;
  readonly newestFirst: boolean;
  /** Called when a datum starts. */
  readonly onStart: (state: StageState) => void;
  /** Called after every datum; writes the lock now and then. */
  readonly onProgress: () => Promise<void>;
}

/** How the work went on the whole. */
export interface ExecutionEnd {
  readonly cancelled: boolean;
  /** What made going on pointless. */
  readonly error: unknown;
  readonly totals: RunTotals;
}

type Datum = DatumPlan<StageState>;

/**
 * Runs what is ready until nothing is left: a slot is filled again as soon as one datum ends. After an error that makes going
 * on pointless, `failFast`'s first failure or an aborted signal nothing new starts; an abort also ends what runs.
 */
export async function execute(execution: Execution): Promise<ExecutionEnd> {
  const { ctx, planner, runner } = execution;
  let totals = NO_TOTALS;
  const runs = openStageRuns(ctx, runner);
  const scheduler = new Scheduler<Datum>(execution.jobs, poolCapacity(planner, ctx));
  const running = new Set<Promise<void>>();
  const end: { stop: boolean; error: unknown } = { stop: false, error: undefined };
  const fail = (error: unknown): void => {
    end.stop = true;
    end.error ??= error;
  };
  const start = (item: ReadyItem<Datum>): void => {
    const count = (usage: AttemptUsage): void => {
      totals = addUsage(totals, usage);
    };
    const work = runDatum(execution, { runs, count }, item.value)
      .then(async (outcome) => {
        if (outcome === 'failed' && execution.failFast) end.stop = true;
        await execution.onProgress();
      })
      .catch(fail)
      .finally(() => {
        scheduler.release(item);
        running.delete(work);
      });
    running.add(work);
  };
  try {
    for (;;) {
      if (ctx.signal.aborted) end.stop = true;
      for (const datum of planner.ready.splice(0)) scheduler.add(readyItem(datum, execution.newestFirst));
      for (let item = end.stop ? undefined : scheduler.take(); item !== undefined; item = scheduler.take())
        start(item);
      if (running.size === 0) break;
      await Promise.race(running);
    }
  } finally {
    await runs.closeAll();
  }
  return { cancelled: ctx.signal.aborted, error: end.error, totals };
}

function readyItem(datum: Datum, newestFirst: boolean): ReadyItem<Datum> {
  const { stage } = datum.stage.node;
  const pools = [...stage.resources.limit.keys()];
  if (stage.sandbox === 'none') pools.push('sandbox: none');
  return {
    value: datum,
    depth: datum.stage.node.depth,
    order: newestFirst ? -datum.index : datum.index,
    cpu: Math.max(1, Math.ceil(stage.resources.cpu ?? 1)),
    pools,
  };
}

/** Capacity of each pool: what the configuration says, else the smallest that a stage names. */
function poolCapacity(planner: Planner, ctx: AppContext): ReadonlyMap<string, number> {
  const capacity = new Map<string, number>([['sandbox: none', 1]]);
  for (const { node } of planner.options.states) {
    for (const [pool, count] of node.stage.resources.limit) {
      const configured = ctx.config.limits.get(pool);
      capacity.set(pool, Math.min(configured ?? Infinity, count, capacity.get(pool) ?? Infinity));
    }
  }
  return capacity;
}

interface Slot {
  readonly runs: StageRuns;
  readonly count: (usage: AttemptUsage) => void;
}

function addUsage(totals: RunTotals, usage: AttemptUsage): RunTotals {
  return {
    commandSeconds: totals.commandSeconds + (usage.ended - usage.started) / 1000,
    cpuSeconds: totals.cpuSeconds + (usage.cpuSeconds ?? 0),
    peakMemory: Math.max(totals.peakMemory, usage.peakMemory ?? 0),
    bytesIn: totals.bytesIn + usage.bytesIn,
    bytesOut: totals.bytesOut + usage.bytesOut,
  };
}

/** Runs a datum with its retries and settles it; a cancelled one stays without an outcome. */
async function runDatum(execution: Execution, slot: Slot, datum: Datum): Promise<'ok' | 'failed' | 'open'> {
  const { ctx, planner } = execution;
  const { stage } = datum.stage.node;
  datum.phase = 'running';
  execution.onStart(datum.stage);
  const queued = ctx.around.now();
  const work = await datumWork(datum);
  let failed = false;
  for (let attempt = 1; ; attempt++) {
    ctx.emit({
      event: 'datum-start',
      stage: stage.id,
      captures: Object.fromEntries(datum.spec.captures),
      reason: datum.reason ?? '',
      attempt,
    });
    const outcome = await runOnce(execution, slot.runs, { datum, attempt, queued, work });
    if (outcome.state === 'failed' && outcome.class === 'cancelled') return 'open';
    slot.count(outcome.usage);
    const retry =
      outcome.state === 'failed' && outcome.retry && attempt <= stage.retries && !ctx.signal.aborted;
    tell(execution, datum, { outcome, retry });
    if (retry) {
      if (!(await pause(retryDelay(attempt, ctx.around.random), ctx.signal))) return 'open';
      continue;
    }
    if (outcome.state === 'ok') {
      await accept(execution, datum, outcome);
      break;
    }
    if (outcome.state === 'waiting') await planner.settle({ datum, outcome: 'waiting' });
    else await planner.settle({ datum, outcome: 'failed', row: failedRow(datum) });
    if (outcome.state === 'failed') failed = true;
    break;
  }
  if (datum.stage.open === 0) await slot.runs.close(datum.stage);
  return failed ? 'failed' : 'ok';
}

interface Try {
  readonly datum: Datum;
  readonly attempt: number;
  readonly queued: number;
  readonly work: Awaited<ReturnType<typeof datumWork>>;
}

async function runOnce(
  execution: Execution,
  runs: StageRuns,
  { datum, attempt, queued, work }: Try,
): Promise<AttemptOutcome> {
  const { ctx, run } = execution;
  const state = datum.stage;
  const session = await runs.session(state);
  const log = (line: { time: number; stream: 'out' | 'err'; text: string }): void => {
    run.log(state.id, { ...line, datum: datum.id, attempt });
  };
  const ran = await session.run(work, log, ctx.signal);
  const outcome = ran.state === 'ok' ? ((await checkRivals(execution.planner, datum, ran)) ?? ran) : ran;
  const { usage } = outcome;
  const { resources } = state.node.stage;
  run.attempt({
    stage: state.id,
    datum: datum.id,
    attempt,
    state: outcome.state,
    key: { code: state.code, input: datum.input as Digest },
    reason: datum.reason ?? '',
    queued,
    started: usage.started,
    ended: usage.ended,
    bytesIn: usage.bytesIn,
    bytesOut: usage.bytesOut,
    ...(usage.cpuSeconds === undefined ? {} : { cpuSeconds: usage.cpuSeconds }),
    ...(usage.peakMemory === undefined ? {} : { peakMemory: usage.peakMemory }),
    ...(resources.cpu === undefined ? {} : { requested: { cpu: resources.cpu } }),
    ...(outcome.state === 'failed' ? failureFields(outcome) : {}),
  });
  return outcome;
}

type Failed = Extract<AttemptOutcome, { state: 'failed' }>;

function failureFields(outcome: Failed) {
  return {
    class: outcome.class,
    code: outcome.code,
    message: outcome.message,
    stderr: outcome.stderr,
    ...(outcome.exit === undefined ? {} : { exit: outcome.exit }),
    ...(outcome.signal === undefined ? {} : { signal: outcome.signal }),
  };
}

/** Keeps a result and goes on with what it makes decidable. */
async function accept(
  execution: Execution,
  datum: Datum,
  outcome: Extract<AttemptOutcome, { state: 'ok' }>,
): Promise<void> {
  const { planner, results, run, runner } = execution;
  const state = datum.stage;
  const input = datum.input as Digest;
  const outs: readonly FileEntry[] = outcome.outs;
  const result = digestHex(formatListing(outs)) as Digest;
  results.add(state.code, {
    input,
    result,
    outs,
    made: { ...runner.made, sandbox: state.node.stage.sandbox !== 'none' },
    run: run.id,
    seconds: (outcome.usage.ended - outcome.usage.started) / 1000,
  });
  await planner.settle({
    datum,
    outcome: 'ran',
    row: { state: 'ok', input, code: state.code, result, captures: datum.id },
    outs,
  });
}

function failedRow(datum: Datum) {
  const { row } = datum;
  return {
    input: row?.input,
    code: row?.code,
    result: row?.result,
    captures: datum.id,
    state: 'failed' as const,
  };
}

function tell(
  execution: Execution,
  datum: Datum,
  { outcome, retry }: { outcome: AttemptOutcome; retry: boolean },
): void {
  const { ctx } = execution;
  const { usage } = outcome;
  const seconds = (usage.ended - usage.started) / 1000;
  const base = {
    event: 'datum-end',
    stage: datum.stage.id,
    captures: Object.fromEntries(datum.spec.captures),
    reason: datum.reason ?? '',
    seconds,
  } as const;
  if (outcome.state !== 'failed') {
    ctx.emit({ ...base, state: outcome.state === 'ok' ? 'ran' : 'waiting' });
    return;
  }
  const { message, hint, stderr } = outcome;
  if (retry) {
    ctx.emit({
      event: 'warning',
      code: 'retry',
      message: `${datum.stage.id} ${datum.id}: ${message}; trying again`,
    });
    return;
  }
  ctx.emit({
    ...base,
    state: 'failed',
    message: hint === undefined ? message : `${message} (${hint})`,
    ...(stderr === '' ? {} : { stderr }),
  });
}

/** Waits; false where the run was cancelled meanwhile. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve(!signal.aborted);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
