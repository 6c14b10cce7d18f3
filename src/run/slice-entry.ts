import type { TaskOutcome } from './job-plan.ts';
import { containerOf } from './kube-jobs.ts';
import type { KubePod } from './kube-objects.ts';
import type { PodFinding } from './pod-finding.ts';
import type { AttemptOutcome, AttemptPlace, DatumKey, DatumWork, LogLine } from './runner.ts';

interface Ends {
  readonly log: (line: LogLine) => void;
  readonly resolve: (outcome: AttemptOutcome) => void;
  readonly reject: (error: Error) => void;
  readonly now: () => number;
}

/** A datum that waits for its outcome from a Job. */
export class SliceEntry {
  readonly work: DatumWork;
  readonly key: DatumKey;
  /** Bytes that it reads. */
  readonly bytes: number;
  /** Of the stage's memory ladder. */
  rung = 0;
  /** Jobs that ended without a word of it. */
  tries = 0;
  /** It is to run again in a Job to come. */
  isAgain = false;
  isSettled = false;
  onSettled: () => void = () => undefined;
  readonly #ends: Ends;

  constructor(work: DatumWork, ends: Ends) {
    if (work.key === undefined) throw new Error(`${work.id} came without a key`);
    this.work = work;
    this.key = work.key;
    this.bytes = work.deps.reduce((sum, dep) => dep.files.reduce((all, file) => all + file.size, sum), 0);
    this.#ends = ends;
  }

  log(line: LogLine): void {
    if (this.isSettled) return;
    this.key.onStart();
    this.#ends.log(line);
  }

  /** It ended in a pod, which is undefined where it is out of view. `memory`: bytes of its limit. */
  settle(task: TaskOutcome, pod: KubePod | undefined, memory: number | undefined): void {
    this.key.onStart();
    const place = placeOf(task, pod, memory);
    this.#end(() => this.#ends.resolve({ ...task.outcome, elsewhere: { place, made: task.made } }));
  }

  /** Nothing can come of its Job. */
  failBy({ class: kind, code, message, hint }: PodFinding): void {
    const { now } = this.#ends;
    const usage = noUsage(now());
    this.#end(() =>
      this.#ends.resolve({
        state: 'failed',
        class: kind,
        code,
        message,
        hint,
        stderr: '',
        usage,
        retry: false,
      }),
    );
  }

  cancel(): void {
    const usage = noUsage(this.#ends.now());
    const message = 'the run was stopped';
    this.#end(() =>
      this.#ends.resolve({
        state: 'failed',
        class: 'cancelled',
        code: 'cancelled',
        message,
        stderr: '',
        usage,
        retry: false,
      }),
    );
  }

  fail(error: unknown): void {
    this.#end(() => this.#ends.reject(error instanceof Error ? error : new Error(String(error))));
  }

  #end(tell: () => void): void {
    if (this.isSettled) return;
    this.isSettled = true;
    tell();
    this.onSettled();
  }
}

function noUsage(now: number): AttemptOutcome['usage'] {
  return { started: now, ended: now, cpuSeconds: undefined, peakMemory: undefined, bytesIn: 0, bytesOut: 0 };
}

function placeOf(
  { place, made }: TaskOutcome,
  pod: KubePod | undefined,
  memory: number | undefined,
): AttemptPlace {
  const scheduled = pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime;
  const main = pod === undefined ? undefined : containerOf(pod, 'main');
  const pulled = main?.state?.running?.startedAt ?? main?.state?.terminated?.startedAt;
  const image = imageDigest(main?.imageID) ?? made.image;
  return {
    node: place.node,
    pod: place.pod,
    serviceAccount: place.serviceAccount,
    uid: place.uid,
    ...(image === undefined ? {} : { image }),
    ...(memory === undefined ? {} : { memory }),
    times: {
      ...(scheduled === undefined ? {} : { scheduled: Date.parse(scheduled) }),
      ...(pulled === undefined ? {} : { pulled: Date.parse(pulled) }),
      stageIn: place.stageIn,
      staged: place.staged,
      uploaded: place.uploaded,
    },
  };
}

/** `sha256:…` of what a runtime calls an image. */
function imageDigest(imageId: string | undefined): string | undefined {
  return /sha256:[0-9a-f]{64}/.exec(imageId ?? '')?.[0];
}
