import type { FileKind } from './file-entry.ts';
import type { Reason } from './outcome.ts';

/** Answers to questions, exactly as `--json` prints them (schemas/*.schema.json); fields are additive. */

export type StageState = 'current' | 'stale' | 'failed' | 'never-run' | 'frozen' | 'always';

/** total = current + cached + stale + failed; waiting and vanished datums aren't among them. */
export interface DatumCounts {
  readonly total: number;
  readonly current: number;
  /** Out of date, but the result is in the run cache. */
  readonly cached: number;
  readonly stale: number;
  readonly failed: number;
  /** Named by the matrix, with a required dep not there yet. */
  readonly waiting: number;
  /** In the lock, but no longer brought into being by any dep. */
  readonly vanished: number;
}

/** Where the files of a dep's datasets go: files = used + unmatched + unpaired + outside. */
export interface DepReport {
  readonly files: number;
  readonly used: number;
  readonly unmatched: number;
  readonly unpaired: number;
  readonly outside: number;
  /** Up to 20 of each. */
  readonly examples?: Readonly<Record<string, readonly string[]>>;
}

export interface StageReport {
  readonly stage: string;
  readonly state: StageState;
  readonly datums: DatumCounts;
  readonly deps: Readonly<Record<string, DepReport>>;
  readonly reasons: readonly Reason[];
  /** Numbers behind a stale stage are bounds: upstream work may lower them. */
  readonly bound: boolean;
  /** Up to 20 waiting datums with what they lack. */
  readonly waiting: readonly {
    readonly captures: Readonly<Record<string, string>>;
    readonly missing: readonly string[];
    /** Nothing is missing, but its command said "not yet" (exit 75). */
    readonly asked?: true;
  }[];
  /** Digest of the present code half. */
  readonly code: string;
  /** Current rows per code half, the present one among them, where other code made some: kept (`on_code_change`) or accepted. */
  readonly codeVersions?: Readonly<Record<string, number>>;
  /** By which steps results of earlier code were accepted as those of the present one. */
  readonly accepted?: readonly AcceptedReport[];
}

/** One step of `accept`: `code` gives the same results as `as`. */
export interface AcceptedReport {
  readonly code: string;
  readonly as: string;
  /** `Name <mail>`. */
  readonly by: string;
  readonly reason: string;
}

export interface DatasetReport {
  readonly path: string;
  /** null for data added by hand. */
  readonly stage: string | null;
  readonly state: 'clean' | 'modified' | 'missing' | 'untracked';
  readonly files: number;
  readonly bytes: number;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  /** Up to 20 of each. */
  readonly paths?: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly deleted: readonly string[];
  };
}

export interface StatusReport {
  readonly clean: boolean;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly stages: readonly StageReport[];
  readonly datasets: readonly DatasetReport[];
  /** Inputs that neither git tracks nor `add` recorded: no clone has them. Up to 20. */
  readonly plain: { readonly count: number; readonly paths: readonly string[] };
}

/** One field of a key against the recorded one. */
export interface KeyDifference {
  /** `cmd`, `image`, `params.clean.threshold`, `env.PGHOST`, `code.clean.py`, `deps.raw`, `input.raw`, … */
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly paths?: readonly string[];
}

export interface WhyDatum {
  readonly captures: Readonly<Record<string, string>>;
  readonly datum: string;
  readonly decision:
    'run' | 'cached' | 'current' | 'waiting' | 'vanished' | 'blocked' | 'pending' | 'frozen' | 'always';
  /** In words. */
  readonly reason: string;
  readonly differences: readonly KeyDifference[];
}

export interface WhyReport {
  readonly target: string;
  /** The stage that is explained; null for a file that no stage makes. */
  readonly stage: string | null;
  readonly state: StageState | null;
  /** In words: why it will run, or why it won't. */
  readonly answer: string;
  readonly reasons: readonly Reason[];
  /** What differs for the whole stage: the code half. */
  readonly differences: readonly KeyDifference[];
  /** Datums that aren't current, up to 20; of a file's target its one datum. */
  readonly datums: readonly WhyDatum[];
  readonly counts: DatumCounts | null;
  /** Digest of the stage's present code half. */
  readonly code?: string;
  /** As in `status`: where code other than the present made current rows. */
  readonly codeVersions?: Readonly<Record<string, number>>;
  readonly accepted?: readonly AcceptedReport[];
}

export interface DagReport {
  readonly nodes: readonly {
    readonly id: string;
    readonly kind: 'stage' | 'dataset';
    readonly state?: StageState;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

export interface DatasetDiff {
  readonly path: string;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
}

export interface DiffReport {
  readonly datasets: readonly DatasetDiff[];
}

/** What differs between two versions of one tracked file, as `git diff` shows it. */
export interface VersionsDiff {
  readonly file: string;
  readonly datasets: readonly DatasetDiff[];
  /** In words: what differs besides files, or can't be looked at here. */
  readonly notes: readonly string[];
}

export interface ListedFile {
  readonly path: string;
  /** Bytes; of a folder those of everything below it. */
  readonly size: number;
  /** null for a folder. */
  readonly digest: string | null;
  readonly kind: 'file' | 'folder' | 'link';
  readonly executable?: boolean;
  readonly files?: number;
}

export interface UsageReport {
  readonly datasets: readonly {
    readonly path: string;
    readonly files: number;
    readonly bytes: number;
    readonly here: number;
  }[];
  readonly store: { readonly objects: number; readonly bytes: number };
}

/** The letter of a listing's kind as people read it. */
export function kindName(kind: FileKind): 'file' | 'link' {
  return kind === 'l' ? 'link' : 'file';
}
