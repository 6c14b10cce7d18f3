import type { RunSum } from '../history/log-entry.ts';
import type { AttemptStats, LogStats } from '../model/history-report.ts';

/** What is summed up; read once, so that nothing of the single runs has to be held. */
export interface StatsFacts {
  readonly sums: Iterable<RunSum>;
  /** Only of these stages; undefined: of all. */
  readonly stages: readonly string[] | undefined;
  /** Seconds of wall time that a run took. */
  readonly secondsOf: (run: RunSum) => number;
}

/** Sums over runs and their attempts, per stage. Cost: 1 µs a stage of a run and an attempt. */
export function statsOf({ sums, stages: wanted, secondsOf }: StatsFacts): LogStats {
  const all = { runs: 0, done: 0, failed: 0, seconds: 0 };
  const stages = new Map<string, StageSums>();
  const sumsOf = (stage: string): StageSums => {
    let found = stages.get(stage);
    if (found === undefined) stages.set(stage, (found = new StageSums()));
    return found;
  };
  for (const run of sums) {
    all.runs++;
    if (run.state === 'done') all.done++;
    if (run.state === 'failed') all.failed++;
    all.seconds += secondsOf(run);
    for (const { stage, seconds, counts } of run.stages)
      if (counts.planned > 0 && wanted?.includes(stage) !== false) sumsOf(stage).addRun(seconds, counts);
    for (const attempt of run.attempts) sumsOf(attempt.stage).addAttempt(attempt);
  }
  return {
    ...all,
    seconds: round(all.seconds),
    stages: [...stages].flatMap(([stage, { counts, total, longest, attempts }]) =>
      counts.runs === 0
        ? []
        : {
            stage,
            ...counts,
            seconds: { total: round(total), mean: round(total / counts.runs), longest: round(longest) },
            attempts: attemptStats(attempts),
          },
    ),
  };
}

class StageSums {
  readonly counts = { runs: 0, ran: 0, cached: 0, identical: 0, failed: 0 };
  total = 0;
  longest = 0;
  /** Of those that went well when they started and the milliseconds that they took; the others are counted. */
  readonly attempts = { started: [] as number[], took: [] as number[], failed: 0, waiting: 0 };

  addRun(seconds: number, { ran, cached, identical, failed }: RunSum['stages'][number]['counts']): void {
    this.counts.runs++;
    this.counts.ran += ran;
    this.counts.cached += cached;
    this.counts.identical += identical;
    this.counts.failed += failed;
    this.total += seconds;
    this.longest = Math.max(this.longest, seconds);
  }

  addAttempt({ state, started, ended }: RunSum['attempts'][number]): void {
    if (state === 'ok') {
      this.attempts.started.push(started);
      this.attempts.took.push(ended - started);
    } else this.attempts[state]++;
  }
}

/** Below so many attempts that went well there is no trend to see. */
const TREND_FROM = 8;

function attemptStats({ started, took, failed, waiting }: StageSums['attempts']): AttemptStats {
  const count = took.length;
  const byTime = Uint32Array.from({ length: count }, (_, index) => index);
  byTime.sort((a, b) => (started[a] ?? 0) - (started[b] ?? 0));
  const seconds = Float64Array.from(byTime, (index) => (took[index] ?? 0) / 1000);
  const half = count >> 1;
  const [older, newer] = [quantile(seconds.slice(0, half), 0.5), quantile(seconds.slice(half), 0.5)];
  const isTelling = count >= TREND_FROM && older !== null && newer !== null && older > 0;
  return {
    count: count + failed + waiting,
    failed,
    waiting,
    median: quantile(seconds, 0.5),
    p95: quantile(seconds, 0.95),
    trend: isTelling ? round(newer / older - 1) : null,
  };
}

/** The smallest value that the given share of them doesn't exceed; null of none. Sorts them. */
function quantile(values: Float64Array, share: number): number | null {
  values.sort();
  return values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
