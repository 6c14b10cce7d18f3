import { compareBytes, parentOf } from '../model/repo-path.ts';
import { fileRange } from './stat-check.ts';
import {
  fileName,
  folderName,
  hotBytes,
  tableOf,
  writeSizes,
  type StatTable,
  type TableMeta,
} from './stat-table.ts';

/** Files as columns, in any order. */
export interface FileRows {
  readonly paths: readonly string[];
  /** FILE bits. */
  readonly flags: Uint8Array;
  /** Per file size, mtimeMs, ctimeMs, ino. */
  readonly stats: Float64Array;
  /** 32 bytes per file. */
  readonly digests: Uint8Array;
}

/** A folder's mtimeMs, ctimeMs, ino, dev, and whether the table will name everything in it that is data. */
export interface FolderRow {
  readonly stat: readonly [number, number, number, number];
  readonly complete: boolean;
}

/** What becomes of a table. */
export interface TableChange {
  readonly put: FileRows;
  readonly drop: readonly string[];
  /** Folders by path: their row, or undefined to drop one without files. Those not named keep their row. */
  readonly folders: ReadonlyMap<string, FolderRow | undefined>;
  readonly meta: TableMeta;
  readonly single: boolean;
}

/** A table in its two parts, ready for `writeTable`. */
export interface TableParts {
  readonly hot: Uint8Array;
  readonly cold: Uint8Array;
}

/** Neighbours `[from, to)` in the old table (rows that don't change) or in `put`. */
interface Piece {
  readonly of: 'old' | 'put';
  readonly from: number;
  to: number;
}

interface FolderPlan {
  readonly path: string;
  /** Index in the old table, -1 where it is new. */
  readonly old: number;
  readonly pieces: readonly Piece[];
}

/** The old table (undefined: an empty one) with a change, made by copying runs: 1 M files with a few changes 40 ms. */
export function mergeTable(
  old: { table: StatTable; digests: Uint8Array } | undefined,
  change: TableChange,
): TableParts {
  const plans = planFolders(old?.table, change);
  return writeParts(old, change, plans);
}

function planFolders(old: StatTable | undefined, change: TableChange): FolderPlan[] {
  const edits = groupEdits(change);
  const oldFolders = new Map<string, number>();
  for (let folder = 0; folder < (old?.folders ?? 0); folder++)
    oldFolders.set(folderName(old as StatTable, folder), folder);
  const paths = new Set([...oldFolders.keys(), ...edits.keys()]);
  for (const [path, row] of change.folders) if (row !== undefined) paths.add(path);
  const plans: FolderPlan[] = [];
  for (const path of [...paths].sort(compareBytes)) {
    const index = oldFolders.get(path) ?? -1;
    const pieces = planFiles(index < 0 ? undefined : old, index, edits.get(path) ?? []);
    const dropped = change.folders.has(path) && change.folders.get(path) === undefined;
    if (pieces.length === 0 && (dropped || (index < 0 && !change.folders.has(path)))) continue;
    plans.push({ path, old: index, pieces });
  }
  return plans;
}

/** `put` is an index into the rows, -1 where the file is dropped. */
interface FileEdit {
  readonly name: string;
  readonly put: number;
}

function groupEdits(change: TableChange): Map<string, FileEdit[]> {
  const groups = new Map<string, FileEdit[]>();
  let lastFolder: string | undefined;
  let lastGroup: FileEdit[] = [];
  const add = (path: string, put: number): void => {
    const folder = parentOf(path);
    if (folder !== lastFolder) {
      lastFolder = folder;
      lastGroup = groups.get(folder) ?? [];
      groups.set(folder, lastGroup);
    }
    lastGroup.push({ name: folder === '' ? path : path.slice(folder.length + 1), put });
  };
  change.drop.forEach((path) => {
    add(path, -1);
  });
  change.put.paths.forEach((path, index) => {
    add(path, index);
  });
  for (const [folder, edits] of groups) groups.set(folder, sortEdits(edits));
  return groups;
}

/** By name; a path that is dropped and put is put, one put twice counts as the last. */
function sortEdits(edits: FileEdit[]): FileEdit[] {
  const isSorted = edits.every(
    (edit, index) => index === 0 || compareBytes(edits[index - 1]?.name ?? '', edit.name) < 0,
  );
  if (isSorted) return edits;
  edits.sort((a, b) => compareBytes(a.name, b.name) || a.put - b.put);
  return edits.filter((edit, index) => edits[index + 1]?.name !== edit.name);
}

function planFiles(old: StatTable | undefined, folder: number, edits: readonly FileEdit[]): Piece[] {
  const pieces: Piece[] = [];
  const add = (of: Piece['of'], from: number, to: number): void => {
    const last = pieces.at(-1);
    if (last?.of === of && last.to === from) last.to = to;
    else if (to > from) pieces.push({ of, from, to });
  };
  if (old === undefined) {
    for (const { put } of edits) if (put >= 0) add('put', put, put + 1);
    return pieces;
  }
  const { first, end } = fileRange(old, folder);
  let from = first;
  for (const { name, put } of edits) {
    const at = lowerBound(old, { from, end }, name);
    add('old', from, at);
    from = at < end && fileName(old, at) === name ? at + 1 : at;
    if (put >= 0) add('put', put, put + 1);
  }
  add('old', from, end);
  return pieces;
}

