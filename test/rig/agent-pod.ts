import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { unpackLines } from '../../src/history/record-text.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { LogRecord } from '../../src/model/run-record.ts';
import { SECRET_PREFIX, stagerEnv, type AgentConfig } from '../../src/run/agent-env.ts';
import { jobFolder, type DatumTask, type JobPlan, type TaskOutcome } from '../../src/run/job-plan.ts';
import { formatPlan, formatTasks, parseOutcomes } from '../../src/run/job-text.ts';
import type { DatumWork, Runner, SandboxFile, StageWork } from '../../src/run/runner.ts';
import { DiskStore } from '../../src/store/disk-store.ts';
import { digestHex } from '../../src/util/blake3.ts';
import type { RunnerRig } from './runner-rig.ts';

const AGENT = fileURLToPath(new URL('../../dist/bundle/agent/agent.js', import.meta.url));
/** Of package.json, as the build wrote it beside the agent. */
const AGENT_VERSION = '0.1.0';
const RUN = '01J00000000000000000000000';

/** A program with its output. */
export interface Program {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Exit code, or 128 and the signal's number, as a shell says it. */
  readonly ended: Promise<number>;
}

export interface PodOptions {
  readonly index?: number;
  readonly pod?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly graceSeconds?: number;
}

/** A Job of a test: its plan in a store, and pods that are two processes each. */
export class TestJob {
  readonly store: DiskStore;
  readonly plan: JobPlan;
  readonly #folder: string;
  readonly #programs: Program[] = [];
  #pods = 0;

  constructor(folder: string, plan: JobPlan) {
    this.#folder = folder;
    this.plan = plan;
    this.store = new DiskStore(`${folder}/remote`);
    this.store.prepare();
  }

  async write(batches: readonly (readonly DatumTask[])[]): Promise<void> {
    const folder = jobFolder(this.plan);
    for (const [number, tasks] of batches.entries())
      await this.store.writeFile(`${folder}/batches/${number}.ndjson`, Buffer.from(formatTasks(tasks)));
    await this.store.writeFile(`${folder}/plan.json`, Buffer.from(formatPlan(this.plan)));
  }

  /** Starts the two processes of a pod. */
  pod(options: PodOptions = {}): { readonly stager: Program; readonly loop: Program; readonly top: string } {
    const top = `${this.#folder}/pod-${this.#pods++}`;
    for (const part of ['in', 'ws', 'store']) mkdirSync(`${top}/${part}`, { recursive: true });
    const secrets = Object.entries(options.secrets ?? {}).map(([name, value]): [string, string] => [
      `${SECRET_PREFIX}${name}`,
      value,
    ]);
    return {
      top,
      stager: this.#start(['stager', top], this.#stagerEnv(options)),
      loop: this.#start(['loop', top], { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(secrets) }),
    };
  }

  /** Runs a pod to its end as a cluster does: the stager is told when main has ended. Answers main's exit code. */
  async runPod(options: PodOptions = {}): Promise<number> {
    const { stager, loop } = this.pod(options);
    const exit = await loop.ended;
    stager.child.kill('SIGTERM');
    await stager.ended;
    return exit;
  }

  async outcomes(): Promise<readonly TaskOutcome[]> {
    const outcomes: TaskOutcome[] = [];
    for (const name of await this.store.listFiles(`${jobFolder(this.plan)}/outcomes/`))
      outcomes.push(...parseOutcomes(Buffer.from((await this.store.readFile(name)) ?? []).toString()));
    return outcomes;
  }

