import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { checkNext, chunksOf, CHUNK, STATE, checkChunk, type Check } from './stat-check.ts';
import type { StatTable } from './stat-table.ts';
import type { StatWorkerData } from './stat-worker.ts';

export interface ScanOptions {
  readonly top: string;
  /** Threads besides this one; undefined chooses. */
  readonly workers: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** A thread costs 25 ms to start, a stat 3 µs: below this one is slower with it. */
const WORTH_A_THREAD = 16_000;

/** Chunks (of 512 stats) between two looks at the event loop: about 30 ms. */
const TURN = 20;

/** Looks at every folder and file of a table, in threads where that pays. The table lies in shared memory. */
export async function scanTable(table: StatTable, options: ScanOptions): Promise<Check> {
  const check: Check = {
    table,
    top: options.top,
    folderStates: new Uint8Array(new SharedArrayBuffer(table.folders)).fill(STATE.unset),
    fileStates: new Uint8Array(new SharedArrayBuffer(table.files)).fill(STATE.unset),
    control: new Int32Array(new SharedArrayBuffer(12)),
  };
  const threads = startThreads(check, options.workers);
  try {
    await takeTurns(check, options);
    awaitOthers(check);
  } finally {
    Atomics.store(check.control, 2, 1);
    for (const thread of threads) void thread.terminate();
  }
  finishLeftovers(check);
  return check;
}

async function takeTurns(check: Check, { signal, onProgress }: ScanOptions): Promise<void> {
  const { files } = check.table;
  for (let turn = 1; checkNext(check); turn++) {
    if (turn % TURN !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    onProgress?.(Math.min(Atomics.load(check.control, 1) * CHUNK, files), files);
  }
}

/** Waits for the chunks that threads are still at, 2 ms each; a thread that died is waited for a second. */
function awaitOthers(check: Check): void {
  const chunks = chunksOf(check.table);
  for (;;) {
    const done = Atomics.load(check.control, 1);
    if (done >= chunks || Atomics.wait(check.control, 1, done, 1000) === 'timed-out') return;
  }
}

function finishLeftovers(check: Check): void {
  const folderChunks = Math.ceil(check.table.folders / CHUNK);
  for (
    let at = check.folderStates.indexOf(STATE.unset);
    at >= 0;
    at = check.folderStates.indexOf(STATE.unset)
  ) {
    checkChunk(check, Math.floor(at / CHUNK));
  }
  for (let at = check.fileStates.indexOf(STATE.unset); at >= 0; at = check.fileStates.indexOf(STATE.unset)) {
    checkChunk(check, folderChunks + Math.floor(at / CHUNK));
  }
}

function startThreads(check: Check, wanted: number | undefined): Worker[] {
  const { table } = check;
  const useful = Math.floor((table.files + table.folders) / WORTH_A_THREAD);
  const count = wanted ?? Math.min(useful, availableParallelism() - 1, 7);
  const script = workerScript();
  if (count <= 0 || script === undefined) return [];
  const workerData: StatWorkerData = {
    table: table.bytes.buffer as SharedArrayBuffer,
    top: check.top,
    folderStates: check.folderStates.buffer as SharedArrayBuffer,
    fileStates: check.fileStates.buffer as SharedArrayBuffer,
    control: check.control.buffer as SharedArrayBuffer,
  };
  return Array.from({ length: count }, () => {
    const thread = new Worker(script, { workerData, execArgv: [], env: {} });
    thread.unref();
    // A thread that can't start or dies leaves its work to this one.
    thread.on('error', () => undefined);
    return thread;
  });
}

/** The built worker; from the sources (tests) the one in dist, none where there is no build. */
function workerScript(): string | undefined {
  const built = import.meta.url.endsWith('.ts') ? '../../dist/workspace/stat-worker.js' : './stat-worker.js';
  const file = fileURLToPath(new URL(built, import.meta.url));
  return existsSync(file) ? file : undefined;
}
