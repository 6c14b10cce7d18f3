import type { FileColumns } from './file-columns.ts';

/** Work on many files in shared memory: runs of neighbouring files, counters that hand them out, and the results. */
export interface SharedJobs {
  readonly columns: Omit<FileColumns, 'paths'>;
  /** Index of each run's first file. */
  readonly firsts: Float64Array;
  /** Where each run's paths end in `names`, which holds them as UTF-8 with NULs between. */
  readonly ends: Float64Array;
  readonly names: Uint8Array;
  /** By `CONTROL`; behind it, per thread, how many runs of its share are taken. */
  readonly control: Int32Array;
  /** Per thread files and bytes done. */
  readonly done: Float64Array;
}

export const CONTROL = { stopped: 0, taken: 1 } as const;

/** Thrown in a thread that was told to stop; never shown. */
export class Abandoned extends Error {}

/** What one thread does to one file; answers the bytes it handled. */
export type RunOnFile = (path: string, index: number) => number;

/** Takes the next run and does it; false when there is none left or a stop was asked for. */
export function runNextJob(jobs: SharedJobs, run: RunOnFile, thread: number): boolean {
  if (isStopped(jobs)) return false;
  const job = takeJob(jobs, thread);
  if (job === undefined) return false;
  const start = job === 0 ? 0 : (jobs.ends[job - 1] ?? 0);
  const names = Buffer.from(jobs.names.buffer, start, (jobs.ends[job] ?? 0) - start).toString();
  let index = jobs.firsts[job] ?? 0;
  const slot = thread * 2;
  for (const path of names.split('\0')) {
    const bytes = run(path, index++);
    jobs.done[slot] = (jobs.done[slot] ?? 0) + 1;
    jobs.done[slot + 1] = (jobs.done[slot + 1] ?? 0) + bytes;
  }
  return true;
}

/**
 * Every thread works through a share of neighbours, then helps with the others': two that make files in one folder wait for
 * each other, so that 100,000 links take as long as with one thread.
 */
function takeJob({ control, ends, done }: SharedJobs, thread: number): number | undefined {
  const threads = done.length / 2;
  for (let offset = 0; offset < threads; offset++) {
    const share = (thread + offset) % threads;
    const first = Math.floor((share * ends.length) / threads);
    const next = first + Atomics.add(control, CONTROL.taken + share, 1);
    if (next < Math.floor(((share + 1) * ends.length) / threads)) return next;
  }
  return undefined;
}

export function isStopped(jobs: SharedJobs): boolean {
  return Atomics.load(jobs.control, CONTROL.stopped) !== 0;
}

/** Sums of all threads. */
export function countDone(jobs: SharedJobs): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (let slot = 0; slot < jobs.done.length; slot += 2) {
    files += jobs.done[slot] ?? 0;
    bytes += jobs.done[slot + 1] ?? 0;
  }
  return { files, bytes };
}
