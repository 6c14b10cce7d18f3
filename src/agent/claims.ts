import { jobFolder, type DatumTask, type JobPlan, type WorkerState } from '../run/job-plan.ts';
import { formatWorker, parseOutcomes, parseTasks } from '../run/job-text.ts';
import type { Store } from '../store/store.ts';

/** A batch that this worker has, with what of it is still to be done. */
export interface ClaimedBatch {
  readonly number: number;
  readonly tasks: readonly DatumTask[];
}

export interface ClaimsOptions {
  readonly store: Store;
  readonly plan: JobPlan;
  /** Of this worker: a pod that replaces another has its index. */
  readonly index: number;
}

/**
 * The batches of a Job as this worker takes them: first those that an earlier pod of its index had claimed and left, then the
 * first that nobody has, by a write that only one can do. Where a store lets two do it, batches are dealt out by index.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #folder: string;
  readonly #taken = new Set<number>();
  readonly #inherited: number[] = [];
  #isDealt = false;
  #isTried = false;

  private constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#folder = jobFolder(options.plan);
  }

  /** Looks at what was claimed before: one listing, and for a replaced pod a read a claim. */
  static async open(options: ClaimsOptions): Promise<Claims> {
    const claims = new Claims(options);
    const isReplaced = (await claims.#text(claims.#workerName)) !== undefined;
    await claims.#look();
    if (isReplaced) await claims.#inherit();
    return claims;
  }

  /** Whether there is more than the other workers will ask for soon, so that claiming early takes nothing from them. */
  get isPlenty(): boolean {
    return this.#options.plan.batches - this.#taken.size > this.#options.plan.workers;
  }

  /** The next batch with something to do, undefined where there is none left. */
  async next(): Promise<ClaimedBatch | undefined> {
    for (;;) {
      const inherited = this.#inherited.shift();
      const number = inherited ?? (await this.#claim());
      if (number === undefined) return undefined;
      const tasks = await this.#tasks(number, inherited !== undefined);
      if (tasks.length > 0) return { number, tasks };
    }
  }

  /** Says that this worker lives. */
  async show(state: WorkerState): Promise<void> {
    await this.#options.store.writeFile(this.#workerName, Buffer.from(formatWorker(state)), {
      replace: true,
    });
  }

  get #workerName(): string {
    return `${this.#folder}/workers/${this.#options.index}.json`;
  }

  async #claim(): Promise<number | undefined> {
    const { store, index } = this.#options;
    for (let number = this.#firstFree(); number !== undefined; number = this.#firstFree()) {
      this.#taken.add(number);
      const isMine = await store.writeFile(`${this.#folder}/claims/${number}`, Buffer.from(`${index}\n`));
      if (isMine && !(await this.#mustDeal())) return number;
      if (isMine && this.#isOwn(number)) return number;
      await this.#look();
    }
    return undefined;
  }

  /** Whether conditional writes don't hold here, known since the first. */
  async #mustDeal(): Promise<boolean> {
    const { store } = this.#options;
    if (!this.#isTried && store.describe !== undefined)
      this.#isDealt = (await store.describe()).createOnly === false;
    this.#isTried = true;
    return this.#isDealt;
  }

  #firstFree(): number | undefined {
    const { plan, index } = this.#options;
    // Workers begin together: each tries the batch of its own number first.
    if (index < plan.batches && !this.#taken.has(index)) return index;
    for (let number = 0; number < plan.batches; number++) {
      if (!this.#taken.has(number) && (!this.#isDealt || this.#isOwn(number))) return number;
    }
    return undefined;
  }

  #isOwn(number: number): boolean {
    return number % this.#options.plan.workers === this.#options.index;
  }

  async #look(): Promise<void> {
    const prefix = `${this.#folder}/claims/`;
    for (const name of await this.#options.store.listFiles(prefix)) {
      const number = name.slice(prefix.length);
      if (/^\d{1,9}$/.test(number)) this.#taken.add(Number(number));
    }
  }

  async #inherit(): Promise<void> {
    for (const number of [...this.#taken].sort((a, b) => a - b)) {
      const text = await this.#text(`${this.#folder}/claims/${number}`);
      if (text?.trim() === String(this.#options.index)) this.#inherited.push(number);
    }
  }

  async #tasks(number: number, isInherited: boolean): Promise<readonly DatumTask[]> {
    const tasks = parseTasks((await this.#text(`${this.#folder}/batches/${number}.ndjson`)) ?? '');
    if (!isInherited) return tasks;
    const done = await this.#done(number);
    return tasks.filter((task) => !done.has(`${task.work.id} ${task.attempt}`));
  }

  /** Datums of a batch that an earlier pod has told the end of. */
  async #done(number: number): Promise<ReadonlySet<string>> {
    const prefix = `${this.#folder}/outcomes/`;
    const done = new Set<string>();
    for (const name of await this.#options.store.listFiles(prefix)) {
      if (!name.startsWith(`${prefix}${number}-`)) continue;
      for (const { id, attempt } of parseOutcomes((await this.#text(name)) ?? ''))
        done.add(`${id} ${attempt}`);
    }
    return done;
  }

  async #text(name: string): Promise<string | undefined> {
    const bytes = await this.#options.store.readFile(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  }
}
