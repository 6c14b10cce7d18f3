import type { Digest } from '../model/digest.ts';
import { existsSync, rmdirSync } from 'node:fs';
import { KIND, makeColumns, type FileColumns } from './file-columns.ts';
import { errnoOf } from './fs-problem.ts';
import { runOnFiles } from './job-pool.ts';
import type { LinkWay } from './link-way.ts';

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
export async function materialiseFiles(options: MaterialiseOptions): Promise<FileColumns> {
  const {
    root,
    inside = root,
    storeFolder,
    entries,
    links,
    editable = false,
    threads,
    signal,
    onProgress,
  } = options;
  const columns = columnsOf(entries);
  const task = { task: 'place', root, inside, storeFolder, links, editable } as const;
  await runOnFiles({ task, columns, large: entries.length >= MANY_FILES, threads, signal, onProgress });
  return columns;
}

/** Files worth starting threads for: a thread's start takes as long as 2,000 links. */
const MANY_FILES = 2000;

function columnsOf(entries: readonly PlaceEntry[]): FileColumns {
  const columns = makeColumns(entries.map((entry) => entry.path));
  const digests = Buffer.from(columns.digests.buffer);
  for (const [index, entry] of entries.entries()) {
    columns.kinds[index] = entry.kind === 'x' ? KIND.executable : entry.kind === 'l' ? KIND.link : KIND.file;
    columns.sizes[index] = entry.size;
    digests.write(entry.digest, index * 32, 32, 'hex');
  }
  return columns;
}

export interface RemoveOptions {
  readonly root: string;
  readonly paths: readonly string[];
  /** Nothing is removed outside this absolute folder; `root` where not given. */
  readonly inside?: string;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Removes files (absent ones are fine) and then the folders that this left empty, never `root` itself. */
export async function removeFiles(options: RemoveOptions): Promise<void> {
  const { root, paths, inside = root, threads, signal } = options;
  if (!existsSync(root)) return;
  const task = { task: 'remove', root, inside } as const;
  const large = paths.length >= MANY_FILES;
  await runOnFiles({ task, columns: makeColumns(paths), large, threads, signal, onProgress: undefined });
  removeEmptyFolders(root, paths);
}

/** Deepest first; stops going up where something is left. */
function removeEmptyFolders(root: string, paths: readonly string[]): void {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  for (const folder of deepestFirst) {
    try {
      rmdirSync(`${root}/${folder}`);
    } catch (error) {
      // Not empty, gone already, or a symlink or file that isn't datawf's to remove.
      if (errnoOf(error) === undefined) throw error;
    }
  }
}
