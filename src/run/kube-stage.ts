import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { slug } from '../model/slug.ts';
import { digestHex } from '../util/blake3.ts';
import { cutBatches } from './job-batches.ts';
import { JobFiles } from './job-files.ts';
import type { DatumTask, JobPlan, TaskOutcome } from './job-plan.ts';
import { jobManifest } from './job-spec.ts';
import { followJob, type JobEnd, type JobListener } from './job-track.ts';
import { endOfJob, LABEL } from './kube-jobs.ts';
import type { KubeJob } from './kube-objects.ts';
import type { KubeRunnerOptions } from './kube-options.ts';
import { SliceEntry } from './slice-entry.ts';
import type {
  AttemptOutcome,
  DatumWork,
  LogLine,
  SandboxFile,
  StageKey,
  StageSession,
  StageWork,
} from './runner.ts';

/** Datums of one Job at most: newest first and pipelining hold between Jobs. */
const SLICE = 10_000;
/** Datums that become ready together arrive within this time. */
const GATHER_MS = 150;
const DEFAULT_SCHEDULE_SECONDS = 3_600;
const REMOVE_WAIT_MS = 15_000;
/** Jobs that ended without a word of a datum before it counts as failed. */
const TRIES = 3;

/** A stage on a cluster: datums are gathered, cut into slices, and each slice becomes one Job. */
export class KubeStage implements StageSession {
  readonly #options: KubeRunnerOptions;
  readonly #work: StageWork;
  readonly #key: StageKey;
  #pending: SliceEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #active = new Set<Promise<void>>();
  /** Entries of Jobs that have no outcome yet. */
  #open = 0;
  /** Entries that are in no Job yet. */
  readonly #waiting: Set<SliceEntry>;

  constructor(
    options: KubeRunnerOptions,
    work: StageWork,
    { waiting, ...key }: StageKey & { readonly waiting: Set<SliceEntry> },
  ) {
    this.#options = options;
    this.#waiting = waiting;
    this.#work = work;
    this.#key = key;
  }

