import { copyRun } from '../history/copy-run.ts';
import type { History } from '../history/history.ts';
import { Problem } from '../model/problem.ts';
import type { RunRecord } from '../model/run-record.ts';
import type { Moving } from '../store/transfer.ts';
import { forEachLimit } from '../util/limit.ts';
import type { AppContext, Remote } from './ports.ts';
import type { RunPorts } from './run-ports.ts';

/** Which records of runs go from where to where. */
export interface RunsToPromote {
  readonly to: Remote;
  readonly sources: readonly Remote[];
  /** Ids. */
  readonly runs: ReadonlySet<string>;
  readonly moving: Moving;
}

/** Copies the records and logs of runs from whoever has them, the local store first; those that nobody has are passed over. */
export async function promoteRuns(
  ctx: AppContext,
  { to, sources, runs, moving }: RunsToPromote,
  ports: Pick<RunPorts, 'history'>,
): Promise<void> {
  const { jobs: limit, signal } = moving;
  const rest = new Set(runs);
  const local = { store: ctx.local, history: () => ports.history() };
  const others = sources.map((source) => ({ store: source.store, history: () => ports.history(source) }));
  for (const { store, history } of [local, ...others]) {
    if (rest.size === 0) return;
    const opened = await history();
    await forEachLimit([...rest], { limit, signal }, async (id) => {
      const run = await readRun(opened, id);
      if (run === undefined || run.state === 'running') return;
      await copyRun(store, to.store, run);
      if ((await store.listFiles(`runs/${id}/`, 1)).length > 0) rest.delete(id);
    });
  }
}

async function readRun(history: History, id: string): Promise<RunRecord | undefined> {
  try {
    return await history.readRun(id);
  } catch (error) {
    if (error instanceof Problem && (error.code === 'no-run' || error.exit === 7)) return undefined;
    throw error;
  }
}
