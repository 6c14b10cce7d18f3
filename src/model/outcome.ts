/** How a datum of a run ended. */
export type DatumState = 'ran' | 'cached' | 'identical' | 'failed' | 'blocked' | 'waiting' | 'skipped';

/** Datums of a run by how they ended: planned = ran + cached + identical + failed + blocked + waiting. */
export interface RunCounts {
  readonly planned: number;
  readonly ran: number;
  readonly cached: number;
  readonly identical: number;
  readonly failed: number;
  readonly blocked: number;
  readonly waiting: number;
  readonly skipped: number;
}

export const NO_COUNTS: RunCounts = {
  planned: 0,
  ran: 0,
  cached: 0,
  identical: 0,
  failed: 0,
  blocked: 0,
  waiting: 0,
  skipped: 0,
};

/** Counts added up. */
export function sumCounts(all: readonly RunCounts[]): RunCounts {
  const sum: Record<keyof RunCounts, number> = { ...NO_COUNTS };
  for (const counts of all)
    for (const key of Object.keys(sum) as (keyof RunCounts)[]) sum[key] += counts[key];
  return sum;
}

/** Why work is needed. Recorded where it is decided, never recomputed for display. */
export type ReasonKind =
  | 'never-run'
  | 'code-changed'
  | 'cmd'
  | 'image'
  | 'params'
  | 'env'
  | 'deps'
  | 'outs'
  | 'input-changed'
  | 'upstream'
  | 'output-missing'
  | 'output-edited'
  | 'object-missing'
  | 'forced'
  | 'retry'
  | 'always'
  | 'vanished';

export interface Reason {
  readonly kind: ReasonKind;
  /** Datums concerned. */
  readonly count: number;
  /** Up to 20 repository paths. */
  readonly paths?: readonly string[];
  /** What changed, e.g. the param's name. */
  readonly fields?: readonly string[];
}

/** Why an attempt failed, as a class that scripts and retries can use. */
export type FailureClass =
  | 'user'
  | 'oom'
  | 'timeout'
  | 'evicted'
  | 'preempted'
  | 'image'
  | 'unschedulable'
  | 'infra'
  | 'cancelled'
  | 'lost';
