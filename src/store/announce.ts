import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, Problem, refused } from '../model/problem.ts';
import type { Store } from './store.ts';

/*
 * How commands that write into a store that others write to, too, and a sweep of it stay out of each other's way. A push
 * relies on objects that are there already, so none of those may go before its ref names them; and no lock works alike on
 * folders of the net and on S3. So each side first says what it does, in a small file below runs/, and then looks for the
 * other's: whoever comes second sees the first. A writer waits for a sweep, a sweep gives way to writers.
 */

const WRITING = 'runs/writing/';
const SWEEP = 'runs/sweeping.json';
const BEAT_MS = 10_000;
/** A sign this old is left over from a crash; generous, since clocks of machines differ. */
const STALE_MS = 600_000;
const POLL_MS = 200;

/** Who says it. */
export interface Announcer {
  /** A ULID of its own. */
  readonly id: string;
  /** What others are told: `datawf push`. */
  readonly command: string;
  readonly host: string;
  readonly pid: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** Said until `close`, which never fails: a sign that stays counts for ten minutes at most. */
export interface Announcement {
  close(): Promise<void>;
}

/**
 * Says that a command is about to write into a shared store and may rely on what is there; call it before anything is looked
 * up, and close it when the refs are written. Waits for a sweep to end; throws `store-swept` (exit 5) where it takes over
 * `patience` milliseconds (a minute).
 */
export async function announceWriter(store: Store, me: Announcer, patience = 60_000): Promise<Announcement> {
  const name = `${WRITING}${me.id}.json`;
  await store.writeFile(name, signBytes(me), { replace: true });
  const announcement = keepSaying(store, name, me);
  try {
    for (let left = patience; ; left -= POLL_MS) {
      const sweep = await readSign(store, SWEEP, me);
      if (sweep === undefined) return announcement;
      if (left <= 0) throw swept(store, sweep);
      await pause(POLL_MS, undefined, me.signal === undefined ? {} : { signal: me.signal });
    }
  } catch (error) {
    await announcement.close();
    throw error;
  }
}

/**
 * Says that a shared store is being swept: writers that begin from now on wait. Throws `locked` (exit 6), and sweeps nothing,
 * while others write or sweep.
 */
export async function announceSweep(store: Store, me: Announcer): Promise<Announcement> {
  const other = await readSign(store, SWEEP, me);
  if (other !== undefined) throw busy(store, other);
  await store.removeFile(SWEEP);
  if (!(await store.writeFile(SWEEP, signBytes(me)))) throw busy(store, { name: SWEEP, ...UNKNOWN });
  const announcement = keepSaying(store, SWEEP, me);
  try {
    for (const name of await store.listFiles('runs/')) {
      if (!name.startsWith(WRITING) && !/^runs\/[0-9A-Z]{26}\/alive\.json$/.test(name)) continue;
      const writer = await readSign(store, name, me);
      if (writer !== undefined) throw busy(store, writer);
    }
    return announcement;
  } catch (error) {
    await announcement.close();
    throw error;
  }
}

interface Sign {
  readonly name: string;
  readonly command: string;
  readonly host: string;
  readonly pid: number;
  /** When it was last said, epoch milliseconds. */
  readonly time: number;
}

const UNKNOWN = { command: 'another command', host: '?', pid: 0, time: 0 };

function signBytes({ command, host, pid, now }: Announcer): Uint8Array {
  return Buffer.from(`${JSON.stringify({ command, host, pid, time: now() })}\n`);
}

/** Keeps a sign fresh that is there already. */
function keepSaying(store: Store, name: string, me: Announcer): Announcement {
  let beating: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // One that couldn't be written is said again ten seconds later; sixty in a row and it counts as gone.
    beating = beating
      .then(() => store.writeFile(name, signBytes(me), { replace: true }))
      .catch(() => undefined);
  }, BEAT_MS).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await beating;
      await store.removeFile(name).catch(() => undefined);
    },
  };
}

/** A sign that somebody still stands behind. */
async function readSign(store: Store, name: string, me: Announcer): Promise<Sign | undefined> {
  const bytes = await store.readFile(name);
  if (bytes === undefined) return undefined;
  const sign = { ...UNKNOWN, ...parse(bytes), name };
  const isOver = me.now() - sign.time > STALE_MS || (sign.host === me.host && !isThere(sign.pid));
  return isOver ? undefined : sign;
}

function parse(bytes: Uint8Array): Partial<Sign> {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as unknown;
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function swept(store: Store, sweep: Sign): Problem {
  return new Problem({
    code: 'store-swept',
    message: `${nameOf(sweep)} is clearing ${store.url} of what nobody needs`,
    hint: 'Try again when it has ended.',
    exit: EXIT.transient,
  });
}

function busy(store: Store, other: Sign): Problem {
  return refused(
    'locked',
    `${nameOf(other)} is writing to ${store.url}`,
    `Wait until it ends. If it is gone for good, remove ${other.name} there.`,
  );
}

function nameOf(sign: Sign): string {
  return `${sign.command} (process ${sign.pid} on ${sign.host})`;
}
