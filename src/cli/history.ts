import type { AppContext } from '../app/ports.ts';
import type { History } from '../history/history.ts';

/** The history in the workspace's local store, for commands that read it. */
export async function openHistory(context: AppContext): Promise<History> {
  const [{ createHistory }, { isProcessAlive, processIdentity }] = await Promise.all([
    import('../history/store-history.ts'),
    import('../run/process-table.ts'),
  ]);
  const { now, random, host } = context.around;
  const here = processIdentity(host);
  return createHistory({
    store: context.store,
    now,
    random,
    isAlive: (process) => isProcessAlive(process, here),
  });
}
