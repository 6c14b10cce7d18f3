import { chmodSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { connect as open, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_EXIT, formatStop, SECRET_PREFIX, type AgentStop } from '../run/agent-env.ts';
import { commandArgv } from '../run/command-env.ts';
import { frameBytes, frameReader, type Frame } from '../run/command-frames.ts';
import { runCommand, type CommandEnd } from '../run/command.ts';
import { WRONG_MACHINE } from '../run/failure.ts';
import { createMask, type Mask } from '../run/mask.ts';
import { createSampler } from '../run/sampler.ts';
import { readCounters } from './cgroup.ts';
import { LINK, readTexts, type Leave, type LoopCommand, type LoopEnd } from './link.ts';
import { isForOtherMachine } from './program-file.ts';

/** What the loop is started with. */
export interface LoopOptions {
  /** Absolute path of the stager's socket. */
  readonly socket: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the container's last words are kept, where there is such a file. */
  readonly lastWords: string | undefined;
  /** Whether all processes that can be seen are the commands': those left are killed whatever they did to get away. */
  readonly alone: boolean;
  /** Aborted by SIGTERM. */
  readonly terminating: AbortSignal;
  /** Milliseconds that the stager may take to listen. */
  readonly patienceMs: number;
}

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SAMPLE_MS = 500;
const RETRY_MS = 100;

/**
 * Runs the commands that the stager asks for, one after the other, until the stager says how to end; answers the exit code.
 * Without a stager that is `stagerLost`, and the command that runs is killed.
 */
export async function runLoop(options: LoopOptions): Promise<number> {
  const socket = await connect(options);
  if (socket === undefined) {
    return leave(options, {
      exit: AGENT_EXIT.stagerLost,
      stop: { code: 'stager-lost', message: `the stager did not answer at ${options.socket}` },
    });
  }
  return await new Loop(options, socket).run();
}

async function connect(options: LoopOptions): Promise<Socket | undefined> {
  for (let left = options.patienceMs; left > 0 && !options.terminating.aborted; left -= RETRY_MS) {
    const socket = open(options.socket);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return socket;
    await sleep(RETRY_MS);
  }
  return undefined;
}

function leave({ lastWords }: LoopOptions, { exit, stop }: Leave): number {
  if (lastWords !== undefined && stop !== undefined) note(lastWords, stop);
  return exit;
}

function note(file: string, stop: AgentStop): void {
  try {
    writeFileSync(file, formatStop(stop));
  } catch {
    // Nobody will read it, then.
  }
}

class Loop {
  readonly #options: LoopOptions;
  readonly #socket: Socket;
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #mask: Mask;
  readonly #sampler = createSampler();
  readonly #lost = new AbortController();
  #cancel = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #leave: Leave | undefined;

  constructor(options: LoopOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#secrets = secretsIn(options.env);
    this.#mask = createMask(this.#secrets.values());
  }

  async run(): Promise<number> {
    const socket = this.#socket;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // Both an end and an error close it.
    socket.on('error', () => undefined);
    socket.on(
      'data',
      frameReader((frame) => this.#take(frame)),
    );
    const { version, terminating } = this.#options;
    const { memoryLimit } = readCounters();
    void this.#send(LINK.hello, 0, JSON.stringify({ version, uid: process.getuid?.() ?? 0, memoryLimit }));
    const tell = (): void => void this.#send(LINK.terminating, 0, '');
    if (terminating.aborted) tell();
    terminating.addEventListener('abort', tell, { once: true });
    await closed;
    this.#lost.abort();
    this.#cancel.abort();
    await this.#running;
    this.#sampler.close();
    return leave(this.#options, this.#leave ?? STAGER_LOST);
  }

  #take({ type, command, payload }: Frame): void {
    if (type === LINK.start) {
      const asked = JSON.parse(payload.toString()) as LoopCommand;
      this.#running = this.#running
        .then(() => this.#execute(command, asked))
        .catch((error: unknown) => this.#giveUp(command, error));
    } else if (type === LINK.cancel) this.#cancel.abort();
    else if (type === LINK.mask) {
      const texts = readTexts(payload.toString()).map((text) => this.#mask.text(text));
      void this.#send(LINK.masked, 0, JSON.stringify(texts));
    } else if (type === LINK.leave) {
      this.#leave = JSON.parse(payload.toString()) as Leave;
      this.#socket.end();
    }
  }

  async #execute(command: number, asked: LoopCommand): Promise<void> {
    this.#cancel = new AbortController();
    if (this.#lost.signal.aborted) return;
    const before = readCounters();
    const { end, peakMemory, sampledCpu } = await this.#runCommand(command, asked);
    if (this.#options.alone) killAllOthers();
    openToGroup(asked.own);
    const after = readCounters();
    const cpuSeconds =
      after.cpuSeconds === undefined || before.cpuSeconds === undefined
        ? sampledCpu
        : after.cpuSeconds - before.cpuSeconds;
    const ended: LoopEnd = {
      end: plainEnd(end, asked, this.#env(asked)),
      usage: { cpuSeconds, peakMemory },
      memory: { ranOut: (after.oomKills ?? 0) > (before.oomKills ?? 0), limit: after.memoryLimit },
    };
    void this.#send(LINK.end, command, JSON.stringify(ended));
  }

  /** What should not happen is told as a command that couldn't be started. */
  #giveUp(command: number, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const ended: LoopEnd = {
      end: { kind: 'not-started', error: { message } },
      usage: {},
      memory: { ranOut: false, limit: undefined },
    };
    void this.#send(LINK.end, command, JSON.stringify(ended));
  }

  async #runCommand(command: number, asked: LoopCommand) {
    let peakMemory: number | undefined;
    let sampledCpu: number | undefined;
    const env = this.#env(asked);
    const text = { out: this.#textOf('out', command), err: this.#textOf('err', command) };
    const end = await runCommand({
      argv: commandArgv(asked.cmd, env),
      cwd: asked.cwd,
      env,
      timeoutMs: asked.timeoutMs,
      graceMs: asked.graceMs,
      own: asked.own,
      signal: this.#cancel.signal,
      write: (stream, chunk) => text[stream].write(chunk),
      started: (group) => {
        const endWatch = this.#sampler.watch(group, this.#samples(command));
        return () => {
          const sampled = endWatch();
          peakMemory = sampled.peakMemory === 0 ? undefined : sampled.peakMemory;
          sampledCpu = sampled.cpuSeconds;
        };
      },
    });
    void text.out.end();
    void text.err.end();
    return { end, peakMemory, sampledCpu };
  }

  /** The command's whole environment. */
  #env({ env, secretNames }: LoopCommand): Record<string, string> {
    const secrets = secretNames.flatMap((name) => {
      const value = this.#secrets.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return { ...env, ...Object.fromEntries(secrets), PATH: this.#options.env['PATH'] ?? USUAL_PATH };
  }

  /** Passes one stream on as masked text. */
  #textOf(stream: 'out' | 'err', command: number) {
    const decoder = new StringDecoder('utf8');
    const masking = this.#mask.stream();
    const send = (text: string): Promise<void> | undefined =>
      text === '' ? undefined : this.#send(LINK[stream], command, text);
    return {
      write: (chunk: Uint8Array) =>
        send(masking.write(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))),
      end: () => send(masking.write(decoder.end()) + masking.end()),
    };
  }

  #samples(command: number): (peakMemory: number) => void {
    let last = 0;
    return (peakMemory) => {
      const now = performance.now();
      if (now - last < SAMPLE_MS) return;
      last = now;
      void this.#send(LINK.sample, command, String(peakMemory));
    };
  }

  /** Answers a promise where the other side is slower, or gone. */
  #send(type: number, command: number, payload: string): Promise<void> | undefined {
    if (!this.#socket.writable || this.#socket.write(frameBytes(type, command, payload))) return undefined;
    return new Promise((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go).off('close', go);
        resolve();
      };
      this.#socket.once('drain', go).once('close', go);
    });
  }
}

const STAGER_LOST: Leave = {
  exit: AGENT_EXIT.stagerLost,
  stop: { code: 'stager-lost', message: 'the stager is gone, so that nothing could be kept any more' },
};

function secretsIn(env: LoopOptions['env']): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(SECRET_PREFIX) && value !== undefined)
      secrets.set(name.slice(SECRET_PREFIX.length), value);
  }
  return secrets;
}

