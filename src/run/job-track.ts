import { EXIT, Problem } from '../model/problem.ts';
import { watchCollection } from './job-watch.ts';
import type { JobFiles, JobLogLine } from './job-files.ts';
import type { TaskOutcome, WorkerState } from './job-plan.ts';
import { endOfJob, podSelector, type KubeJobs } from './kube-jobs.ts';
import type { KubeJob, KubePod } from './kube-objects.ts';
import { pause } from './pause.ts';
import { jobEndFinding, jobFinding, podFinding } from './pod-failure.ts';
import type { PodFinding } from './pod-finding.ts';

/** Who hears of what happens in a Job. */
export interface JobListener {
  /** `pod` is the one it ran in, where it is still in view. */
  onOutcome(outcome: TaskOutcome, pod: KubePod | undefined): void;
  onLog(line: JobLogLine): void;
  onWorker(state: WorkerState): void;
  /** Something is told once: a wait, a pod that goes on elsewhere. */
  onFinding(finding: PodFinding): void;
  /** Nothing of this Job is waited for any more. */
  isDone(): boolean;
}

export interface JobTrackOptions {
  readonly jobs: KubeJobs;
  readonly files: JobFiles;
  readonly job: KubeJob;
  readonly stage: string;
  readonly listener: JobListener;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds that a Job may be without any running pod. */
  readonly scheduleMs: number;
}

/** How following a Job ended: all that was waited for has an outcome, or why the rest will have none. */
export type JobEnd =
  { readonly kind: 'done' } | { readonly kind: 'ended' | 'stopped'; readonly finding: PodFinding };

const POLL_MS = 1_000;
const WORKERS_MS = 5_000;
const LOOK_MS = 3_000;
const CONFIRM_MS = 8_000;
const WAKE_MS = 30_000;
const REMOVE_WAIT_MS = 15_000;

/**
 * Follows a Job until all datums that somebody waits for have an outcome, or it ended without. Outcomes and logs come from the store
 * each second; Job and pods are watched for what went wrong. Raises `cancelled-elsewhere` (exit 130) where the Job is deleted.
 */
export async function followJob(options: JobTrackOptions): Promise<JobEnd> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const track = new JobTrack(options);
  const watches = Promise.all([track.watchJob(signal), track.watchPods(signal)]);
  // Raised below, when both have ended; the track may end first.
  const failed = watches.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => Promise.reject(error as Error),
  );
  failed.catch(() => undefined);
  try {
    return await Promise.race([track.follow(signal), failed]);
  } finally {
    stop.abort();
    await watches.catch(() => undefined);
  }
}

class JobTrack {
  readonly #options: JobTrackOptions;
  #job: KubeJob;
  #isDeleted = false;
  #pods: ReadonlyMap<string, KubePod> = new Map();
  readonly #knownPods = new Map<string, KubePod>();
  readonly #told = new Set<string>();
  readonly #firstSeen = new Map<string, number>();
  readonly #lost = new Set<string>();
  #last: PodFinding | undefined;
  #waitsSince: number | undefined;
  #lookedAt = 0;
  #workersAt = 0;
  #wokenAt: number;

  constructor(options: JobTrackOptions) {
    this.#options = options;
    this.#job = options.job;
    this.#wokenAt = options.now();
  }

  async watchJob(signal: AbortSignal): Promise<void> {
    const { jobs, now, random, job } = this.#options;
    await watchCollection<KubeJob>({
      api: jobs.api,
      path: `/apis/batch/v1/namespaces/${jobs.namespace}/jobs`,
      fieldSelector: `metadata.name=${job.metadata.name}`,
      now,
      random,
      signal,
      onChange: (items) => {
        const found = items.get(job.metadata.uid);
        this.#isDeleted = found === undefined || found.metadata.deletionTimestamp !== undefined;
        if (found !== undefined) this.#job = found;
      },
    });
  }

  async watchPods(signal: AbortSignal): Promise<void> {
    const { jobs, now, random, job } = this.#options;
    await watchCollection<KubePod>({
      api: jobs.api,
      path: `/api/v1/namespaces/${jobs.namespace}/pods`,
      labelSelector: podSelector(job),
      now,
      random,
      signal,
      onChange: (items, changed) => {
        this.#pods = items;
        for (const pod of changed === undefined ? items.values() : [changed])
          this.#knownPods.set(pod.metadata.name, pod);
      },
    });
  }

