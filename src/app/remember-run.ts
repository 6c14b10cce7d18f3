import type { Assessment } from './assess.ts';
import type { LockWriter } from './lock-writer.ts';
import { isCurrent } from './row-writer.ts';
import { datumCounts, memoReport } from './stage-report.ts';

/** Keeps which stages are current after a run, by the versions it wrote, so that the next command needn't plan them. */
export async function rememberRun({ states, planner, memo }: Assessment, lock: LockWriter): Promise<void> {
  for (const state of states) {
    const entry = lock.entry(state);
    if (entry === undefined || entry.datums.failed > 0 || !isCurrent(state)) continue;
    if (state.datums.some((datum) => datum.outcome === 'waiting')) continue;
    const key = await planner.memoKeyOf(state, {
      tree: (dataset) => lock.trees.get(dataset.owner)?.tree ?? dataset.recorded,
      table: entry.datums.table,
    });
    const counts = datumCounts(state);
    const datums = { ...counts, current: counts.total, cached: 0, stale: 0, failed: 0, vanished: 0 };
    memo.set(state.id, { key, report: memoReport(state, datums) });
  }
  memo.save();
}
