import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { canSignal, endProcessesBelow, groupLives } from './process-table.ts';

/** One command to execute. */
export interface CommandSpec {
  /** Program and arguments; a program without `/` is looked up in the PATH of `env`. */
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  /** Takes output; where it answers a promise, the stream waits for it. */
  readonly write: (stream: 'out' | 'err', chunk: Uint8Array) => Promise<void> | undefined;
  /** Called with the id of its process group; the answer is called when the group has ended. */
  readonly started: (group: number) => () => void;
  /** Absolute folder that only this command works in: processes that stay there when it has ended are killed. */
  readonly own: string | undefined;
}

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: 'exit'; readonly exit: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'not-started'; readonly error: NodeJS.ErrnoException };

/** How long to wait for output that a process outside the group still holds open. */
const HELD_OUTPUT_MS = 500;

/**
 * Runs a command in a process group of its own, without input. When it resolves the whole group has ended, also what the
 * command left running, and all its output is delivered. Never rejects.
 */
export async function runCommand(spec: CommandSpec): Promise<CommandEnd> {
  if (spec.signal.aborted) return { kind: 'cancelled' };
  const [program = '', ...args] = spec.argv;
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    return { kind: 'not-started', error: error as NodeJS.ErrnoException };
  }
  const pid = child.pid;
  if (pid === undefined) return { kind: 'not-started', error: await failureOf(child) };
  return watchCommand(spec, child, pid);
}

function failureOf(child: ChildProcess): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => child.once('error', (error) => resolve(error)));
}

async function watchCommand(spec: CommandSpec, child: ChildProcess, group: number): Promise<CommandEnd> {
  const ended = spec.started(group);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  deliver(child.stdout, (chunk) => spec.write('out', chunk));
  deliver(child.stderr, (chunk) => spec.write('err', chunk));
  const stopper = createStopper(spec, group);
  const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
    (resolve) => child.once('exit', (exit, by) => resolve({ code: exit, signal: by })),
  );
  await stopper.settle();
  await drain(spec, child, closed);
  ended();
  if (stopper.reason !== undefined) return { kind: stopper.reason };
  return signal === null ? { kind: 'exit', exit: code ?? 0 } : { kind: 'signal', signal };
}

function deliver(stream: Readable | null, write: (chunk: Uint8Array) => Promise<void> | undefined): void {
  stream?.on('data', (chunk: Uint8Array) => {
    const full = write(chunk);
    if (full === undefined) return;
    stream.pause();
    void full.then(() => stream.resume());
  });
}

interface Stopper {
  /** Why the group was told to end, if it was. */
  readonly reason: 'timeout' | 'cancelled' | undefined;
  /** After the command's own end: ends what it left running and waits until that is gone. */
  settle(): Promise<void>;
}

function createStopper(spec: CommandSpec, group: number): Stopper {
  let reason: 'timeout' | 'cancelled' | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let graceOver = false;
  const stop = (why: 'timeout' | 'cancelled'): void => {
    if (reason !== undefined) return;
    reason = why;
    canSignal(-group, 'SIGTERM');
    deadline = setTimeout(() => {
      graceOver = true;
      canSignal(-group, 'SIGKILL');
    }, spec.graceMs);
  };
  const onAbort = (): void => stop('cancelled');
  const timer = spec.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), spec.timeoutMs);
  spec.signal.addEventListener('abort', onAbort, { once: true });
  return {
    get reason() {
      return reason;
    },
    settle: async () => {
      clearTimeout(timer);
      spec.signal.removeEventListener('abort', onAbort);
      // One that was told to end may still tidy up after its shell has gone.
      while (reason !== undefined && !graceOver && groupLives(group)) await sleep(5);
      clearTimeout(deadline);
      if (!canSignal(-group, 'SIGKILL')) return;
      for (let wait = 1; wait <= 64 && groupLives(group); wait *= 2) await sleep(wait);
    },
  };
}

/** Waits for the end of the output; a process that left the group may hold it open for ever. */
async function drain(spec: CommandSpec, child: ChildProcess, closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), HELD_OUTPUT_MS);
  });
  const held = await Promise.race([closed, late]);
  clearTimeout(timer);
  if (held !== true) return;
  if (spec.own !== undefined) endProcessesBelow(spec.own);
  child.stdout?.destroy();
  child.stderr?.destroy();
  await closed;
}