/** First file of the range whose name isn't below `name`. Gallops, so that many sorted look-ups cost little each. */
export function lowerBound(table: StatTable, range: { from: number; end: number }, name: string): number {
  let low = range.from;
  let step = 1;
  while (low + step <= range.end && compareBytes(fileName(table, low + step - 1), name) < 0) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step - 1, range.end);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(fileName(table, middle), name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function writeParts(
  old: { table: StatTable; digests: Uint8Array } | undefined,
  change: TableChange,
  plans: readonly FolderPlan[],
): TableParts {
  const metaText = Buffer.from(JSON.stringify(change.meta));
  const sizes = { ...measure(old?.table, change, plans), metaBytes: metaText.length, single: change.single };
  const buffer = new ArrayBuffer(hotBytes(sizes));
  writeSizes(buffer, sizes);
  const table = tableOf(buffer);
  const cold = new Uint8Array(32 * sizes.files);
  metaText.copy(table.meta);
  let file = 0;
  let nameEnd = 0;
  let folderEnd = 0;
  const copyRun = (from: number, to: number): void => {
    if (old === undefined) return;
    const source = old.table;
    const base = from === 0 ? 0 : (source.fileNameEnds[from - 1] ?? 0);
    table.fileStats.set(source.fileStats.subarray(4 * from, 4 * to), 4 * file);
    table.fileFlags.set(source.fileFlags.subarray(from, to), file);
    cold.set(old.digests.subarray(32 * from, 32 * to), 32 * file);
    table.fileNames.set(source.fileNames.subarray(base, source.fileNameEnds[to - 1] ?? base), nameEnd);
    for (let index = from; index < to; index++)
      table.fileNameEnds[file++] = nameEnd - base + (source.fileNameEnds[index] ?? 0);
    nameEnd = table.fileNameEnds[file - 1] ?? nameEnd;
  };
  const copyPuts = (from: number, to: number, skip: number): void => {
    const { put } = change;
    table.fileStats.set(put.stats.subarray(4 * from, 4 * to), 4 * file);
    table.fileFlags.set(put.flags.subarray(from, to), file);
    cold.set(put.digests.subarray(32 * from, 32 * to), 32 * file);
    const names = put.paths.slice(from, to).map((path) => path.slice(skip));
    table.fileNames.write(names.join(''), nameEnd, 'utf8');
    for (const name of names) {
      nameEnd += table.ascii ? name.length : Buffer.byteLength(name);
      table.fileNameEnds[file++] = nameEnd;
    }
  };
  plans.forEach((plan, folder) => {
    folderEnd += table.folderNames.write(plan.path, folderEnd, 'utf8');
    table.folderNameEnds[folder] = folderEnd;
    for (const piece of plan.pieces) {
      if (piece.of === 'old') copyRun(piece.from, piece.to);
      else copyPuts(piece.from, piece.to, plan.path === '' ? 0 : plan.path.length + 1);
    }
    table.folderFileEnds[folder] = file;
    const row = change.folders.get(plan.path);
    if (row !== undefined) {
      table.folderStats.set(row.stat, 4 * folder);
      table.folderFlags[folder] = row.complete ? 1 : 0;
    } else if (plan.old >= 0 && old !== undefined) {
      table.folderStats.set(old.table.folderStats.subarray(4 * plan.old, 4 * plan.old + 4), 4 * folder);
      table.folderFlags[folder] = old.table.folderFlags[plan.old] ?? 0;
    }
  });
  return { hot: new Uint8Array(buffer), cold };
}

function measure(old: StatTable | undefined, change: TableChange, plans: readonly FolderPlan[]) {
  let files = 0;
  let fileNameBytes = 0;
  let folderNameBytes = 0;
  let ascii = old?.ascii ?? true;
  for (const plan of plans) {
    const bytes = Buffer.byteLength(plan.path);
    folderNameBytes += bytes;
    ascii &&= bytes === plan.path.length;
    const skip = plan.path === '' ? 0 : bytes + 1;
    for (const piece of plan.pieces) {
      files += piece.to - piece.from;
      if (piece.of === 'put') {
        for (let put = piece.from; put < piece.to; put++) {
          const path = change.put.paths[put] ?? '';
          const length = Buffer.byteLength(path);
          ascii &&= length === path.length;
          fileNameBytes += length - skip;
        }
      } else if (old !== undefined) {
        const base = piece.from === 0 ? 0 : (old.fileNameEnds[piece.from - 1] ?? 0);
        fileNameBytes += (old.fileNameEnds[piece.to - 1] ?? 0) - base;
      }
    }
  }
  return { folders: plans.length, files, fileNameBytes, folderNameBytes, ascii };
}
