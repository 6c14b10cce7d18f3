import type { Digest } from '../model/digest.ts';
import type { FileColumns } from './file-columns.ts';

/** How a file can share its bytes with the store. */
export type LinkWay = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** A file to be made. */
export interface PlaceEntry {
  readonly path: string;
  readonly kind: 'f' | 'x' | 'l';
  readonly digest: Digest;
  readonly size: number;
}

export interface MaterialiseOptions {
  /** Absolute folder that the paths are below. */
  readonly root: string;
  readonly storeFolder: string;
  /** In any order; files of one folder should be neighbours. */
  readonly entries: readonly PlaceEntry[];
  /** In the order to try; where none works the file is copied. */
  readonly links: readonly LinkWay[];
  /** Symlinks and folders must stay in this absolute folder; `root` where not given. */
  readonly inside?: string;
  /** Writable files with bytes of their own instead of read-only ones. */
  readonly editable?: boolean;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (files: number, bytes: number) => void;
}

/**
 * Makes files from the store's objects, replacing what is in their place, each whole or not at all. Answers their stats, in
 * the order of `entries`. Raises `missing-object` (exit 4), `corrupt-object` (exit 7, the object is then in `quarantine/`),
 * `folder-in-the-way` and `file-in-the-way` (exit 6), `outside-link` (exit 2).
 */
export function materialiseFiles(options: MaterialiseOptions): Promise<FileColumns> {
  throw new Error(`not written yet: ${options.root}`);
}

export interface RemoveOptions {
  readonly root: string;
  readonly paths: readonly string[];
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Removes files (absent ones are fine) and then the folders that this left empty, never `root` itself. */
export function removeFiles(options: RemoveOptions): Promise<void> {
  throw new Error(`not written yet: ${options.root}`);
}
