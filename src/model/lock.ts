import type { Digest } from './digest.ts';
import type { TreeRef } from './file-entry.ts';
import type { RepoPath } from './repo-path.ts';

/** What is: the tracked record of the stages of one `datawf.yaml`, by their plain names, sorted by bytes. */
export interface Lock {
  readonly stages: ReadonlyMap<string, LockStage>;
}

/** One stage's last good results. */
export interface LockStage {
  /** Digest of the code half. */
  readonly code: Digest;
  /** Per dep the tree of the files used; undefined while a row isn't current. */
  readonly inputs: ReadonlyMap<string, Digest> | undefined;
  readonly datums: LockDatums;
  /** This stage's share of each home's dataset; homes are relative to the repository's root. */
  readonly outs: ReadonlyMap<RepoPath, TreeRef>;
  /** Code halves declared to give the same results as another. */
  readonly accepted: ReadonlyMap<Digest, Accepted>;
}

export interface LockDatums {
  /** Root of the datum table. */
  readonly table: Digest;
  /** All lines of the table. */
  readonly count: number;
  /** Lines marked failed. */
  readonly failed: number;
}

/** A refactor: the key's code half gives the same results as `as`. */
export interface Accepted {
  readonly as: Digest;
  /** `Name <mail>`. */
  readonly by: string;
  readonly reason: string;
}

export const EMPTY_LOCK: Lock = { stages: new Map() };