function plainEnd(
  end: CommandEnd,
  asked: LoopCommand,
  env: Readonly<Record<string, string>>,
): LoopEnd['end'] {
  if (end.kind !== 'not-started') return end;
  const [program = ''] = commandArgv(asked.cmd, env);
  const { code, message } = end.error;
  const isOther = code === 'ENOENT' && isForOtherMachine(program, asked.cwd, env);
  return { kind: 'not-started', error: { message, code: isOther ? WRONG_MACHINE : code } };
}

/** Everything but this process and the container's first one, which reaps what is killed. */
function killAllOthers(): void {
  try {
    process.kill(-1, 'SIGKILL');
  } catch {
    // There is nobody.
  }
}

/** Lets the stager, another user of the same group, read and remove what the command left. */
function openToGroup(folder: string): void {
  for (const name of ['work', 'home', 'temp']) openFolder(`${folder}/${name}`);
}

function openFolder(folder: string): void {
  try {
    const user = process.getuid?.();
    const stat = lstatSync(folder);
    if (!stat.isDirectory()) return;
    if (stat.uid === user && (stat.mode & 0o770) !== 0o770) chmodSync(folder, stat.mode | 0o770);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) openFolder(path);
      else if (entry.isFile()) openFile(path, user);
    }
  } catch {
    // Not this user's, or gone: the stager will say what it can't read.
  }
}

function openFile(file: string, user: number | undefined): void {
  const stat = lstatSync(file);
  if (stat.uid === user && (stat.mode & 0o040) === 0) chmodSync(file, stat.mode | 0o040);
}
