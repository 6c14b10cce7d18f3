import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { refused, type Problem } from '../model/problem.ts';

export interface LockRequest {
  /** `lockFileOf(workspace)`. */
  readonly file: string;
  /** What the others are told: `datawf repro clean`. */
  readonly command: string;
  /** Milliseconds since 1970; for messages only. */
  readonly now: () => number;
  /** How long to wait for another holder, ms. Default 3000. */
  readonly patience?: number;
  /** Called once when it starts to wait. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly signal?: AbortSignal;
}

/** Who holds the lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  /** Start, ISO 8601 in UTC. */
  readonly since: string;
}

/** Held until `release`, or until the process ends in any way. */
export interface ProcessLock {
  release(): void;
}

/** Makes this the one writing command of a work tree. A lock whose process is dead is taken over. Throws `locked` (exit 6) naming the holder. */
export async function acquireLock(request: LockRequest): Promise<ProcessLock> {
  const patience = request.patience ?? 3000;
  const end = performance.now() + patience;
  for (let told = false; ; told = true) {
    const got = attempt(request);
    if ('release' in got) return got;
    if (!told) request.onWait?.(got);
    const left = end - performance.now();
    if (left <= 0) throw locked(got, request.file);
    await pause(Math.min(50, left), request.signal);
  }
}

/** The lock if nobody holds it, without waiting. Cost: 0.2 ms. */
export function tryLock(request: LockRequest): ProcessLock | undefined {
  const got = attempt(request);
  return 'release' in got ? got : undefined;
}

/** What the file says. `token` is of one holding; `boot` and `start` tell a process from a later one with its pid. */
interface Holding extends LockHolder {
  readonly token: string;
  readonly boot: string;
  readonly start: string;
}

function attempt(request: LockRequest): ProcessLock | LockHolder {
  const mine = holdingOf(request);
  mkdirSync(dirname(request.file), { recursive: true });
  for (let tries = 0; ; tries++) {
    if (createWhole(request.file, mine)) return heldLock(request.file, mine.token);
    const other = readHolding(request.file);
    if (other === 'gone') continue;
    const isDead = other === 'damaged' || !isAlive(other);
    if (isDead && tries < 3 && breakLock(request.file, other, mine)) continue;
    return other === 'damaged' ? UNKNOWN : other;
  }
}

const UNKNOWN: LockHolder = { pid: 0, host: '?', command: 'an unreadable lock', since: '?' };

function holdingOf(request: LockRequest): Holding {
  return {
    pid: process.pid,
    host: hostname(),
    command: request.command,
    since: new Date(request.now()).toISOString(),
    token: randomUUID(),
    boot: bootOf(),
    start: startOf(process.pid) ?? '',
  };
}

/** Creates the file with its content at once; false where there is one. */
function createWhole(file: string, holding: Holding): boolean {
  const aside = `${file}.${holding.token}`;
  writeFileSync(aside, JSON.stringify(holding));
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Removes a dead holder's lock. A second lock (`….break`) sees to it that of several takers only one removes it, and only
 * the one that was looked at: otherwise a slow taker could remove the lock of a quick one.
 */
function breakLock(file: string, dead: Holding | 'damaged', mine: Holding): boolean {
  const breaking = `${file}.break`;
  if (!createWhole(breaking, mine)) {
    const breaker = readHolding(breaking);
    if (breaker !== 'gone' && (breaker === 'damaged' || !isAlive(breaker))) rmSync(breaking, { force: true });
    return true;
  }
  try {
    const now = readHolding(file);
    const isSame =
      now === dead || (typeof now === 'object' && typeof dead === 'object' && now.token === dead.token);
    if (isSame) rmSync(file, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
  return true;
}

function heldLock(file: string, token: string): ProcessLock {
  const release = (): void => {
    process.off('exit', release);
    const holding = readHolding(file);
    if (typeof holding === 'object' && holding.token === token) rmSync(file, { force: true });
  };
  process.on('exit', release);
  return { release };
}

function readHolding(file: string): Holding | 'gone' | 'damaged' {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  try {
    const value = JSON.parse(text) as Partial<Holding>;
    return typeof value.pid === 'number' && typeof value.token === 'string' && typeof value.host === 'string'
      ? (value as Holding)
      : 'damaged';
  } catch {
    return 'damaged';
  }
}

/** Whether the process that wrote it still runs. Of another machine that can't be known: it counts as alive. */
function isAlive(holding: Holding): boolean {
  if (holding.host !== hostname()) return true;
  if (holding.boot !== bootOf()) return false;
  try {
    process.kill(holding.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const start = startOf(holding.pid);
  return start === undefined || holding.start === '' || start === holding.start;
}

/** Which boot of the machine this is, '' where it doesn't tell. */
function bootOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** When a process started, in the kernel's ticks, so that a pid given anew isn't taken for the old one; undefined where it isn't told. Source: proc(5), field 22. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

function locked(holder: LockHolder, file: string): Problem {
  const isHere = holder.host === hostname();
  return refused(
    'locked',
    `${holder.command} (process ${holder.pid} on ${holder.host}, since ${holder.since}) is writing in this workspace`,
    isHere
      ? `Wait until it ends, or end it: kill ${holder.pid}`
      : `Wait until it ends. If that machine is gone for good, remove ${file}`,
  );
}
