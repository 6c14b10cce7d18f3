import type { FileColumns } from './file-columns.ts';

export interface HashOptions {
  /** Absolute folder that the paths are below. */
  readonly root: string;
  /** With `/`, in any order; files of one folder should be neighbours (each thread takes runs of them). */
  readonly paths: readonly string[];
  /** Symlinks must stay in this absolute folder; `root` where not given. */
  readonly inside?: string;
  /** The local store: a symlink to one of its objects counts as that file. */
  readonly storeFolder?: string;
  /** Threads at most; chosen by work and cores where not given. 1 stays in this thread. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** About every 100 ms. */
  readonly onProgress?: (files: number, bytes: number) => void;
}

/**
 * Digests and stats of files. One that isn't there any more, or isn't a file, has kind 0. A file that changes while it is
 * read is read again, then raises `file-busy` (exit 5); a symlink that leaves `inside` raises `outside-link` (exit 2).
 */
export function hashFiles(options: HashOptions): Promise<FileColumns> {
  throw new Error(`not written yet: ${options.root}`);
}

export interface IngestOptions extends HashOptions {
  readonly storeFolder: string;
  /**
   * `link`: the file and the object become one inode, read-only (a reflink or copy where the file system can't).
   * `move`: the file becomes the object and is gone from its place. `copy`: the file stays as it is.
   */
  readonly mode: 'link' | 'move' | 'copy';
}

/** `hashFiles`, and each file's bytes become an object of the store; one that is there already counts as success. */
export function ingestFiles(options: IngestOptions): Promise<FileColumns> {
  throw new Error(`not written yet: ${options.root}`);
}
