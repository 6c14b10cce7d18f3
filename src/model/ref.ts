import type { Digest } from './digest.ts';
import type { RepoPath } from './repo-path.ts';

/** What a branch holds in a store, so that the store alone is enough: all that it names is there, or in what it reads. */
export interface BranchRef {
  /** Of git; undefined on a branch without one. */
  readonly commit: string | undefined;
  /** URLs of the stores whose objects and trees it relies on, in the order to ask them, besides the one it lies in. */
  readonly reads: readonly string[];
  /** Objects that are the text of each `datawf.lock`, by its path. */
  readonly locks: ReadonlyMap<RepoPath, Digest>;
  /** Objects that are the text of each pointer, by the path of its data. */
  readonly pointers: ReadonlyMap<RepoPath, Digest>;
  /** Homes in the locks that are one file, not a folder: a tree of one name alone doesn't tell. */
  readonly single: readonly RepoPath[];
  /** Objects that are the text of further tracked files, so that `clone` can write them: definitions and configuration. */
  readonly files: ReadonlyMap<RepoPath, Digest>;
  /** Where git's repository is, without a name or password; undefined where nobody said. */
  readonly remote: string | undefined;
}
