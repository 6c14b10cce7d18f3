import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { findRows, saveRows, type FoundRows } from './file-digests.ts';
import { pickRows, rowDigest, rowEntry } from './file-rows.ts';
import { diffHome, type HomeDiff, type HomeRequest } from './home-diff.ts';
import { Problem } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';
import { writeTable } from './stat-file.ts';
import { digestOf, NO_INDEX, viewOf, type IndexView } from './stat-index.ts';
import { mergeTable } from './stat-merge.ts';
import { FILE, kindOfFlags, STAT } from './stat-table.ts';

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
 * Compares a root home with its index: a stat per file, contents only where a stat differs. Writes nothing (but a probe of
 * the file system's clock where something differs). System files, `.gitignore`, `datawf.yaml`, pointers and their like are
 * never data. Throws `bad-path` (a name or kind that can't be data, exit 2), `outside-link` (exit 2), `no-permission`
 * (exit 6), `file-busy` and `index-changed` (exit 5). No-op cost: 2 µs a file on two cores, 60 bytes of memory.
 */
export async function snapshotHome(request: HomeRequest): Promise<HomeSnapshot> {
  for (let tries = 1; ; tries++) {
    try {
      return await compareHome(request);
    } catch (error) {
      // Readers hold no lock: a writing command may finish while they look.
      const isOutrun = error instanceof Problem && error.code === 'index-changed';
      if (!isOutrun || tries === 3) throw error;
    }
  }
}

async function compareHome(request: HomeRequest): Promise<HomeSnapshot> {
  const diff = await diffHome(request);
  const found = await findRows({
    ...request,
    paths: diff.candidates.map(({ path }) => path),
    cacheFile: editsFile(request),
  });
  const sorted = sortFindings(diff, found);
  const index = diff.open === undefined ? NO_INDEX : viewOf(diff.open);
  const learnt = sorted.touched.length + diff.folders.size;
  return {
    home: request.home,
    trees: index.trees,
    files: index.files,
    known: diff.open !== undefined,
    edits: sorted.edits,
    index,
    stale: found.fresh > 0 || (learnt > 0 && diff.open !== undefined),
    refresh: () => {
      const wrote = learnt > 0 && saveIndex(request, { diff, found, touched: sorted.touched });
      const remembered =
        found.fresh > 0 &&
        saveRows(editsFile(request), { ...found, rows: pickRows(found.rows, sorted.edited) }, true);
      return wrote || remembered;
    },
  };
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

/** `snapshotHome` without hashing; throws as it does. */
export async function scanHome(request: HomeRequest): Promise<HomeScan> {
  const { open, candidates, deleted } = await diffHome(request);
  const index = open === undefined ? NO_INDEX : viewOf(open);
  return {
    known: open !== undefined,
    trees: index.trees,
    candidates: candidates.map(({ path }) => path),
    deleted,
    index,
  };
}

/** Where the digests of a home's edits are remembered. */
export function editsFile({ indexFile }: Pick<HomeRequest, 'indexFile'>): string {
  return `${indexFile}.edits`;
}

/** `touched` and `edited` are rows of `found`: equal to the index but for the stat, and the others. */
interface Findings {
  readonly edits: HomeEdits;
  readonly touched: readonly number[];
  readonly edited: readonly number[];
}

function sortFindings({ open, candidates, deleted }: HomeDiff, { rows }: FoundRows): Findings {
  const indexRows = new Map(candidates.map(({ path, row }) => [path, row]));
  const added: FileEntry[] = [];
  const changed: FileEntry[] = [];
  const editedLinks: string[] = [];
  const touched: number[] = [];
  const edited: number[] = [];
  rows.paths.forEach((path, row) => {
    const file = indexRows.get(path) ?? -1;
    indexRows.delete(path);
    if (open === undefined || file < 0) {
      added.push(rowEntry(rows, row));
      edited.push(row);
      return;
    }
    const flags = open.table.fileFlags[file] ?? 0;
    if (
      kindOfFlags(flags) === kindOfFlags(rows.flags[row] ?? 0) &&
      digestOf(open, file) === rowDigest(rows, row)
    ) {
      touched.push(row);
      return;
    }
    changed.push(rowEntry(rows, row));
    edited.push(row);
    if (
      (flags & FILE.linked) !== 0 &&
      open.table.fileStats[4 * file + STAT.ino] === rows.stats[4 * row + STAT.ino]
    ) {
      editedLinks.push(path);
    }
  });
  // Candidates that went away while they were about to be read.
  const vanished = [...indexRows].filter(([, file]) => file >= 0).map(([path]) => path);
  const byPath = (a: FileEntry, b: FileEntry): number => compareBytes(a.path, b.path);
  return {
    edits: {
      added: added.sort(byPath),
      changed: changed.sort(byPath),
      deleted: vanished.length === 0 ? deleted : [...deleted, ...vanished].sort(compareBytes),
      editedLinks: editedLinks.sort(compareBytes),
    },
    touched,
    edited,
  };
}

function saveIndex(
  { indexFile }: HomeRequest,
  learnt: { diff: HomeDiff; found: FoundRows; touched: readonly number[] },
): boolean {
  const { open, folders } = learnt.diff;
  if (!open?.isCurrent()) return false;
  const put = pickRows(learnt.found.rows, learnt.touched);
  // A hard link that hashes right keeps being compared as one while it has the recorded inode.
  keepLinks(learnt.diff, put);
  const { hot, cold } = mergeTable(
    { table: open.table, digests: open.digests() },
    { put, drop: [], folders, meta: open.meta, single: open.table.single },
  );
  writeTable(indexFile, hot, cold);
  return true;
}

function keepLinks(
  { open, candidates }: HomeDiff,
  put: { paths: readonly string[]; flags: Uint8Array; stats: Float64Array },
): void {
  if (open === undefined) return;
  const indexRows = new Map(candidates.map(({ path, row }) => [path, row]));
  put.paths.forEach((path, row) => {
    const file = indexRows.get(path) ?? -1;
    const flags = open.table.fileFlags[file] ?? 0;
    const sameInode = open.table.fileStats[4 * file + STAT.ino] === put.stats[4 * row + STAT.ino];
    if ((flags & FILE.linked) !== 0 && sameInode) put.flags[row] = (put.flags[row] ?? 0) | FILE.linked;
  });
}
