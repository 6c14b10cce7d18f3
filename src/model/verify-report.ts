/** A version of data that damage hits. */
export interface HitBranch {
  /** `main`, `origin/main`, a tag. */
  readonly branch: string;
  /** Up to 20 files, by repository path. */
  readonly paths: readonly string[];
  readonly count: number;
}

export interface Damage {
  readonly digest: string;
  /** A tree is a list of files or rows. */
  readonly kind: 'object' | 'tree';
  readonly fault: string;
  /** Files of this checkout that it hits. */
  readonly paths: readonly string[];
  readonly branches: readonly HitBranch[];
  readonly cure: string;
}

export interface Repair {
  readonly digest: string;
  /** Files of this checkout that it would have hit. */
  readonly paths: readonly string[];
  /** `workspace`, `local`, or the name of a store. */
  readonly from: string;
}

/** What was read of one store, and what became of what was wrong. */
export interface VerifiedStore {
  readonly objects: number;
  readonly bytes: number;
  readonly trees: number;
  /** Mended at once from a copy with the right bytes. */
  readonly repaired: readonly Repair[];
  readonly damaged: readonly Damage[];
}

export interface VerifyReport extends VerifiedStore {
  /** Objects of this checkout that aren't here, but in a store that the branch reads: `datawf fetch` brings them. */
  readonly absent: number;
  /** Tracked files that can't be read: what only they name wasn't looked for. */
  readonly unreadable: readonly {
    readonly file: string;
    readonly message: string;
    readonly hint: string | null;
  }[];
  /** With `--all`: the stores that the branch reads. */
  readonly stores: readonly (VerifiedStore & { readonly name: string; readonly url: string })[];
}
