import { Scheduler, type ReadyItem } from '../graph/scheduler.ts';
import { addUsage, NO_TOTALS, type RunTotals } from '../model/run-record.ts';
import { retryDelay } from '../run/backoff.ts';
import { pause } from '../run/pause.ts';
import type { AttemptOutcome } from '../run/runner.ts';
import { attemptDatum, settleAttempt, type AttemptTools, type Try } from './datum-attempt.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { Planner } from './planner.ts';
import type { AppContext } from './ports.ts';
import { Rivals } from './rivals.ts';
import { openStageRuns, type StageRunsParts } from './stage-runs.ts';
import type { StageState } from './stage-state.ts';

export interface Execution extends Omit<AttemptTools, 'runs' | 'rivals'> {
  /** Seconds that a datum of a stage took in earlier runs. */
  readonly usualSeconds: StageRunsParts['usualSeconds'];
  /** Datums at once. */
  readonly jobs: number;
  /** Where a ready datum stands in the order. */
  readonly rank: (datum: DatumPlan<StageState>) => readonly number[];
  /** Told how every datum ended; answers whether nothing more may start. */
  readonly stopsAfter: (outcome: AttemptOutcome) => boolean;
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

/**
 * Runs what is ready until nothing is left: a slot is filled again as soon as one datum ends, and a datum that waits for its
 * next try holds none. After an error that makes going on pointless, when `stopsAfter` says so or the signal is aborted,
 * nothing new starts; an abort also ends what runs.
 */
export async function execute(execution: Execution): Promise<ExecutionEnd> {
  const work = new Work(execution);
  return await work.run();
}

class Work {
  readonly #execution: Execution;
  readonly #tools: AttemptTools;
  readonly #scheduler: Scheduler<Try>;
  /** What the loop waits for: attempts, and pauses before further ones. */
  readonly #open = new Set<Promise<void>>();
  #stopped = false;
  #error: unknown;
  #totals = NO_TOTALS;

  constructor(execution: Execution) {
    this.#execution = execution;
    this.#tools = {
      ...execution,
      runs: openStageRuns(execution.ctx, execution),
      rivals: new Rivals(execution.planner),
    };
    const { runner, jobs, planner, ctx } = execution;
    this.#scheduler = new Scheduler(runner.takes ?? jobs, poolCapacity(planner, ctx));
  }

  async run(): Promise<ExecutionEnd> {
    const { ctx, planner } = this.#execution;
    try {
      for (;;) {
        if (ctx.signal.aborted) this.#stopped = true;
        for (const datum of planner.ready.splice(0))
          this.#queue({ datum, attempt: 1, queued: ctx.around.now() });
        for (let item = this.#next(); item !== undefined; item = this.#next()) this.#start(item);
        if (this.#open.size === 0) break;
        await Promise.race(this.#open);
      }
    } finally {
      await this.#tools.runs.closeAll();
    }
    return { cancelled: ctx.signal.aborted, error: this.#error, totals: this.#totals };
  }

  #next(): ReadyItem<Try> | undefined {
    return this.#stopped ? undefined : this.#scheduler.take();
  }

  #queue(value: Try): void {
    const { stage } = value.datum.stage.node;
    // A runner elsewhere keeps to limits and processors itself.
    const isElsewhere = this.#execution.runner.takes !== undefined;
    const pools = isElsewhere ? [] : [...stage.resources.limit.keys()];
    if (stage.sandbox === 'none') pools.push(UNSANDBOXED);
    const cpu = isElsewhere ? 1 : Math.max(1, Math.ceil(stage.resources.cpu ?? 1));
    this.#scheduler.add({ value, rank: this.#execution.rank(value.datum), cpu, pools });
  }

  #start(item: ReadyItem<Try>): void {
    this.#wait(this.#attempt(item.value).finally(() => this.#scheduler.release(item)));
  }

  #wait(work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => {
        this.#stopped = true;
        this.#error ??= error;
      })
      .finally(() => this.#open.delete(watched));
    this.#open.add(watched);
  }

  /** Tries a datum and settles it, or has it tried again; a cancelled one stays without an outcome. */
  async #attempt(one: Try): Promise<void> {
    const { ctx, onStart, onProgress, stopsAfter } = this.#execution;
    const { datum, attempt } = one;
    const { stage } = datum.stage.node;
    datum.phase = 'running';
    onStart(datum.stage);
    const outcome = await attemptDatum(this.#tools, one);
    this.#totals = addUsage(this.#totals, outcome.usage);
    if (outcome.state === 'failed' && outcome.class === 'cancelled') return;
    if (outcome.state === 'failed' && outcome.retry && attempt <= stage.retries && !ctx.signal.aborted) {
      this.#tryAgain(one, outcome.message);
      return;
    }
    tell(ctx, datum, outcome);
    if (stopsAfter(outcome)) this.#stopped = true;
    await settleAttempt(this.#tools, datum, outcome);
    if (datum.stage.open === 0) await this.#tools.runs.close(datum.stage);
    await onProgress();
  }

  #tryAgain(one: Try, message: string): void {
    const { ctx } = this.#execution;
    const { datum, attempt, queued } = one;
    const delay = retryDelay(attempt, ctx.around.random);
    ctx.emit({
      event: 'warning',
      code: 'retry',
      message: `${datum.stage.id} ${datum.id}: ${message}; trying again in ${(delay / 1000).toFixed(1)} s (${attempt} of ${datum.stage.node.stage.retries})`,
    });
    this.#wait(
      pause(delay, ctx.signal).then(() => {
        if (!ctx.signal.aborted) this.#queue({ datum, attempt: attempt + 1, queued });
      }),
    );
  }
}

const UNSANDBOXED = 'sandbox: none';

/** Capacity of each pool: the smallest that the configuration or a stage names. */
function poolCapacity(planner: Planner, ctx: AppContext): ReadonlyMap<string, number> {
  const capacity = new Map<string, number>([[UNSANDBOXED, 1]]);
  for (const { node } of planner.options.states) {
    for (const [pool, count] of node.stage.resources.limit) {
      const configured = ctx.config.limits.get(pool) ?? Infinity;
      capacity.set(pool, Math.min(configured, count, capacity.get(pool) ?? Infinity));
    }
  }
  return capacity;
}

function tell(ctx: AppContext, datum: DatumPlan<StageState>, outcome: AttemptOutcome): void {
  const { usage } = outcome;
  const base = {
    event: 'datum-end',
    stage: datum.stage.id,
    captures: Object.fromEntries(datum.spec.captures),
    reason: datum.reason ?? '',
    seconds: (usage.ended - usage.started) / 1000,
  } as const;
  if (outcome.state !== 'failed') {
    ctx.emit({ ...base, state: outcome.state === 'ok' ? 'ran' : 'waiting' });
    return;
  }
  const { message, hint, stderr } = outcome;
  ctx.emit({
    ...base,
    state: 'failed',
    message: hint === undefined ? message : `${message} (${hint})`,
    ...(stderr === '' ? {} : { stderr }),
  });
}
