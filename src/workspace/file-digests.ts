import { dirname } from 'node:path';
import { hashFiles } from '../disk/hash-pool.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { emptyRows, joinRows, rowEntry, rowsOfColumns, rowsOfTable } from './file-rows.ts';
import { fileSystemTime } from './fs-time.ts';
import { statOf } from './home-diff.ts';
import { fileAgrees } from './stat-check.ts';
import { readTable, writeTable, type OpenTable } from './stat-file.ts';
import { finderOf } from './stat-index.ts';
import { mergeTable, type FileRows } from './stat-merge.ts';

export interface DigestRequest {
  readonly root: string;
  /** Relative to the root; absent ones are left out of the answer. */
  readonly paths: readonly string[];
  /** The remembered digests: `<git dir>/datawf/index/files`. */
  readonly cacheFile: string;
  /** The local store: a symlink to one of its objects counts as that file. */
  readonly storeFolder?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface DigestAnswer {
  /** By path. Kind `l`: the digest of the target's text. */
  readonly entries: ReadonlyMap<string, FileEntry>;
  /** Something was hashed that `save` would remember. */
  readonly stale: boolean;
  /** Remembers it; best effort and atomic, last writer wins (each entry vouches for itself). Answers whether it wrote. */
  readonly save: () => boolean;
}

/**
 * Digests of plain and git-tracked files, hashed only where the stat differs from the remembered one (5 µs a file where not).
 * Throws `outside-link` (exit 2), `file-busy` (exit 5) and `no-permission` (exit 6), naming the file.
 */
export async function digestFiles(request: DigestRequest): Promise<DigestAnswer> {
  const found = await findRows(request);
  const entries = new Map<string, FileEntry>();
  found.rows.paths.forEach((path, row) => entries.set(path, rowEntry(found.rows, row)));
  return {
    entries,
    stale: found.fresh > 0 || found.gone.length > 0,
    save: () => saveRows(request.cacheFile, found),
  };
}

/** Rows of files with their digests, from memory or by reading. */
export interface FoundRows {
  readonly rows: FileRows;
  /** So many rows, the last ones, were read just now. */
  readonly fresh: number;
  /** Remembered but not there any more. */
  readonly gone: readonly string[];
  readonly open: OpenTable | undefined;
}

/** The rows of files that are there: remembered ones whose stat agrees first, then the ones read. Folders are left out. */
export async function findRows(request: DigestRequest): Promise<FoundRows> {
  const open = request.paths.length === 0 ? undefined : readTable(request.cacheFile);
  const known = lookUp(request, open);
  if (known.unknown.length === 0) return { rows: known.rows, fresh: 0, gone: known.gone, open };
  const time = fileSystemTime(dirname(request.cacheFile));
  const { storeFolder, signal, onProgress } = request;
  const total = known.unknown.length;
  const columns = await hashFiles({
    root: request.root,
    paths: known.unknown,
    ...(storeFolder === undefined ? {} : { storeFolder }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress: (done: number) => onProgress(done, total) }),
  });
  const fresh = rowsOfColumns(columns, time);
  return { rows: joinRows(known.rows, fresh), fresh: fresh.paths.length, gone: known.gone, open };
}

function lookUp({ root, paths }: DigestRequest, open: OpenTable | undefined) {
  const find = open === undefined ? () => -1 : finderOf(open.table);
  const knownPaths: string[] = [];
  const knownFiles: number[] = [];
  const unknown: string[] = [];
  const gone: string[] = [];
  for (const path of new Set(paths)) {
    const file = find(path);
    const stat = statOf(`${root}/${path}`, path);
    if (stat === undefined || stat.isDirectory()) {
      if (file >= 0) gone.push(path);
    } else if (open !== undefined && file >= 0 && fileAgrees(open.table, file, stat)) {
      knownPaths.push(path);
      knownFiles.push(file);
    } else unknown.push(path);
  }
  const rows =
    open === undefined
      ? emptyRows([])
      : rowsOfTable(
          { table: open.table, digests: knownFiles.length === 0 ? NONE : open.digests() },
          knownPaths,
          knownFiles,
        );
  return { rows, unknown, gone };
}

const NONE = new Uint8Array(0);

/** Remembers the fresh rows and forgets the gone ones. With `only`, nothing but the found rows is remembered from now on. */
export function saveRows(cacheFile: string, found: FoundRows, only = false): boolean {
  if (found.fresh === 0 && found.gone.length === 0 && !only) return false;
  try {
    const old =
      only || found.open === undefined
        ? undefined
        : { table: found.open.table, digests: found.open.digests() };
    const { hot, cold } = mergeTable(old, {
      put: found.rows,
      drop: found.gone,
      folders: new Map(),
      meta: { home: '', trees: {} },
      single: false,
    });
    writeTable(cacheFile, hot, cold);
    return true;
  } catch {
    return false;
  }
}
