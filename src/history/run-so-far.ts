import { NO_COUNTS, sumCounts, type RunCounts } from '../model/outcome.ts';
import {
  addUsage,
  NO_TOTALS,
  type AttemptRecord,
  type RunRecord,
  type StageRecord,
} from '../model/run-record.ts';
import type { RecordLine } from './record-text.ts';

/** What a run that has no end came to, by its records: its stages, its sums, and datums of stages that aren't settled. */
export function runSoFar(
  lines: readonly RecordLine[],
): Pick<RunRecord, 'stages' | 'counts' | 'totals'> & { readonly lastEnd: number } {
  const stages = new Map<string, StageRecord>();
  const last = new Map<string, AttemptRecord>();
  let totals = NO_TOTALS;
  let lastEnd = 0;
  for (const line of lines) {
    if (line.record === 'stage') stages.set(line.stage, line);
    if (line.record !== 'attempt') continue;
    last.set(`${line.stage} ${line.datum}`, line);
    totals = addUsage(totals, line);
    lastEnd = Math.max(lastEnd, line.ended);
  }
  const settled = [...stages.values()];
  const unsettled = [...last.values()].filter(({ stage }) => !stages.has(stage));
  const counts = sumCounts([...settled.map((stage) => stage.counts), ...unsettled.map(countOf)]);
  return { stages: settled, counts, totals, lastEnd };
}

function countOf({ state }: AttemptRecord): RunCounts {
  return { ...NO_COUNTS, planned: 1, [state === 'ok' ? 'ran' : state]: 1 };
}
