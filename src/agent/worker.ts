import { heartbeatName } from '../history/record-names.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { AGENT_EXIT, type AgentEnv, type AgentStop } from '../run/agent-env.ts';
import { failedOutcome, notRun } from '../run/attempt.ts';
import type { JobPlan, TaskOutcome } from '../run/job-plan.ts';
import { createMask } from '../run/mask.ts';
import type { AttemptOutcome, StageSession } from '../run/runner.ts';
import type { Failure } from '../run/sandbox-fault.ts';
import type { DiskStore } from '../store/disk-store.ts';
import type { Store } from '../store/store.ts';
import { Claims } from './claims.ts';
import { Datums, type PreparedDatum } from './datums.ts';
import { checkVersion, diskFailure, inputFailure, lossOf, wrongUser } from './faults.ts';
import { Inputs } from './inputs.ts';
import { Ledger } from './ledger.ts';
import type { Hello, Leave } from './link.ts';
import type { LoopLink } from './loop-link.ts';
import { masked, resultOf } from './outcome.ts';
import { Outgoing } from './outgoing.ts';
import { patiently, type Patience } from './patience.ts';
import { openPodSession } from './pod-session.ts';
import { spaceOf } from './space.ts';

/** What a worker works with. */
export interface WorkerOptions {
  readonly env: AgentEnv;
  readonly version: string;
  readonly link: LoopLink;
  /** The one that is written, then the others that are read. */
  readonly stores: readonly [Store, ...Store[]];
  /** The pod's own, on the file system of the sandboxes. */
  readonly local: DiskStore;
  readonly sandboxes: string;
  readonly patience: Patience;
  readonly now: () => number;
  /** Aborted by SIGTERM, which comes when main has ended. */
  readonly terminated: AbortSignal;
}

const FLUSH_MS = 1_000;
const SHOW_MS = 3_000;
const BEAT_MS = 20_000;
const SPACE_MS = 1_000;
/** Datums whose outputs may be on their way while the next one runs. */
const MOST_SENDING = 4;

/** Stops of the Job by what a datum showed: no other datum fares better. */
const HOPELESS: ReadonlySet<string> = new Set(['command-not-found', 'not-executable', 'wrong-machine']);

