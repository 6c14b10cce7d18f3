import { once } from 'node:events';
import { runCommand, type CommandEnd } from './command.ts';
import { FRAME, frameBytes, frameReader, type Frame } from './command-frames.ts';
import type { HostedCommand, HostedEnd } from './hosted-commands.ts';
import { canSignal } from './process-table.ts';
import { createSampler } from './sampler.ts';

// The program that starts commands for datawf (hosted-commands.ts). When datawf is gone, also by `kill -9`, its pipe ends and
// the commands that still run are killed.
const sampler = createSampler();
const groups = new Set<number>();
const cancels = new Map<number, AbortController>();

function send(type: number, command: number, payload: Uint8Array | string): Promise<void> | undefined {
  if (process.stdout.write(frameBytes(type, command, payload))) return undefined;
  return once(process.stdout, 'drain').then(() => undefined);
}

async function host(command: number, hosted: HostedCommand): Promise<void> {
  const cancel = new AbortController();
  cancels.set(command, cancel);
  let usage: HostedEnd['usage'] = {};
  const end = await runCommand({
    argv: hosted.argv,
    cwd: hosted.cwd,
    env: hosted.env,
    timeoutMs: hosted.timeoutMs,
    graceMs: hosted.graceMs,
    own: hosted.own,
    signal: cancel.signal,
    write: (stream, chunk) => send(FRAME[stream], command, chunk),
    started: (group) => {
      groups.add(group);
      const endWatch = sampler.watch(group);
      void send(FRAME.started, command, String(group));
      return () => {
        groups.delete(group);
        usage = endWatch();
      };
    },
  });
  cancels.delete(command);
  void send(FRAME.end, command, JSON.stringify({ end: plainEnd(end), usage } satisfies HostedEnd));
}

function plainEnd(end: CommandEnd): HostedEnd['end'] {
  if (end.kind !== 'not-started') return end;
  const { code, message, path, syscall } = end.error;
  return { kind: 'not-started', error: { code, message, path, syscall } };
}

function take({ type, command, payload }: Frame): void {
  if (type === FRAME.start) void host(command, JSON.parse(payload.toString()) as HostedCommand);
  else if (type === FRAME.cancel) cancels.get(command)?.abort();
}

function leave(): void {
  for (const group of groups) canSignal(-group, 'SIGKILL');
  process.exit(0);
}

process.stdout.on('error', leave);
process.stdin.on('data', frameReader(take));
process.stdin.on('end', leave);
process.stdin.on('error', leave);
