import type { Reason, RunCounts } from './outcome.ts';
import type { AcceptedReport } from './report.ts';
import type { ResultRecord } from './result.ts';
import type { RunKind, RunState, RunTotals, WhyNot } from './run-record.ts';

/** Answers about runs, exactly as `--json` prints them (schemas/); times are RFC 3339, fields are additive. */

/** One stage of a run. */
export interface RunStageReport {
  readonly stage: string;
  readonly seconds: number;
  readonly counts: RunCounts;
  readonly why: readonly Reason[];
  /** Why stages or datums had nothing to do. */
  readonly whyNot: readonly { readonly kind: WhyNot; readonly count: number; readonly detail?: string }[];
}

/** One run, as `log` lists it. */
export interface RunReport {
  readonly run: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly start: string;
  /** null while it runs. */
  readonly end: string | null;
  readonly seconds: number;
  /** `Name <mail>`. */
  readonly user: string;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly dirty: boolean;
  readonly environment: string;
  readonly executor: string;
  /** null while it runs, or where it was lost. */
  readonly exit: number | null;
  readonly counts: RunCounts;
  readonly stages: readonly RunStageReport[];
}

/** One execution of one datum. */
export interface AttemptReport {
  readonly stage: string;
  readonly captures: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly state: 'ok' | 'failed' | 'waiting';
  readonly class?: string;
  readonly message?: string;
  readonly exit?: number;
  readonly signal?: string;
  readonly reason: string;
  readonly start: string;
  readonly seconds: number;
  readonly cpuSeconds?: number;
  readonly peakMemory?: number;
  /** Where it ran on a cluster; times (scheduled, pulled, stageIn, staged, uploaded) are RFC 3339. */
  readonly node?: string;
  readonly pod?: string;
  readonly serviceAccount?: string;
  readonly image?: string;
  readonly queued?: string;
  readonly times?: Readonly<Record<string, string>>;
  readonly stderr?: string;
}

/** One run with what `show` adds. */
export interface ShownRun extends RunReport {
  readonly argv: readonly string[];
  readonly host: string;
  readonly client: string;
  readonly totals: RunTotals;
  readonly attempts: number;
  /** Up to 20, the first ones. */
  readonly failures: readonly AttemptReport[];
  /** Up to 5, the longest first. */
  readonly slowest: readonly AttemptReport[];
}

/** What runs of a stage cost, over the runs listed. */
export interface StageStats {
  readonly stage: string;
  readonly runs: number;
  readonly ran: number;
  readonly cached: number;
  readonly identical: number;
  readonly failed: number;
  /** Wall seconds of the stage in a run. */
  readonly seconds: { readonly total: number; readonly mean: number; readonly longest: number };
  readonly attempts: AttemptStats;
}

/** Executions of a stage's datums, over the runs listed; seconds are those of attempts that went well. */
export interface AttemptStats {
  readonly count: number;
  readonly failed: number;
  /** Said "not yet" (exit 75). */
  readonly waiting: number;
  readonly median: number | null;
  readonly p95: number | null;
  /** How much the median of the newer half is above that of the older: 0.1 is a tenth longer. null for fewer than eight. */
  readonly trend: number | null;
}

export interface LogStats {
  readonly runs: number;
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  readonly stages: readonly StageStats[];
}

/** One stage of `accept`. */
export interface AcceptedStage {
  readonly stage: string;
  /** Digest of the present code half. */
  readonly code: string;
  /** Rows of earlier code that count as current now. */
  readonly datums: number;
  /** Steps recorded in the lock; none where everything was accepted already. */
  readonly accepted: readonly AcceptedReport[];
}

/** What `accept` recorded, or with `--dry-run` would record. */
export interface AcceptReport {
  readonly dryRun: boolean;
  /** The record that `log` shows; absent where nothing changed. */
  readonly run?: string;
  readonly stages: readonly AcceptedStage[];
}

/** One line of an attempt's log. */
export interface LogLineReport {
  readonly time: string;
  readonly stage: string;
  readonly captures: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly stream: 'out' | 'err';
  readonly text: string;
}

/** A run as `blame` names it. */
export interface BlamedRun {
  readonly run: string;
  /** Its record is still there; without it only the id is known. */
  readonly recorded: boolean;
  readonly kind?: RunKind;
  readonly start?: string;
  /** `Name <mail>`. */
  readonly user?: string;
  readonly host?: string;
  readonly branch?: string | null;
  readonly commit?: string | null;
  readonly dirty?: boolean;
  readonly argv?: readonly string[];
}

/** Files that one run made. */
export interface BlamedShare {
  readonly stage: string;
  /** null where no result says which run it was. */
  readonly run: BlamedRun | null;
  readonly datums: number;
  readonly files: number;
}

/** What a datum saw of one dep. */
export interface BlamedInput {
  readonly dep: string;
  readonly pattern: string;
  /** null where nothing says how many. */
  readonly files: number | null;
  /** The tree, where there are more than a few files. */
  readonly tree: string | null;
  /** Up to 20, by repository path. */
  readonly paths: readonly { readonly path: string; readonly digest: string }[];
}

/** The datum that made what was asked for. */
export interface BlamedDatum {
  readonly stage: string;
  readonly captures: Readonly<Record<string, string>>;
  /** The last attempt failed; the files are those of the last good one. */
  readonly failed: boolean;
  readonly code: {
    readonly digest: string;
    /** null where the store doesn't have the readable code half. */
    readonly cmd: string | readonly string[] | null;
    readonly image: string | null;
    /** Digests of the files of `code`. */
    readonly files: Readonly<Record<string, string>>;
    readonly params: Readonly<Record<string, unknown>>;
  };
  /** Digest of the input half. */
  readonly input: string;
  /** null where no result says what it saw. */
  readonly inputs: readonly BlamedInput[] | null;
  /** Digest of the output listing. */
  readonly result: string;
  /** null where the store doesn't have the result any more. */
  readonly made: ResultRecord['made'] | null;
  readonly seconds: number | null;
  /** The run that made it. */
  readonly run: BlamedRun | null;
  /** The run that took it from the run cache, where another one than the maker put it in place. */
  readonly restoredBy: BlamedRun | null;
}

/** Data added by hand, and the commit that recorded them. */
export interface BlamedData {
  readonly dataset: string;
  readonly files: number;
  /** null where no commit has recorded this version yet, or what is known of older ones doesn't suffice. */
  readonly commit: {
    readonly commit: string;
    readonly author: string;
    readonly time: string;
    readonly subject: string;
  } | null;
}

/** Where the files at a path come from. */
export interface BlameReport {
  readonly path: string;
  /** The commit, as typed; null for the work tree. */
  readonly ref: string | null;
  /** Of a file; null for a folder. */
  readonly digest: string | null;
  /** Recorded files at or below the path. */
  readonly files: number;
  /** Where one datum made all of them. */
  readonly datum: BlamedDatum | null;
  /** By the run that made them, the newest first. */
  readonly runs: readonly BlamedShare[];
  readonly added: readonly BlamedData[];
}
