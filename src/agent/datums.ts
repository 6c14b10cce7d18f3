import type { DatumTask, JobPlan } from '../run/job-plan.ts';
import { placedFiles } from '../run/command-env.ts';
import type { SandboxFile } from '../run/runner.ts';
import type { Claims, ClaimedBatch } from './claims.ts';
import type { Inputs } from './inputs.ts';

/** A datum whose inputs are here, or why they aren't; times in epoch milliseconds. */
export interface PreparedDatum {
  readonly batch: number;
  readonly task: DatumTask;
  readonly files: readonly SandboxFile[];
  readonly stageIn: number;
  readonly staged: number;
  readonly failure: { readonly error: unknown } | undefined;
}

export interface DatumsOptions {
  readonly plan: JobPlan;
  readonly claims: Claims;
  readonly inputs: Inputs;
  readonly now: () => number;
  /** Ends downloads. */
  readonly signal: AbortSignal;
}

/**
 * The datums of this worker in their order. The inputs of the one that comes next are fetched while its predecessor runs; the
 * first of a batch that isn't claimed yet only where there is plenty for everybody.
 */
export class Datums {
  readonly #options: DatumsOptions;
  #batch: ClaimedBatch | undefined;
  #at = 0;
  #ahead: Promise<PreparedDatum | undefined> | undefined;
  #isEnded = false;

  constructor(options: DatumsOptions) {
    this.#options = options;
  }

  /** The next datum, undefined where none is left. Throws why a batch couldn't be had. */
  async next(): Promise<PreparedDatum | undefined> {
    const ahead = this.#ahead ?? this.#prepare();
    this.#ahead = undefined;
    return this.#isEnded ? undefined : await ahead;
  }

  /** Begins to prepare the one after, if that is to be done ahead of its turn. */
  lookAhead(): void {
    if (this.#isEnded || this.#ahead !== undefined) return;
    const isInBatch = this.#batch !== undefined && this.#at < this.#batch.tasks.length;
    if (!isInBatch && !this.#options.claims.isPlenty) return;
    this.#ahead = this.#prepare();
    // Whoever waits for it is told.
    this.#ahead.catch(() => undefined);
  }

  /** No further datum. */
  end(): void {
    this.#isEnded = true;
  }

  /** What the datums of all tasks share, held until the pod ends. */
  async shared(): Promise<void> {
    const { plan, inputs, signal } = this.#options;
    await inputs.hold([...plan.work.code, ...plan.work.broadcast.flatMap(placedFiles)], signal);
  }

  async #prepare(): Promise<PreparedDatum | undefined> {
    const next = await this.#take();
    if (next === undefined) return undefined;
    const { inputs, now, signal } = this.#options;
    const files = next.task.work.deps.flatMap(placedFiles);
    const stageIn = now();
    const failure = await inputs.hold(files, signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    return { ...next, files, stageIn, staged: now(), failure };
  }

  async #take(): Promise<Pick<PreparedDatum, 'batch' | 'task'> | undefined> {
    if (this.#batch === undefined || this.#at >= this.#batch.tasks.length) {
      this.#batch = await this.#options.claims.next();
      this.#at = 0;
    }
    const task = this.#batch?.tasks[this.#at++];
    return this.#batch === undefined || task === undefined ? undefined : { batch: this.#batch.number, task };
  }
}
