/** What clearing a store says, as the `end` event of `gc` and `cache prune` has it; fields are additive. */

/** Why something is kept. */
export type RootKind =
  | 'branches'
  | 'remote branches'
  | 'tags'
  | 'stashes'
  | 'other refs'
  | 'work trees'
  | 'young commits'
  | 'unfinished runs'
  | 'store refs'
  | 'other scopes';

export interface RootCount {
  readonly kind: RootKind;
  readonly count: number;
  /** Up to 20 of them. */
  readonly names: readonly string[];
}

/** Numbers of what stays or goes. */
export interface Holding {
  readonly objects: number;
  readonly bytes: number;
  readonly trees: number;
  readonly results: number;
}

export interface GcReport {
  /** Folder or URL. */
  readonly store: string;
  readonly dryRun: boolean;
  readonly roots: readonly RootCount[];
  readonly kept: Holding;
  readonly removed: Holding & {
    /** Unfinished and damaged files left over. */
    readonly leftovers: number;
    /** Run records, where an age was given. */
    readonly runs: number;
  };
  /** Of a dry run: data files whose bytes would go, as far as a version that had them is known; sorted. */
  readonly paths: readonly string[];
}

/** Files and their bytes. */
export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** What the local store holds. */
export interface CacheReport {
  /** Its folder. */
  readonly store: string;
  /** Data, each content once. */
  readonly objects: Amount;
  /** Those of them that this checkout needs. */
  readonly needed: Amount;
  /** Lists of files and rows. */
  readonly trees: Amount;
  /** The run cache. */
  readonly results: Amount;
  /** Records and logs of runs. */
  readonly history: Amount;
  readonly unfinished: Amount;
  /** Damaged objects, put aside. */
  readonly quarantine: Amount;
}

/** What `cache prune` dropped, or would. */
export interface PruneReport {
  readonly dryRun: boolean;
  readonly dropped: Amount;
  /** Needed by a checkout. */
  readonly needed: Amount;
  /** Not needed by a checkout, and in none of the stores. */
  readonly onlyHere: Amount;
  /** Not needed, and younger than asked for. */
  readonly young: Amount;
}
