import type { AttemptTime } from '../history/log-entry.ts';
import type {
  AttemptStats,
  LogStats,
  RunReport,
  RunStageReport,
  StageStats,
} from '../model/history-report.ts';
import { pushTo } from '../util/multimap.ts';

/** What is summed up. */
export interface StatsFacts {
  readonly runs: readonly RunReport[];
  readonly attempts: readonly AttemptTime[];
  /** Only of these stages; undefined: of all. */
  readonly stages: readonly string[] | undefined;
}

/** Sums over runs and their attempts, per stage. */
export function statsOf({ runs, attempts, stages: wanted }: StatsFacts): LogStats {
  const stages = new Map<string, Omit<StageStats, 'attempts'>>();
  for (const stage of runs.flatMap((run) => run.stages)) {
    if (stage.counts.planned > 0 && wanted?.includes(stage.stage) !== false)
      stages.set(stage.stage, addStage(stages.get(stage.stage), stage));
  }
  const byStage = new Map<string, AttemptTime[]>();
  for (const attempt of attempts) pushTo(byStage, attempt.stage, attempt);
  return {
    runs: runs.length,
    done: runs.filter((run) => run.state === 'done').length,
    failed: runs.filter((run) => run.state === 'failed').length,
    seconds: sum(runs.map((run) => run.seconds)),
    stages: [...stages.values()].map((stage) => ({
      ...stage,
      attempts: attemptStats(byStage.get(stage.stage) ?? []),
    })),
  };
}

function addStage(
  before: Omit<StageStats, 'attempts'> | undefined,
  stage: RunStageReport,
): Omit<StageStats, 'attempts'> {
  const runs = (before?.runs ?? 0) + 1;
  const total = sum([before?.seconds.total ?? 0, stage.seconds]);
  return {
    stage: stage.stage,
    runs,
    ran: (before?.ran ?? 0) + stage.counts.ran,
    cached: (before?.cached ?? 0) + stage.counts.cached,
    identical: (before?.identical ?? 0) + stage.counts.identical,
    failed: (before?.failed ?? 0) + stage.counts.failed,
    seconds: {
      total,
      mean: round(total / runs),
      longest: Math.max(before?.seconds.longest ?? 0, stage.seconds),
    },
  };
}

/** Below so many attempts that went well there is no trend to see. */
const TREND_FROM = 8;

function attemptStats(attempts: readonly AttemptTime[]): AttemptStats {
  const good = attempts.filter(({ state }) => state === 'ok').sort((a, b) => a.started - b.started);
  const seconds = good.map(({ started, ended }) => (ended - started) / 1000);
  const half = seconds.length >> 1;
  const [older, newer] = [quantile(seconds.slice(0, half), 0.5), quantile(seconds.slice(half), 0.5)];
  const isTelling = seconds.length >= TREND_FROM && older !== null && newer !== null && older > 0;
  return {
    count: attempts.length,
    failed: attempts.filter(({ state }) => state === 'failed').length,
    waiting: attempts.filter(({ state }) => state === 'waiting').length,
    median: quantile(seconds, 0.5),
    p95: quantile(seconds, 0.95),
    trend: isTelling ? round(newer / older - 1) : null,
  };
}

/** The smallest value that the given share of them doesn't exceed; null of none. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function sum(numbers: readonly number[]): number {
  return round(numbers.reduce((total, number) => total + number, 0));
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