  async logs(): Promise<readonly LogRecord[]> {
    const names = await this.store.listFiles(`logs/${this.plan.run}/`);
    const pieces = await Promise.all(names.map((name) => this.store.readFile(name)));
    return pieces.flatMap((bytes) => unpackLines(bytes ?? new Uint8Array()) as LogRecord[]);
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    for (const { child } of this.#programs) child.kill('SIGKILL');
    await Promise.all(this.#programs.map(({ ended }) => ended));
  }

  #stagerEnv({
    index = 0,
    pod,
    version = AGENT_VERSION,
    graceSeconds = 4,
  }: PodOptions): Record<string, string> {
    const { url } = this.store;
    const config: AgentConfig = {
      version,
      run: this.plan.run,
      job: this.plan.job,
      stores: [{ url, region: undefined, endpoint: undefined, pathStyle: true, ca: undefined }],
      uid: process.getuid?.() ?? 0,
      graceSeconds,
    };
    const entries = stagerEnv(config).flatMap((entry) =>
      'value' in entry ? [[entry.name, entry.value] as const] : [],
    );
    return {
      ...Object.fromEntries(entries),
      JOB_COMPLETION_INDEX: String(index),
      DATAWF_NAMESPACE: 'team',
      DATAWF_POD: pod ?? `job-${index}-abc${this.#pods}`,
      DATAWF_NODE: 'node-1',
      DATAWF_SERVICE_ACCOUNT: 'datawf-stage',
    };
  }

  #start(args: readonly string[], env: Record<string, string>): Program {
    const child = spawn(process.execPath, [AGENT, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'exit').then(([code, signal]) =>
      typeof code === 'number' ? code : signal === 'SIGKILL' ? 137 : 143,
    );
    const program = { child, stderr: () => stderr, ended };
    this.#programs.push(program);
    return program;
  }
}

export interface PlanOptions {
  readonly job: string;
  readonly batches?: number;
  readonly workers?: number;
  readonly disk?: number;
}

/** The plan of a Job for a stage. */
export function planOf(work: StageWork, { job, batches = 1, workers = 1, disk }: PlanOptions): JobPlan {
  const { secrets, ...rest } = work;
  return {
    version: AGENT_VERSION,
    run: RUN,
    job,
    stage: work.stage.id,
    code: digestHex('code') as Digest,
    work: { ...rest, secretNames: Object.keys(secrets) },
    batches,
    workers,
    memory: undefined,
    disk,
  };
}

export function taskOf(work: DatumWork, attempt = 1): DatumTask {
  return { work, input: digestHex(`input of ${work.id}`) as Digest, deps: undefined, attempt };
}

/** Runs each datum in a Job and a pod of its own, which are processes of this machine. */
export function createPodRunner(rig: RunnerRig, folder: string): Runner {
  let jobs = 0;
  const job = (work: StageWork): TestJob => {
    const name = `j${jobs++}`;
    return new TestJob(`${folder}/${name}`, planOf(work, { job: name }));
  };
  return {
    name: 'kubernetes',
    made: {},
    openStage: async (work) => ({
      run: async (datum, log) => {
        const files: SandboxFile[] = [];
        const stored = (file: SandboxFile): SandboxFile => {
          files.push(file);
          return { ...file, from: 'store' };
        };
        const deps = (of: DatumWork['deps']): DatumWork['deps'] =>
          of.map((dep) => ({ ...dep, files: dep.files.map(stored) }));
        const test = job({
          ...work,
          code: work.code.map(stored),
          broadcast: deps(work.broadcast),
        });
        await test.write([[taskOf({ ...datum, deps: deps(datum.deps) })]]);
        for (const { digest, path, from } of files)
          await test.store.putObject(
            digest,
            from === 'store' ? rig.store.objectPath(digest) : `${rig.root}/${path}`,
          );
        await test.runPod({ secrets: work.secrets });
        for (const { time, stream, text } of await test.logs()) log({ time, stream, text });
        const [told] = await test.outcomes();
        if (told === undefined) throw new Error('the pod told no outcome');
        if (told.outcome.state === 'ok') {
          for (const { digest } of told.outcome.outs)
            await rig.store.putObject(digest, test.store.objectPath(digest));
        }
        return told.outcome;
      },
      close: async () => undefined,
    }),
    close: async () => undefined,
  };
}
