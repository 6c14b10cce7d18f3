import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '../model/run-record.ts';

/** This process, for records that another one may read. Where there is no /proc only host and pid tell. About 0.1 ms. */
export function processIdentity(host: string): ProcessIdentity {
  return { host, pid: process.pid, boot: bootId(), started: startOf(process.pid) };
}

/**
 * Whether the process still lives; undefined where that can't be told: another host, or another container of this one.
 * A reboot since then means that it doesn't.
 */
export function isProcessAlive(identity: ProcessIdentity, here: ProcessIdentity): boolean | undefined {
  if (identity.host !== here.host) return undefined;
  const [kernel, space] = identity.boot.split(' ');
  const [kernelHere, spaceHere] = here.boot.split(' ');
  if (kernel !== kernelHere) return false;
  if (space !== spaceHere) return undefined;
  if (identity.started !== '') return startOf(identity.pid) === identity.started;
  return canSignal(identity.pid, 0);
}

/** Whether a signal reached a process (or, with a negative id, a group): false where there is none. */
export function canSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process group has a member that isn't a zombie. Reads the whole process table where a group answers at all. */
export function groupLives(group: number): boolean {
  if (!canSignal(-group, 0)) return false;
  const pids = allPids();
  if (pids.length === 0) return true;
  return pids.some((pid) => {
    const fields = statFields(pid);
    return fields?.[2] === String(group) && fields[0] !== 'Z' && fields[0] !== 'X';
  });
}

/** Kills the processes that stand in or below an absolute folder; the number of them. Reads the whole process table: milliseconds. */
export function endProcessesBelow(folder: string): number {
  let ended = 0;
  for (const pid of allPids()) {
    if (pid === process.pid) continue;
    const cwd = linkOf(`/proc/${pid}/cwd`);
    if (cwd !== folder && !cwd.startsWith(`${folder}/`)) continue;
    if (canSignal(pid, 'SIGKILL')) ended++;
  }
  return ended;
}

/** Kernel's boot and process-id space, '' without /proc: pids of another container mean nothing here. */
function bootId(): string {
  const kernel = textOf('/proc/sys/kernel/random/boot_id').trim();
  return kernel === '' ? '' : `${kernel} ${linkOf('/proc/self/ns/pid')}`;
}

function startOf(pid: number): string {
  return statFields(pid)?.[19] ?? '';
}

/** Fields of /proc/<pid>/stat from the third (state) on: proc(5) counts them from 1, so field n is at n - 3. */
export function statFields(pid: number): readonly string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  const end = text.lastIndexOf(')');
  return end < 0 ? undefined : text.slice(end + 2).split(' ');
}

function allPids(): readonly number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

/** Text of a file of /proc, '' where it is gone. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
