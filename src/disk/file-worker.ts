import { parentPort, workerData } from 'node:worker_threads';
import { Problem } from '../model/problem.ts';
import { startTask } from './file-task.ts';
import type { WorkerFailure, WorkerStart } from './job-pool.ts';
import { Abandoned, CONTROL, runNextJob } from './shared-jobs.ts';

// A thread of job-pool: does runs of files until none is left, answers only when it fails.
const { task, jobs, thread } = workerData as WorkerStart;
try {
  const run = startTask(task, jobs);
  while (runNextJob(jobs, run, thread));
} catch (error) {
  Atomics.store(jobs.control, CONTROL.stopped, 1);
  if (!(error instanceof Abandoned)) parentPort?.postMessage(describe(error));
}

function describe(error: unknown): WorkerFailure {
  if (!(error instanceof Problem)) return { error };
  const { code, message, hint, exit, details } = error;
  return { problem: { code, message, exit, details, ...(hint === undefined ? {} : { hint }) } };
}
