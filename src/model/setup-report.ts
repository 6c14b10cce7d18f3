/** Answers about the setup of a workspace, exactly as `--json` prints them (schemas/); fields are additive. */

/** What `init` did, or with `--dry-run` would do; paths relative to the repository's root. */
export interface InitReport {
  readonly root: string;
  readonly dryRun: boolean;
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** The merge and diff drivers in this clone's git configuration. */
  readonly drivers: 'registered' | 'unchanged';
  /** Hooks asked for: those written, those that were there, and those of somebody else, which stay. */
  readonly hooks: {
    readonly written: readonly string[];
    readonly unchanged: readonly string[];
    readonly foreign: readonly string[];
  };
}

/** One thing that `doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to type or change. */
  readonly fix?: string;
}

export interface DoctorReport {
  readonly ok: boolean;
  readonly version: string;
  readonly checks: readonly Check[];
}

/** Where a value of the configuration comes from, weakest first; `variable` and `flag` are stronger than all files. */
export type ConfigLevel = 'default' | 'project' | 'user' | 'local';

export interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
  readonly level: ConfigLevel;
}

/** One stage as `stage list` shows it. */
export interface StageListing {
  readonly stage: string;
  readonly desc: string | null;
  readonly file: string;
  readonly line: number;
  readonly cmd: string | readonly string[];
  readonly deps: Readonly<Record<string, string>>;
  readonly outs: Readonly<Record<string, string>>;
  readonly frozen: boolean;
}

/** What an edit of a `datawf.yaml` did, or with `--dry-run` would do. */
export interface StageEdit {
  readonly file: string;
  readonly stages: readonly string[];
  readonly dryRun: boolean;
  /** The stage's text, where one was added. */
  readonly text?: string;
}

/** What became of one file that a merge left open. */
export interface ResolvedFile {
  /** Path in the repository. */
  readonly file: string;
  /** `clean`: it was in no conflict. */
  readonly state: 'merged' | 'conflict' | 'clean';
  readonly conflicts: readonly { readonly message: string; readonly hint: string | null }[];
  /** Datums that both sides made from different inputs: ours stay, and the next repro runs what is stale. */
  readonly contested: number;
}

/** What `lock resolve` did, or with `--dry-run` would do. */
export interface ResolveReport {
  readonly dryRun: boolean;
  readonly files: readonly ResolvedFile[];
}
