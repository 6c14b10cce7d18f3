import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { IndexView } from './stat-index.ts';

export interface HomeRequest {
  /** Absolute top of the work tree. */
  readonly root: string;
  /** The root home, a folder or a file, relative to the root. */
  readonly home: string;
  /** `indexFileOf(workspace, home)`. */
  readonly indexFile: string;
  /** Worker threads besides this one; undefined chooses by work and cores. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** How a root home differs from its index, and what the index says. */
export interface HomeSnapshot {
  readonly home: string;
  readonly trees: ReadonlyMap<string, Digest>;
  /** Files the index knows. */
  readonly files: number;
  /** Whether there is an index; false where nothing was ever brought here, or it was damaged: then every file is `added`. */
  readonly known: boolean;
  readonly edits: HomeEdits;
  readonly index: IndexView;
  /** Something was learnt that `refresh` would save (touched but equal files, digests of edits). */
  readonly stale: boolean;
  /** Saves it, where the index is still the one that was read. Only for a holder of the process lock. Answers whether it wrote. */
  refresh(): boolean;
}

/** Differences between a home and its index; paths relative to the repository's root, sorted by bytes. */
export interface HomeEdits {
  /** In no index. Files that git tracks count too: the caller knows which are data. */
  readonly added: readonly FileEntry[];
  readonly changed: readonly FileEntry[];
  readonly deleted: readonly string[];
  /** Those of `changed` that were edited through a hard link into the store, so that the object is damaged too. */
  readonly editedLinks: readonly string[];
}

/**
 * Compares a root home with its index: a stat per file, contents only where a stat differs. Writes nothing. System files,
 * `.gitignore`, `.gitattributes`, `datawf.yaml`, `datawf.lock` and `*.datawf` are never data. Throws `bad-path`,
 * `outside-link`, `special-file` (exit 2) and `unreadable` (exit 1) naming the file. No-op cost: 1.5 µs a file on two cores.
 */
export function snapshotHome(request: HomeRequest): Promise<HomeSnapshot> {
  throw new Error(`not written yet: ${request.home}`);
}

/** Files of a home that differ from the index by their stat, not hashed: what `add` has to ingest. Sorted by bytes. */
export interface HomeScan {
  readonly known: boolean;
  readonly trees: ReadonlyMap<string, Digest>;
  /** Present files that no index entry vouches for: added, changed or touched. */
  readonly candidates: readonly string[];
  readonly deleted: readonly string[];
  readonly index: IndexView;
}

/** `snapshotHome` without hashing. */
export function scanHome(request: HomeRequest): Promise<HomeScan> {
  throw new Error(`not written yet: ${request.home}`);
}
