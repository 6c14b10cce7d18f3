import { readdirSync } from 'node:fs';
import { statFields, textOf } from './process-table.ts';

/** What the samples of one command came to; undefined where it ended before the first one, or without /proc. */
export interface Sampled {
  readonly cpuSeconds: number | undefined;
  /** Bytes. */
  readonly peakMemory: number | undefined;
}

/** Looks at running commands now and then. */
export interface Sampler {
  /**
   * Begins with a command by the id of its first process; the function ends it and answers. `seen` is told the peak so far,
   * in bytes, at each sample.
   */
  watch(pid: number, seen?: (peakMemory: number) => void): () => Sampled;
  close(): void;
}

const EVERY_MS = 250;
/** Linux reports times to programs in hundredths of a second on every machine (time(7)). */
const TICKS_PER_SECOND = 100;
const MOST_THREADS = 16;

interface Watched {
  cpuTicks: number;
  peak: number;
  readonly seen: ((peakMemory: number) => void) | undefined;
}

/**
 * Samples every 250 ms from /proc: memory is the sum over the command's processes or the largest one's own peak, CPU time
 * what was used up to the last sample. Node can't tell what an ended child used, so short commands have no figures; a
 * command's start costs nothing but an entry in a map.
 */
export function createSampler(): Sampler {
  const watched = new Map<number, Watched>();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    for (const [pid, so] of watched) {
      sampleTree(pid, so);
      if (so.cpuTicks >= 0) so.seen?.(so.peak);
    }
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return {
    watch: (pid, seen) => {
      watched.set(pid, { cpuTicks: -1, peak: 0, seen });
      timer ??= setInterval(tick, EVERY_MS).unref();
      return () => {
        const so = watched.get(pid);
        watched.delete(pid);
        if (so === undefined || so.cpuTicks < 0) return { cpuSeconds: undefined, peakMemory: undefined };
        return { cpuSeconds: so.cpuTicks / TICKS_PER_SECOND, peakMemory: so.peak };
      };
    },
    close: () => {
      clearInterval(timer);
      watched.clear();
    },
  };
}

function sampleTree(root: number, so: Watched): void {
  let ticks = 0;
  let resident = 0;
  let found = false;
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const fields = statFields(pid);
    if (fields === undefined) continue;
    found = true;
    // utime, stime, and those of the children it has waited for: proc(5) fields 14 to 17.
    for (let field = 11; field <= 14; field++) ticks += Number(fields[field] ?? 0);
    const status = textOf(`/proc/${pid}/status`);
    resident += kibibytes(status, 'VmRSS');
    so.peak = Math.max(so.peak, kibibytes(status, 'VmHWM'));
    pending.push(...childrenOf(pid));
  }
  if (!found) return;
  so.cpuTicks = Math.max(so.cpuTicks, ticks);
  so.peak = Math.max(so.peak, resident);
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function childrenOf(pid: number): readonly number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).slice(0, MOST_THREADS);
    return threads.flatMap((thread) =>
      textOf(`/proc/${pid}/task/${thread}/children`).split(' ').flatMap(pidOf),
    );
  } catch {
    return [];
  }
}

function pidOf(text: string): number[] {
  const pid = Number(text);
  return pid > 0 ? [pid] : [];
}
