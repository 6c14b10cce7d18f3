/** What `repro` is asked to do; times as typed. */
export interface ReproRequest {
  readonly targets: readonly string[];
  readonly force: boolean;
  readonly single: boolean;
  readonly downstream: boolean;
  readonly failFast: boolean;
  readonly pull: boolean;
  readonly allowMissing: boolean;
  readonly runCache: boolean;
  readonly allowDrop: boolean;
  readonly commit: boolean;
  readonly dryRun: boolean;
  readonly check: boolean;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly order: 'newest' | 'oldest' | undefined;
  readonly jobs: number | undefined;
}
