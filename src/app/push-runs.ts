import { copyRun } from '../history/copy-run.ts';
import type { History } from '../history/history.ts';
import { Problem } from '../model/problem.ts';
import type { RunRecord } from '../model/run-record.ts';
import type { Moving } from '../store/transfer.ts';
import { forEachLimit } from '../util/limit.ts';
import type { AppContext, Remote } from './ports.ts';

/** Which records of runs go to a store, and how. */
export interface RunsToPush {
  readonly to: Remote;
  /** Ids of runs that made what is pushed; those of others, or whose record is gone, are passed over. */
  readonly runs: ReadonlySet<string>;
  readonly moving: Moving;
}

/**
 * Copies records and logs of runs to a store, as far as they are in the local one and have ended: who asks there what made a
 * file gets an answer. A run that is there already costs one request.
 */
export async function pushRuns(
  ctx: AppContext,
  history: History,
  { to, runs, moving }: RunsToPush,
): Promise<void> {
  const { jobs: limit, signal } = moving;
  await forEachLimit(runs, { limit, signal }, async (id) => {
    const run = await readLocal(history, id);
    if (run !== undefined && run.state !== 'running') await copyRun(ctx.store, to.store, run);
  });
}

async function readLocal(history: History, id: string): Promise<RunRecord | undefined> {
  try {
    return await history.readRun(id);
  } catch (error) {
    if (error instanceof Problem && error.code === 'no-run') return undefined;
    throw error;
  }
}