  async follow(signal: AbortSignal): Promise<JobEnd> {
    const { now, listener } = this.#options;
    for (;;) {
      const began = now();
      // Looked at before the store is: what ended has written all it had to say.
      const end = endOfJob(this.#job);
      const isDeleted = this.#isDeleted;
      await this.#takeIn();
      if (listener.isDone()) return { kind: 'done' };
      if (isDeleted && end === undefined) throw cancelledElsewhere(this.#options.files.run);
      if (end !== undefined || isDeleted) return { kind: 'ended', finding: this.#endFinding() };
      const finding = await this.#look();
      if (finding !== undefined) {
        await this.#options.jobs.remove(this.#job, REMOVE_WAIT_MS);
        await this.#takeIn();
        return { kind: 'stopped', finding };
      }
      await pause(Math.max(50, POLL_MS - (now() - began)), signal);
      signal.throwIfAborted();
    }
  }

  /** Brings what the pods wrote since: outcomes are told after the logs that they stand for. */
  async #takeIn(): Promise<void> {
    const { files, listener, stage, now } = this.#options;
    const outcomes = await files.newOutcomes();
    for (const line of await files.newLogs(stage)) listener.onLog(line);
    if (now() - this.#workersAt >= WORKERS_MS) {
      this.#workersAt = now();
      for (const state of await files.workers()) listener.onWorker(state);
    }
    for (const outcome of outcomes) listener.onOutcome(outcome, this.#knownPods.get(outcome.place.pod));
  }

  #endFinding(): PodFinding {
    for (const pod of this.#knownPods.values()) this.#noteEnd(pod);
    if (this.#last?.then === 'stop') return this.#last;
    const own = jobEndFinding(this.#job);
    if (own?.then === 'stop') return own;
    return (
      this.#last ??
      own ?? {
        class: 'lost',
        code: 'no-outcome',
        message: 'the Job ended without a word of this datum',
        hint: 'Run the same command again.',
        then: 'again',
      }
    );
  }

  /** Looks at what is wrong; answers what nothing can come of. */
  async #look(): Promise<PodFinding | undefined> {
    const { now } = this.#options;
    if (now() - this.#lookedAt < LOOK_MS) return undefined;
    this.#lookedAt = now();
    const pods = [...this.#pods.values()];
    for (const pod of this.#knownPods.values()) this.#noteEnd(pod);
    let isWaiting = pods.every(({ status }) => status?.phase !== 'Running');
    for (const pod of pods) {
      const { phase } = pod.status ?? {};
      if (phase === 'Running' || phase === 'Succeeded') continue;
      const finding = podFinding(pod, phase === 'Pending' ? await this.#eventsOf(pod) : []);
      const verdict = finding === undefined ? undefined : this.#judge(finding, pod.metadata.uid);
      if (verdict !== undefined) return verdict;
    }
    if (pods.length === 0) {
      const finding = jobFinding(await this.#options.jobs.events(this.#job.metadata.uid));
      const verdict = finding === undefined ? undefined : this.#judge(finding, 'job');
      if (verdict !== undefined) return verdict;
      if (finding?.code === 'quota') await this.#wake();
    }
    isWaiting &&= this.#last?.then === 'wait';
    this.#waitsSince = isWaiting ? (this.#waitsSince ?? now()) : undefined;
    if (this.#waitsSince === undefined || this.#last === undefined) return undefined;
    if (now() - this.#waitsSince < this.#options.scheduleMs) return undefined;
    return {
      ...this.#last,
      message: `${this.#last.message}; given up after ${Math.round(this.#options.scheduleMs / 1000)} s (schedule_timeout)`,
    };
  }

  /** Tells of a pod that ended otherwise than it should, once. */
  #noteEnd(pod: KubePod): void {
    const { uid } = pod.metadata;
    if (pod.status?.phase !== 'Failed' || this.#lost.has(uid)) return;
    this.#lost.add(uid);
    const finding = podFinding(pod, []);
    if (finding === undefined) return;
    this.#last = finding;
    if (finding.then === 'elsewhere') this.#options.listener.onFinding(finding);
  }

  #judge(finding: PodFinding, about: string): PodFinding | undefined {
    const { now, listener } = this.#options;
    this.#last = finding;
    if (finding.then === 'stop') return finding;
    if (finding.then === 'wait' || finding.then === 'confirm') {
      if (!this.#told.has(finding.code)) listener.onFinding(finding);
      this.#told.add(finding.code);
    }
    if (finding.then !== 'confirm') return undefined;
    const key = `${about} ${finding.code}`;
    const first = this.#firstSeen.get(key);
    if (first === undefined) this.#firstSeen.set(key, now());
    return first !== undefined && now() - first >= CONFIRM_MS ? finding : undefined;
  }

  async #eventsOf(pod: KubePod) {
    const isYoung = this.#options.now() - Date.parse(pod.metadata.creationTimestamp ?? '') < LOOK_MS;
    return isYoung ? [] : await this.#options.jobs.events(pod.metadata.uid);
  }

  /** The controller waits up to a minute before it asks again; a change has it look at once. */
  async #wake(): Promise<void> {
    const { now, jobs } = this.#options;
    if (now() - this.#wokenAt < WAKE_MS) return;
    this.#wokenAt = now();
    await jobs.wake(this.#job, new Date(now()).toISOString());
  }
}

function cancelledElsewhere(run: string): Problem {
  return new Problem({
    code: 'cancelled-elsewhere',
    message: `the Jobs of run ${run} were deleted from outside`,
    hint: 'Somebody cancelled them. What is finished is kept: run the same command again to go on.',
    exit: EXIT.interrupted,
  });
}
