import type { LinkKind } from '../model/config.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { HomeRequest } from './snapshot.ts';

/** What checkout needs of the local store. */
export interface ObjectSource {
  readonly url: string;
  /** Absolute path of an object's file, present or not. */
  objectPath(digest: Digest): string;
  missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]>;
}

export interface PatchRequest extends HomeRequest {
  /** Files to be there; those that already are cost a stat. Any order. */
  readonly put: readonly FileEntry[];
  /** Files to go; absent ones are fine. */
  readonly remove: readonly string[];
  /** Owner → its tree from now on; undefined: the owner is gone. Owners not named stay. */
  readonly trees: ReadonlyMap<string, Digest | undefined>;
  readonly links: readonly LinkKind[];
  readonly store: ObjectSource;
  /** Overwrite and remove files whose bytes are nowhere else. */
  readonly force: boolean;
  /** Make the files anew by the first of `links` that works, also where they are right (`checkout --relink`). */
  readonly relink?: boolean;
  /** Give ordinary writable files instead of read-only links (`unlock`). */
  readonly editable?: boolean;
}

export interface PatchResult {
  readonly put: number;
  readonly removed: number;
  /** In place already. */
  readonly kept: number;
  readonly bytes: number;
}

/**
 * Brings a root home to a version and records it. Refuses with `unsaved-data` (exit 6, up to 20 paths) before anything is
 * touched where a file in the way is an edit whose bytes the store doesn't have; `missing-object` (exit 4) where bytes to put
 * aren't in the store. Creates before it deletes; the index is written last, so the next run continues after a crash.
 */
export function applyPatch(request: PatchRequest): Promise<PatchResult> {
  throw new Error(`not written yet: ${request.home}`);
}

export interface RecordRequest extends HomeRequest {
  /** Files in place whose digests are known from reading them just now. */
  readonly present: readonly FileEntry[];
  /** Files no longer part of any version here; they aren't touched. */
  readonly forget: readonly string[];
  readonly trees: ReadonlyMap<string, Digest | undefined>;
}

/** Records files that are in place, without touching them: the end of `add`, and of a stage whose outputs were moved in. */
export function recordPresent(request: RecordRequest): Promise<void> {
  throw new Error(`not written yet: ${request.home}`);
}
