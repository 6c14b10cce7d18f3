import type { Digest } from '../model/digest.ts';
import type { ResultRecord } from '../model/result.ts';
import type { AttemptOutcome, CommandWork, DatumWork } from './runner.ts';

/**
 * What a command that plans hands to the pods of one Job and what they hand back, all through the store that the
 * environment writes (docs/kubernetes.md). Everything lies below `runs/<run>/jobs/<job>/`:
 *
 *     plan.json                    a JobPlan; create-only
 *     batches/<n>.ndjson           DatumTask a line, in the order in which they run; create-only
 *     claims/<n>                   index of the worker that took batch n; create-only, the conditional write decides
 *     outcomes/<n>-<m>.ndjson      TaskOutcome a line: the m-th flush of batch n; create-only
 *     workers/<index>.json         a WorkerState, replaced while the worker is alive
 *
 * `<job>` is letters and digits. Results go to `results/<code>/<run>-<job>b<n>p<pod>-<m>.ndjson`, log lines to
 * `logs/<run>/<stage>/<job>b<n>p<pod>-<m>.ndjson.gz`, where `<pod>` is the end of the pod's name, since another pod of the
 * index may have to finish a batch. In the order objects, results, logs, outcomes, so that whoever reads an outcome finds
 * what it names. job-text.ts has the texts.
 */
export interface JobPlan {
  /** Of datawf; an agent of another version refuses the plan. */
  readonly version: string;
  readonly run: string;
  readonly job: string;
  /** As in records: `name`, or `sub:name`. */
  readonly stage: string;
  readonly code: Digest;
  /** Without the values of secrets, which come to main by its environment: names only. All files are `from: 'store'`. */
  readonly work: Omit<CommandWork, 'secrets'> & { readonly secretNames: readonly string[] };
  readonly batches: number;
  readonly workers: number;
  /** Bytes; the command's limit in this Job, a rung of the stage's ladder. */
  readonly memory: number | undefined;
  /** Bytes that a sandbox may hold. */
  readonly disk: number | undefined;
}

/** Folder in the store of what belongs to a Job. */
export function jobFolder({ run, job }: { readonly run: string; readonly job: string }): string {
  return `runs/${run}/jobs/${job}`;
}

/** One datum of a batch, with the key that its result goes under. */
export interface DatumTask {
  readonly work: DatumWork;
  readonly input: Digest;
  /** Readable input half: kept beside the result so that `why` can compare. */
  readonly deps: ResultRecord['deps'];
  /** From 1. */
  readonly attempt: number;
}

/** Where and when a datum ran in a cluster; epoch milliseconds. */
export interface TaskPlace {
  readonly node: string;
  readonly pod: string;
  readonly serviceAccount: string;
  /** uid of the command. */
  readonly uid: number;
  /** When its inputs were asked for and were there, and when its outputs were durable in the store. */
  readonly stageIn: number;
  readonly staged: number;
  readonly uploaded: number;
}

/** How a datum of a batch ended. */
export interface TaskOutcome {
  readonly id: string;
  readonly input: Digest;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  readonly made: ResultRecord['made'];
  readonly place: TaskPlace;
}

/** What a worker tells while it is alive. */
export interface WorkerState {
  readonly index: number;
  readonly pod: string;
  readonly node: string;
  /** Epoch milliseconds by the worker's clock, at least every five seconds. */
  readonly seen: number;
  /** The datum that runs and since when, and the largest memory sampled of it so far, in bytes. */
  readonly running?: { readonly id: string; readonly since: number; readonly peakMemory?: number };
  readonly done: number;
}
