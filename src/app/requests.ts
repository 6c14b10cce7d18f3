/** Which datums of the window a backfill takes: out of date, all, without a good result, or marked failed. */
export type BackfillMode = 'stale' | 'all' | 'missing' | 'failed';

/** A request as the run sees it. */
export interface RunRequest extends ReproRequest {
  readonly kind: 'repro' | 'backfill';
  readonly mode: BackfillMode;
  /** The time capture that the window is about, where a stage has two. */
  readonly by: string | undefined;
  /** Stop after so many failed datums. */
  readonly maxFailures: number | undefined;
}

/** What `repro` is asked to do; times as typed. */
export interface ReproRequest {
  readonly targets: readonly string[];
  readonly force: boolean;
  readonly single: boolean;
  readonly downstream: boolean;
  readonly failFast: boolean;
  readonly runCache: boolean;
  readonly allowDrop: boolean;
  /** Fetch what is missing here, and bring it into the workspace. */
  readonly pull: boolean;
  /** Plan with what is recorded though its bytes be missing; run only what needs none of them. */
  readonly allowMissing: boolean;
  readonly commit: boolean;
  /** On a cluster: leave once the Jobs run. */
  readonly detach: boolean;
  readonly dryRun: boolean;
  readonly check: boolean;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly order: 'newest' | 'oldest' | undefined;
  readonly jobs: number | undefined;
}
