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

/** Datums prepared ahead at most, and how much of inputs those after the next one may have together. */
const MOST_AHEAD = 4;
const MOST_BYTES = 64 << 20;

/**
 * The datums of this worker in their order. The inputs of the next one are fetched while its predecessor runs, and where datums are
 * small those of some more; the first of a batch that isn't claimed yet only where there is plenty for everybody.
 */
export class Datums {
  readonly #options: DatumsOptions;
  readonly #ahead: { readonly bytes: number; readonly datum: Promise<PreparedDatum | undefined> }[] = [];
  #batch: ClaimedBatch | undefined;
  #at = 0;
  #isEnded = false;

  constructor(options: DatumsOptions) {
    this.#options = options;
  }

  /** The next datum, undefined where none is left. Throws why a batch couldn't be had. */
  async next(): Promise<PreparedDatum | undefined> {
    if (this.#isEnded) return undefined;
    const ahead = this.#ahead.shift()?.datum ?? this.#prepareNext();
    return await ahead;
  }

  /** Begins to prepare those after, as far as that is to be done ahead of their turn. */
  lookAhead(): void {
    while (!this.#isEnded && this.#ahead.length < MOST_AHEAD) {
      const task = this.#batch?.tasks[this.#at];
      const held = this.#ahead.reduce((sum, { bytes }) => sum + bytes, 0);
      const bytes = task === undefined ? 0 : bytesOf(task);
      const isFirst = this.#ahead.length === 0;
      if (!isFirst && (task === undefined || held + bytes > MOST_BYTES)) return;
      if (task === undefined && !this.#options.claims.isPlenty) return;
      const datum = this.#prepareNext();
      // Whoever waits for it is told.
      datum.catch(() => undefined);
      this.#ahead.push({ bytes, datum });
      if (task === undefined) return;
    }
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

  async #prepareNext(): Promise<PreparedDatum | undefined> {
    if (this.#batch === undefined || this.#at >= this.#batch.tasks.length) {
      this.#batch = await this.#options.claims.next();
      this.#at = 0;
    }
    const task = this.#batch?.tasks[this.#at++];
    if (this.#batch === undefined || task === undefined) return undefined;
    return await this.#prepare(this.#batch.number, task);
  }

  async #prepare(batch: number, task: DatumTask): Promise<PreparedDatum> {
    const { inputs, now, signal } = this.#options;
    const files = filesOf(task);
    const stageIn = now();
    const failure = await inputs.hold(files, signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    return { batch, task, files, stageIn, staged: now(), failure };
  }
}

function filesOf({ work }: DatumTask): readonly SandboxFile[] {
  return work.deps.flatMap(placedFiles);
}

function bytesOf(task: DatumTask): number {
  return filesOf(task).reduce((sum, file) => sum + file.size, 0);
}