/** One pod's way through a Job. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #plan: JobPlan;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #inputs: Inputs;
  readonly #outgoing: Outgoing;
  readonly #session: StageSession;
  /** Ends transfers and waiting. */
  readonly #end = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sending = new Set<Promise<void>>();
  #claims: Claims | undefined;
  #datums: Datums | undefined;
  #datumEnd = new AbortController();
  #running: { readonly id: string; readonly since: number } | undefined;
  #done = 0;
  #failure: { readonly error: unknown } | undefined;
  #failingSince: number | undefined;

  constructor(options: WorkerOptions, plan: JobPlan) {
    const { stores, local, link, sandboxes, now, env, patience } = options;
    this.#options = options;
    this.#plan = plan;
    this.#store = stores[0];
    this.#ledger = new Ledger({ store: stores[0], plan, pod: podTag(env.pod) });
    this.#inputs = new Inputs({ local, stores, patience });
    this.#outgoing = new Outgoing(`${local.folder}/out`, stores[0], patience);
    this.#session = openPodSession({
      plan,
      link,
      outgoing: this.#outgoing,
      stores,
      storeFolder: local.folder,
      sandboxes,
      now,
    });
  }

  async run(): Promise<Leave> {
    const { link, now, terminated, env, stores, patience } = this.#options;
    this.#watchEnds();
    const hello = await Promise.race([link.hello(), aborted(terminated)]);
    if (hello === undefined) return INTERRUPTED;
    this.#check(hello);
    const claims = await patiently(
      () => Claims.open({ store: stores[0], plan: this.#plan, index: env.index }),
      patience,
      terminated,
    );
    this.#claims = claims;
    const datums = new Datums({
      plan: this.#plan,
      claims,
      inputs: this.#inputs,
      now,
      signal: this.#end.signal,
    });
    this.#datums = datums;
    this.#beginTelling();
    await this.#show();
    await datums.shared();
    const stop = await this.#workThrough(datums, hello);
    await this.#settle();
    if (stop !== undefined) return { exit: AGENT_EXIT.stopJob, stop };
    return this.#isInterrupted ? INTERRUPTED : { exit: AGENT_EXIT.done };
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    // What is finished is kept, whatever stopped the rest.
    await this.#settle().catch(() => undefined);
    this.#end.abort();
    await this.#session.close();
  }

  get #isInterrupted(): boolean {
    const { link, terminated } = this.#options;
    return link.terminating.aborted || link.gone.aborted || terminated.aborted;
  }

  #check(hello: Hello): void {
    checkVersion("the loop in the command's container", hello.version, this.#options.version);
    const { uid } = this.#options.env;
    if (hello.uid !== uid) throw wrongUser(hello.uid, uid);
  }

  /** Takes no further datum after a SIGTERM; the one that runs has half of the grace period. */
  #watchEnds(): void {
    const { link, terminated, env } = this.#options;
    const soon = (): void => {
      this.#datums?.end();
      const half = setTimeout(() => this.#datumEnd.abort(), (env.graceSeconds * 1000) / 2);
      this.#timers.push(half.unref());
    };
    const now = (): void => {
      this.#datums?.end();
      this.#datumEnd.abort();
    };
    link.terminating.addEventListener('abort', soon, { once: true });
    link.gone.addEventListener('abort', now, { once: true });
    terminated.addEventListener('abort', now, { once: true });
  }

  /** Everything that is told now and then: results and logs, that this worker lives, that the run does. */
  #beginTelling(): void {
    const { now } = this.#options;
    const beat = async (): Promise<void> => {
      const bytes = Buffer.from(`${JSON.stringify({ time: now() })}\n`);
      await this.#store.writeFile(heartbeatName(this.#plan.run), bytes, { replace: true });
    };
    this.#timers.push(
      setInterval(() => void this.#flush(), FLUSH_MS),
      setInterval(() => void this.#show(), SHOW_MS),
      setInterval(() => void beat().catch(() => undefined), BEAT_MS),
    );
  }

  /** Runs datums until none is left, something failed for good, or the pod is to end; answers why the Job is to stop. */
  async #workThrough(datums: Datums, hello: Hello): Promise<AgentStop | undefined> {
    for (;;) {
      this.#throwFailure();
      if (this.#isInterrupted) return undefined;
      const datum = await datums.next();
      if (datum === undefined) return undefined;
      datums.lookAhead();
      const outcome = await this.#run(datum);
      this.#inputs.release(datum.files);
      if (outcome === undefined) return undefined;
      this.#keep(datum, outcome, hello);
      while (this.#sending.size > MOST_SENDING) await Promise.race(this.#sending);
      if (outcome.state === 'failed' && HOPELESS.has(outcome.code)) {
        const { code, message, hint } = outcome;
        return { code, message, ...(hint === undefined ? {} : { hint }) };
      }
    }
  }

  /** How a datum ended; undefined where the pod's end came in between, so that another pod runs it. */
  async #run(datum: PreparedDatum): Promise<AttemptOutcome | undefined> {
    const { link, now } = this.#options;
    const { work, attempt } = datum.task;
    if (datum.failure !== undefined) return this.#failed(inputFailure(datum.failure.error));
    this.#datumEnd = new AbortController();
    if (this.#isInterrupted) return undefined;
    this.#running = { id: work.id, since: now() };
    const space = this.#watchSpace();
    try {
      const log = (line: { time: number; stream: 'out' | 'err'; text: string }): void =>
        this.#ledger.log(datum.batch, { ...line, datum: work.id, attempt });
      const outcome = await this.#session.run(work, log, this.#datumEnd.signal);
      const tooMuch = space.end();
      if (tooMuch !== undefined) return this.#instead(outcome, tooMuch);
      if (link.isLost && !link.terminating.aborted && !this.#options.terminated.aborted)
        return this.#instead(outcome, lossOf(link.peakMemory, this.#plan.memory));
      if (outcome.state !== 'failed') return outcome;
      return outcome.class === 'cancelled' ? undefined : await masked(outcome, link);
    } finally {
      space.end();
      this.#running = undefined;
    }
  }

  /** Ends a datum whose sandbox grows beyond its limit, before the kubelet ends the pod without its logs. */
  #watchSpace(): { readonly end: () => Failure | undefined } {
    const { disk } = this.#plan;
    if (disk === undefined) return { end: () => undefined };
    let failure: Failure | undefined;
    const timer = setInterval(() => {
      const used = spaceOf(this.#options.sandboxes);
      if (used <= disk) return;
      failure ??= diskFailure(used, disk);
      this.#datumEnd.abort();
    }, SPACE_MS);
    return {
      end: () => {
        clearInterval(timer);
        return failure;
      },
    };
  }

  #failed(failure: Failure): AttemptOutcome {
    return failedOutcome(failure, notRun(this.#options.now()), createMask([]));
  }

  #instead(outcome: AttemptOutcome, failure: Failure): AttemptOutcome {
    this.#outgoing.drop();
    const stderr = outcome.state === 'failed' ? outcome.stderr : '';
    return failedOutcome(failure, { usage: outcome.usage, stderr }, createMask([]));
  }

  /** Sends what came of a datum on its way. */
  #keep(datum: PreparedDatum, outcome: AttemptOutcome, { uid }: Hello): void {
    const { env, now } = this.#options;
    const { node, pod, serviceAccount } = env;
    const { stage } = this.#plan.work;
    const made = { ...(stage.image === undefined ? {} : { image: stage.image }), sandbox: true };
    const { work, input, attempt } = datum.task;
    const told = (): TaskOutcome => {
      const { stageIn, staged } = datum;
      const place = { node, pod, serviceAccount, uid, stageIn, staged, uploaded: now() };
      return { id: work.id, input, attempt, outcome, made, place };
    };
    const sending = this.#outgoing
      .send(this.#end.signal)
      .then(() => {
        this.#ledger.end(datum.batch, told(), resultOf(datum, outcome, { run: this.#plan.run, made }));
        this.#done++;
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Waits until everything that is finished is in the store. */
  async #settle(): Promise<void> {
    await Promise.all(this.#sending);
    const { patience, terminated } = this.#options;
    await patiently(() => this.#ledger.flush(), patience, terminated);
    this.#throwFailure();
    await this.#show();
  }

  /** One of the flushes in between: a failure that passes is tried again with the next one, for a while. */
  async #flush(): Promise<void> {
    const { now, patience } = this.#options;
    try {
      await this.#ledger.flush();
      this.#failingSince = undefined;
    } catch (error) {
      this.#failingSince ??= now();
      const isOver = now() - this.#failingSince > patience.pauseMs * patience.tries;
      const mayPass = error instanceof Problem && error.exit === EXIT.transient;
      if (mayPass && !isOver) return;
      this.#failure ??= { error };
      this.#datumEnd.abort();
    }
  }

  async #show(): Promise<void> {
    const { env, now, link } = this.#options;
    const { index, pod, node } = env;
    const peak = link.peakMemory;
    const running = this.#running && { ...this.#running, ...(peak > 0 ? { peakMemory: peak } : {}) };
    try {
      await this.#claims?.show({
        index,
        pod,
        node,
        seen: now(),
        ...(running === undefined ? {} : { running }),
        done: this.#done,
      });
    } catch {
      // It is shown again in a moment.
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

const INTERRUPTED: Leave = {
  exit: AGENT_EXIT.interrupted,
  stop: { code: 'interrupted', message: 'the pod was told to end; another one of its index goes on' },
};

/** The random end of a pod's name, or all of it, as letters and digits. */
function podTag(pod: string): string {
  return (pod.split('-').at(-1) ?? '').replace(/[^0-9A-Za-z]/g, '') || '0';
}

/** Resolves when a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
