import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FRAME, frameBytes, frameReader, type Frame } from './command-frames.ts';
import type { CommandEnd, CommandSpec } from './command.ts';
import { canSignal } from './process-table.ts';
import type { Sampled } from './sampler.ts';

/** A command as the host is told of it; see `CommandSpec`. */
export type HostedCommand = Omit<CommandSpec, 'signal' | 'write' | 'started'>;

/** How it ended, as the host tells. */
export interface HostedEnd {
  readonly end:
    | Exclude<CommandEnd, { kind: 'not-started' }>
    | { readonly kind: 'not-started'; readonly error: Partial<NodeJS.ErrnoException> };
  readonly usage: Partial<Sampled>;
}

/** What a caller waits for. */
export interface CommandRun extends HostedCommand {
  readonly signal: AbortSignal;
  readonly write: (stream: 'out' | 'err', chunk: Uint8Array) => void;
}

/** How a command ended and what it used. */
export interface CommandEnded {
  readonly end: CommandEnd;
  readonly usage: Sampled;
  /** Where it had a memory of its own to itself (a container's): what is known of that. */
  readonly memory?: OwnMemory;
}

/** The memory that a command had to itself. */
export interface OwnMemory {
  /** Whether the kernel killed one of its processes for want of it, whatever the end looks like. */
  readonly ranOut: boolean;
  /** Bytes; undefined where there is no limit. */
  readonly limit: number | undefined;
}

/** Runs commands in a process of their own. */
export interface Commands {
  /** As `runCommand`. Never rejects. */
  run(command: CommandRun): Promise<CommandEnded>;
  /** Begins to start the host, which else the first command waits for (40 ms). */
  prepare(): void;
  close(): void;
}

/** The compiled program; from the sources (tests) the one that the build made. */
const HOST = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/run/command-host.js' : './command-host.js',
    import.meta.url,
  ),
);

/**
 * Commands started by one small Node process, the host. Starting a process costs in proportion to the memory of whoever does
 * it, since fork copies its page tables: 1.3 ms with the host's 50 MB, 5 ms with 150 MB and 10 ms with 250 MB, which a plan of many datums
 * has; and the one thread that plans is spared it. The host also kills the commands left when datawf is gone. It is started
 * once a run, in a session of its own, so that a Ctrl-C at the terminal reaches datawf only.
 */
export function createHostedCommands(node: string): Commands {
  let host: Host | undefined;
  const opened = (): Host => (host ??= new Host(node));
  return {
    run: (command) => opened().run(command),
    prepare: () => void opened(),
    close: () => {
      host?.close();
      host = undefined;
    },
  };
}

interface Waiting {
  readonly command: CommandRun;
  group: number | undefined;
  readonly resolve: (ended: CommandEnded) => void;
}

const NO_USAGE: Sampled = { cpuSeconds: undefined, peakMemory: undefined };

class Host {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #gone: Error | undefined;

  constructor(node: string) {
    this.#child = spawn(node, [HOST], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
    });
    this.#child.on('error', (error) => this.#lose(error));
    this.#child.on('close', (code, signal) =>
      this.#lose(new Error(`the process that starts commands ended (${signal ?? `exit ${code ?? 0}`})`)),
    );
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on(
      'data',
      frameReader((frame) => this.#take(frame)),
    );
    this.#hold(false);
  }

  run(command: CommandRun): Promise<CommandEnded> {
    if (command.signal.aborted) return Promise.resolve({ end: { kind: 'cancelled' }, usage: NO_USAGE });
    return new Promise((resolve) => {
      if (this.#gone !== undefined) {
        resolve(notStarted(this.#gone));
        return;
      }
      const number = this.#next++;
      const cancel = (): void => this.#send(FRAME.cancel, number, '');
      command.signal.addEventListener('abort', cancel, { once: true });
      this.#hold(true);
      this.#waiting.set(number, {
        command,
        group: undefined,
        resolve: (ended) => {
          command.signal.removeEventListener('abort', cancel);
          this.#waiting.delete(number);
          this.#hold(this.#waiting.size > 0);
          resolve(ended);
        },
      });
      const { argv, cwd, env, timeoutMs, graceMs, own } = command;
      this.#send(FRAME.start, number, JSON.stringify({ argv, cwd, env, timeoutMs, graceMs, own }));
    });
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #send(type: number, number: number, payload: string): void {
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(frameBytes(type, number, payload));
  }

  #take({ type, command, payload }: Frame): void {
    const waiting = this.#waiting.get(command);
    if (waiting === undefined) return;
    if (type === FRAME.out) waiting.command.write('out', payload);
    else if (type === FRAME.err) waiting.command.write('err', payload);
    else if (type === FRAME.started) waiting.group = Number(payload.toString());
    else if (type === FRAME.end) waiting.resolve(endedOf(JSON.parse(payload.toString()) as HostedEnd));
  }

  /** Nobody watches over the running commands any more: they end, and their callers learn why. */
  #lose(why: Error): void {
    this.#gone ??= why;
    for (const { group, resolve } of [...this.#waiting.values()]) {
      if (group !== undefined) canSignal(-group, 'SIGKILL');
      resolve(notStarted(this.#gone));
    }
  }

  /** An idle host keeps nobody from ending. */
  #hold(isBusy: boolean): void {
    const sockets = [this.#child.stdin, this.#child.stdout] as unknown as readonly (Socket | null)[];
    for (const one of [this.#child, ...sockets]) {
      if (isBusy) one?.ref();
      else one?.unref();
    }
  }
}

function notStarted(error: Error): CommandEnded {
  return { end: { kind: 'not-started', error }, usage: NO_USAGE };
}

function endedOf({ end, usage }: HostedEnd): CommandEnded {
  const used = { ...NO_USAGE, ...usage };
  if (end.kind !== 'not-started') return { end, usage: used };
  const { message = '', ...rest } = end.error;
  return { end: { kind: 'not-started', error: Object.assign(new Error(message), rest) }, usage: used };
}
