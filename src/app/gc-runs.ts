import { heartbeatName, headName, logsPrefix, runOfHead } from '../history/record-names.ts';
import type { Store } from '../store/store.ts';
import { ulidTime } from '../util/ulid.ts';

/** Runs of a store's history that began before a time (epoch milliseconds). */
export async function oldRuns(store: Store, before: number): Promise<readonly string[]> {
  const runs = (await store.listFiles('runs/')).flatMap((name) => runOfHead(name) ?? []);
  return runs.filter((run) => ulidTime(run) < before);
}

/** Removes the records and logs of runs, the head first, so that a run that is listed can be read. */
export async function dropRuns(store: Store, runs: readonly string[]): Promise<void> {
  for (const run of runs) {
    await store.removeFile(headName(run));
    await store.removeFile(heartbeatName(run));
    for (const name of await store.listFiles(logsPrefix(run))) await store.removeFile(name);
  }
}
