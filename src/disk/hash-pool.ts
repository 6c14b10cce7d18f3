import { lstatSync } from 'node:fs';
import { makeColumns, type FileColumns } from './file-columns.ts';
import type { HashTask } from './hash-task.ts';
import type { IngestMode } from './ingest.ts';
import { runOnFiles } from './job-pool.ts';
import type { LinkWay } from './link-way.ts';

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
  return run(options, undefined);
}

export interface IngestOptions extends HashOptions {
  readonly storeFolder: string;
  /**
   * `link`: the file and the object become one inode, read-only (a reflink or copy where the file system can't).
   * Executables keep an inode of their own (0555), since objects aren't executable.
   * `move`: the file becomes the object and is gone from its place. `copy`: the file stays as it is.
   */
  readonly mode: IngestMode;
  /** For `link`: the ways allowed, in the order to try; reflink, hardlink, copy where not given. */
  readonly links?: readonly LinkWay[];
}

/** `hashFiles`, and each file's bytes become an object of the store; one that is there already counts as success. */
export function ingestFiles(options: IngestOptions): Promise<FileColumns> {
  return run(options, { mode: options.mode, links: options.links ?? ['reflink', 'hardlink', 'copy'] });
}

/** Work worth starting threads for: 2,000 files or 100 MB; both take about 30 ms in one thread, as does a thread's start. */
const MANY_FILES = 2000;
const MANY_BYTES = 100e6;

async function run(options: HashOptions, ingest: HashTask['ingest']): Promise<FileColumns> {
  const { root, paths, inside = root, storeFolder, threads, signal, onProgress } = options;
  const columns = makeColumns(paths);
  const task: HashTask = { task: 'hash', root, inside, storeFolder, ingest };
  const large = threads !== 1 && (paths.length >= MANY_FILES || isLarge(options));
  await runOnFiles({ task, columns, large, threads, signal, onProgress });
  return columns;
}

function isLarge({ root, paths }: HashOptions): boolean {
  let bytes = 0;
  for (const path of paths) {
    bytes += lstatSync(`${root}/${path}`, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes >= MANY_BYTES) return true;
  }
  return false;
}