  run(work: DatumWork, log: (line: LogLine) => void): Promise<AttemptOutcome> {
    return new Promise((resolve, reject) => {
      const entry = new SliceEntry(work, { log, resolve, reject, now: this.#options.now });
      if (this.#options.signal.aborted) entry.cancel();
      else this.#add(entry);
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const entry of this.#pending.splice(0)) entry.cancel();
    await Promise.all(this.#active);
  }

  #add(entry: SliceEntry): void {
    this.#pending.push(entry);
    this.#waiting.add(entry);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, GATHER_MS);
  }

  /** Starts the next slice, unless the one before still has enough to do. */
  #start(): void {
    if (this.#options.signal.aborted) {
      for (const entry of this.#pending.splice(0)) entry.cancel();
      return;
    }
    const [first] = this.#pending;
    if (first === undefined) return;
    const isLimited = this.#work.stage.resources.limit.size > 0;
    if (this.#active.size > 0 && (isLimited || this.#active.size > 1 || this.#open >= this.#options.workers))
      return;
    const slice = this.#pending.filter((entry) => entry.rung === first.rung).slice(0, SLICE);
    const taken = new Set(slice);
    this.#pending = this.#pending.filter((entry) => !taken.has(entry));
    this.#open += slice.length;
    for (const entry of slice) entry.onSettled = () => this.#settled(entry);
    const running = this.#runSlice(slice)
      .catch((error: unknown) => {
        for (const entry of slice) if (!entry.isSettled) this.#giveUp(entry, error);
      })
      .finally(() => {
        this.#active.delete(running);
        this.#start();
      });
    this.#active.add(running);
    this.#start();
  }

  #settled(entry: SliceEntry): void {
    this.#open -= 1;
    this.#isStarted(entry);
    if (this.#pending.length > 0 && this.#open < this.#options.workers) this.#start();
  }

  #isStarted(...entries: readonly SliceEntry[]): void {
    for (const entry of entries) this.#waiting.delete(entry);
    if (this.#waiting.size === 0) this.#options.onAllStarted();
  }

  #giveUp(entry: SliceEntry, error: unknown): void {
    if (this.#options.signal.aborted) entry.cancel();
    else entry.fail(error);
  }

  /** Takes up what runs or has just run elsewhere, and starts one Job for the rest. */
  async #runSlice(slice: readonly SliceEntry[]): Promise<void> {
    const open = new Map(slice.map((entry) => [entry.key.input, entry]));
    const adopted = await this.#adopt(open);
    const rest = slice.filter((entry) => open.has(entry.key.input));
    await Promise.all([...adopted, ...(rest.length === 0 ? [] : [this.#runJob(rest)])]);
  }

  /** Follows live Jobs of the same code that have datums of the slice; takes those out of `open`. */
  async #adopt(open: Map<Digest, SliceEntry>): Promise<Promise<void>[]> {
    const { jobs, run, storeLabel } = this.#options;
    const found = await jobs.list({ [LABEL.code]: this.#codeLabel, [LABEL.store]: storeLabel });
    const following: Promise<void>[] = [];
    for (const job of found) {
      if (open.size === 0 || job.metadata.labels?.[LABEL.run] === run) continue;
      const entries = await this.#entriesOf(job, open);
      if (entries.length > 0) following.push(this.#followAdopted(job, entries));
    }
    return following;
  }

  /** Entries of the slice that another's Job has; of one that has ended only what came after this run began. */
  async #entriesOf(job: KubeJob, open: Map<Digest, SliceEntry>): Promise<readonly SliceEntry[]> {
    const files = this.#filesOf(job);
    if (files === undefined || job.metadata.deletionTimestamp !== undefined) return [];
    const known = await files.read();
    const inputs = new Set(known?.tasks.map(({ input }) => input));
    const done = new Map<Digest, TaskOutcome>();
    if (![...open.keys()].some((input) => inputs.has(input))) return [];
    for (const outcome of await files.newOutcomes()) done.set(outcome.input, outcome);
    const taken: SliceEntry[] = [];
    for (const [input, entry] of [...open]) {
      if (!inputs.has(input)) continue;
      const outcome = done.get(input);
      if (
        outcome === undefined ? endOfJob(job) !== undefined : outcome.place.uploaded < this.#options.started
      )
        continue;
      open.delete(input);
      if (outcome === undefined) taken.push(entry);
      else this.#take(entry, outcome, undefined);
    }
    return taken;
  }

  async #followAdopted(job: KubeJob, entries: readonly SliceEntry[]): Promise<void> {
    const run = job.metadata.labels?.[LABEL.run] ?? '';
    this.#options.tell({
      code: 'adopted',
      message: `${entries.length === 1 ? '1 datum' : `${entries.length} datums`} of ${this.#work.stage.id} ${entries.length === 1 ? 'is' : 'are'} running already, in the Jobs of run ${run}`,
    });
    const files = this.#filesOf(job);
    if (files !== undefined) this.#after(await this.#follow(job, files, entries), entries);
  }

  async #runJob(slice: readonly SliceEntry[]): Promise<void> {
    const options = this.#options;
    const work = this.#work;
    const [first] = slice;
    if (first === undefined) return;
    await options.ensure(inputsOf(work, slice));
    const job = options.nextJob();
    const files = new JobFiles(options.store, options.run, job);
    const memory = work.stage.resources.memory[first.rung];
    const most = Math.min(options.workers, ...work.stage.resources.limit.values());
    const { batches, workers } = cutBatches(slice, { usualSeconds: this.#key.usualSeconds, workers: most });
    const { secrets: _, ...shared } = work;
    const plan: JobPlan = {
      version: options.version,
      run: options.run,
      job,
      stage: work.stage.id,
      code: this.#key.code,
      work: { ...shared, secretNames: work.stage.secrets },
      batches: batches.length,
      workers,
      memory,
      disk: work.stage.resources.disk,
    };
    await files.write(
      plan,
      batches.map((batch) => batch.map(taskOf)),
    );
    const manifest = jobManifest({
      name: this.#jobName(slice),
      plan,
      stage: work.stage,
      environment: options.environment,
      labels: { [LABEL.code]: this.#codeLabel, [LABEL.store]: options.storeLabel },
    });
    const created = await this.#create(manifest, slice);
    if (created !== undefined) this.#after(await this.#follow(created, files, slice), slice);
  }

  /** Creates a Job; where the name is taken by a live one its datums are followed there, and a finished one makes room. */
  async #create(
    manifest: object & { metadata: { name: string } },
    slice: readonly SliceEntry[],
  ): Promise<KubeJob | undefined> {
    const { jobs, signal, tell } = this.#options;
    for (let tried = 0; tried < 5; tried++) {
      const created = await jobs.create(manifest, signal);
      if (created !== 'taken') {
        for (const warning of created.warnings)
          tell({ code: 'cluster-warning', message: `the cluster warns: ${warning}` });
        return created.job;
      }
      const there = await jobs.find(manifest.metadata.name);
      if (there === undefined) continue;
      const open = new Map(slice.map((entry) => [entry.key.input, entry]));
      const entries = await this.#entriesOf(there, open);
      if (entries.length > 0) {
        await this.#followAdopted(there, entries);
        return undefined;
      }
      if (slice.every((entry) => entry.isSettled)) return undefined;
      await jobs.remove(there, REMOVE_WAIT_MS);
    }
    throw new Problem({
      code: 'job-name-taken',
      message: `the Job ${manifest.metadata.name} is there and doesn't go away`,
      hint: `Look at it: kubectl get job ${manifest.metadata.name}`,
      exit: EXIT.transient,
    });
  }

  async #follow(job: KubeJob, files: JobFiles, entries: readonly SliceEntry[]): Promise<JobEnd> {
    const { jobs, now, random, signal, tell, run, isDetached } = this.#options;
    this.#isStarted(...entries);
    const byInput = new Map(entries.map((entry) => [entry.key.input, entry]));
    const byId = new Map(entries.map((entry) => [entry.work.id, entry]));
    const listener: JobListener = {
      onOutcome: (outcome, pod) => {
        const entry = byInput.get(outcome.input);
        if (entry !== undefined && !entry.isSettled) this.#take(entry, outcome, pod);
      },
      onLog: ({ time, stream, text, datum }) => byId.get(datum)?.log({ time, stream, text }),
      onWorker: ({ running }) => {
        if (running !== undefined) byId.get(running.id)?.key.onStart();
      },
      onFinding: ({ code, message, hint }) =>
        tell({ code, message: `${this.#work.stage.id}: ${message}`, hint }),
      isDone: () => entries.every((entry) => entry.isSettled || entry.isAgain),
    };
    const scheduleMs = (this.#work.stage.scheduleTimeoutSeconds ?? DEFAULT_SCHEDULE_SECONDS) * 1000;
    try {
      const stage = this.#work.stage.id;
      return await followJob({ jobs, files, job, stage, listener, now, random, signal, scheduleMs });
    } catch (error) {
      if (signal.aborted && !isDetached() && job.metadata.labels?.[LABEL.run] === run)
        await jobs.remove(job, REMOVE_WAIT_MS);
      throw error;
    }
  }

  /** What a datum came to; one that ran out of memory goes on with more, where the stage has more. */
  #take(entry: SliceEntry, outcome: TaskOutcome, pod: Parameters<SliceEntry['settle']>[1]): void {
    const { memory } = this.#work.stage.resources;
    const ended = outcome.outcome;
    if (ended.state === 'failed' && ended.class === 'oom' && entry.rung + 1 < memory.length) {
      entry.rung += 1;
      entry.isAgain = true;
      this.#options.tell({
        code: 'more-memory',
        message: `${this.#work.stage.id} ${entry.work.id}: ${ended.message}; it runs again with more memory`,
      });
      return;
    }
    if (ended.state === 'failed' && PASSING.has(ended.class)) {
      entry.isAgain = true;
      return;
    }
    entry.settle(outcome, pod, memory[entry.rung]);
  }

  /** Puts back what has no outcome, or lets it fail. */
  #after(end: JobEnd, entries: readonly SliceEntry[]): void {
    for (const entry of entries) {
      if (entry.isSettled) continue;
      if (end.kind === 'ended' && !entry.isAgain) entry.tries += 1;
      const isOver = end.kind === 'ended' && (entry.tries >= TRIES || end.finding.then === 'stop');
      if (end.kind !== 'done' && (end.kind === 'stopped' || isOver)) {
        entry.failBy(end.finding);
        continue;
      }
      entry.isAgain = false;
      this.#open -= 1;
      this.#add(entry);
    }
  }

  #filesOf({ metadata: { labels = {} } }: KubeJob): JobFiles | undefined {
    const [run, job] = [labels[LABEL.run], labels[LABEL.job]];
    return run === undefined || job === undefined ? undefined : new JobFiles(this.#options.store, run, job);
  }

  get #codeLabel(): string {
    return this.#key.code.slice(0, 32);
  }

  #jobName(slice: readonly SliceEntry[]): string {
    const keys = slice.map(({ key, rung }) => `${key.input} ${key.attempt} ${rung}`).sort();
    return `${slug(this.#work.stage.id)}-${digestHex(`${this.#key.code}\n${keys.join('\n')}`).slice(0, 10)}`;
  }
}

/** Ends that say nothing of the datum. */
const PASSING: ReadonlySet<string> = new Set(['preempted', 'lost', 'cancelled']);

function taskOf({ work: { key: _, ...work }, key }: SliceEntry): DatumTask {
  return { work, input: key.input, deps: key.deps, attempt: key.attempt };
}

function* inputsOf({ code, broadcast }: StageWork, slice: readonly SliceEntry[]): Generator<SandboxFile> {
  yield* code;
  for (const dep of broadcast) yield* dep.files;
  for (const { work } of slice) for (const dep of work.deps) yield* dep.files;
}
