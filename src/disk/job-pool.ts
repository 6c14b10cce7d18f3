import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Problem, type ProblemFields } from '../model/problem.ts';
import type { FileColumns } from './file-columns.ts';
import { startTask, type FileTask } from './file-task.ts';
import { CONTROL, countDone, runNextJob, type SharedJobs } from './shared-jobs.ts';

export interface PoolOptions {
  readonly task: FileTask;
  readonly columns: FileColumns;
  /** Whether the work is more than the threads' start: 30 ms each, a few thousand files or 100 MB. */
  readonly large: boolean;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((files: number, bytes: number) => void) | undefined;
}

/**
 * Does a task on every file of the columns: small work in this thread, giving way to events every 20 ms; large work in
 * worker threads, which take runs of one folder's files by shared counters, so that no message is sent per file and this
 * thread only waits. The first failure stops all and is thrown; an abort throws the signal's reason.
 */
export async function runOnFiles(options: PoolOptions): Promise<void> {
  const { columns, signal } = options;
  signal?.throwIfAborted();
  if (columns.paths.length === 0) return;
  const threads = Math.min(options.threads ?? (options.large ? MAX_THREADS : 1), columns.paths.length);
  if (threads <= 1 && !(options.large && options.threads === undefined)) return runHere(options);
  await runInWorkers(options, Math.min(threads, availableParallelism()));
}

const MAX_THREADS = 8;
/** Files of one folder that a thread takes at once. */
const RUN_LENGTH = 128;
/** Below this many files each is taken alone, since they may be large. */
const SINGLES_BELOW = 2000;
const SLICE_MS = 20;
const PROGRESS_MS = 100;

async function runHere(options: PoolOptions): Promise<void> {
  const jobs = shareJobs(options.columns, 1, 16);
  const run = startTask(options.task, jobs);
  let sliceEnd = performance.now() + SLICE_MS;
  let progressAt = performance.now() + PROGRESS_MS;
  while (runNextJob(jobs, run, 0)) {
    const now = performance.now();
    if (now < sliceEnd) continue;
    await new Promise(setImmediate);
    options.signal?.throwIfAborted();
    sliceEnd = performance.now() + SLICE_MS;
    if (now < progressAt) continue;
    reportProgress(jobs, options);
    progressAt = now + PROGRESS_MS;
  }
  reportProgress(jobs, options);
}

/** The compiled worker; from the sources (tests) the one that the build made. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/disk/file-worker.js' : './file-worker.js',
  import.meta.url,
);

async function runInWorkers(options: PoolOptions, threads: number): Promise<void> {
  const count = options.columns.paths.length;
  const jobs = shareJobs(options.columns, threads, count < SINGLES_BELOW ? 1 : RUN_LENGTH);
  const stop = (): void => void Atomics.store(jobs.control, CONTROL.stopped, 1);
  options.signal?.addEventListener('abort', stop, { once: true });
  const timer = setInterval(() => {
    reportProgress(jobs, options);
  }, PROGRESS_MS);
  try {
    const ends = Array.from({ length: threads }, (_, thread) =>
      startWorker({ task: options.task, jobs, thread }),
    );
    const failures = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
    options.signal?.throwIfAborted();
    if (failures[0] !== undefined) throw failures[0].reason;
    reportProgress(jobs, options);
  } finally {
    clearInterval(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly task: FileTask;
  readonly jobs: SharedJobs;
  readonly thread: number;
}

/** What a worker thread says when it fails: a problem's fields (errors lose their class between threads), or any error. */
export type WorkerFailure = { readonly problem: ProblemFields } | { readonly error: unknown };

function startWorker(start: WorkerStart): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: start, execArgv: [] });
    worker.once('message', (failure: WorkerFailure) => {
      reject('problem' in failure ? new Problem(failure.problem) : asError(failure.error));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker thread ended with ${code}`));
    });
  });
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

function reportProgress(jobs: SharedJobs, options: PoolOptions): void {
  if (options.onProgress === undefined) return;
  const { files, bytes } = countDone(jobs);
  options.onProgress(files, bytes);
}

/** Lays the paths out in shared memory as runs of at most `length` neighbours of one folder. */
function shareJobs(columns: FileColumns, threads: number, length: number): SharedJobs {
  const { paths } = columns;
  const firsts: number[] = [];
  let folder: string | undefined;
  for (let index = 0; index < paths.length; index++) {
    const path = paths[index] ?? '';
    const sameFolder = folder !== undefined && path.startsWith(folder) && !path.includes('/', folder.length);
    if (sameFolder && index - (firsts.at(-1) ?? 0) < length) continue;
    firsts.push(index);
    folder = path.slice(0, path.lastIndexOf('/') + 1);
  }
  const texts = firsts.map((first, job) => paths.slice(first, firsts[job + 1]).join('\0'));
  const ends = new Float64Array(new SharedArrayBuffer(texts.length * 8));
  let total = 0;
  for (const [job, text] of texts.entries()) ends[job] = total += Buffer.byteLength(text);
  const names = Buffer.from(new SharedArrayBuffer(total));
  let at = 0;
  for (const text of texts) at += names.write(text, at);
  const { paths: _paths, ...shared } = columns;
  return {
    columns: shared,
    firsts: Float64Array.from(firsts),
    ends,
    names: new Uint8Array(names.buffer),
    control: new Int32Array(new SharedArrayBuffer(4 * (CONTROL.taken + threads))),
    done: new Float64Array(new SharedArrayBuffer(threads * 16)),
  };
}
