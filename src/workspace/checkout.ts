import { rmdirSync } from 'node:fs';
import type { FileColumns } from '../disk/file-columns.ts';
import { materialiseFiles, removeFiles } from '../disk/link.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import { walkFolder } from '../disk/walk.ts';
import type { LinkKind } from '../model/config.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { joinRows, rowsOfColumns } from './file-rows.ts';
import { planPatch, type ObjectSource } from './guard.ts';
import type { HomeRequest } from './home-diff.ts';
import { timeAfterRows, writeRecord } from './record.ts';
import { readTable, type OpenTable } from './stat-file.ts';
import { finderOf } from './stat-index.ts';
import type { FileRows } from './stat-merge.ts';
import { FILE, STAT } from './stat-table.ts';

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
  /** Give ordinary writable files instead of read-only links (`unlock`), also where they are right. */
  readonly editable?: boolean;
}

export interface PatchResult {
  readonly put: number;
  readonly removed: number;
  /** In place already. */
  readonly kept: number;
  /** Size of the files put. */
  readonly bytes: number;
}

/**
 * Brings a root home to a version and records it. Refuses with `unsaved-data` (exit 6, up to 20 paths) before anything is
 * touched where a file in the way is one whose bytes the store doesn't have. Raises `missing-object` (exit 4),
 * `corrupt-object` (exit 7) when it comes to an object; the files made until then stay. Creates before it deletes; the index
 * is written last, so that the next run continues after a crash. Only for a holder of the process lock.
 */
export async function applyPatch(request: PatchRequest): Promise<PatchResult> {
  const anew = request.relink === true || request.editable === true;
  const open = readTable(request.indexFile);
  const plan = await planPatch({ ...request, storeFolder: request.store.folder, anew }, open);
  await clearTheWay(request, plan);
  const made = await createFiles(request, plan.create);
  await removeFiles({ root: request.root, paths: plan.remove, ...signalOf(request) });
  const put = joinRows(plan.present, made);
  const staying = new Set(request.put.map((entry) => entry.path));
  const drop = [...request.remove, ...plan.removeFirst].filter((path) => !staying.has(path));
  const moved = put.paths.length + plan.remove.length + plan.removeFirst.length > 0;
  if (moved || saysOtherwise(open, drop, request.trees)) {
    writeRecord(request, open, { put, drop, trees: request.trees });
  }
  return {
    put: plan.create.length,
    removed: plan.remove.length,
    kept: plan.kept + plan.present.paths.length,
    bytes: plan.create.reduce((sum, entry) => sum + entry.size, 0),
  };
}

/** Whether the index isn't yet as it is to be, where no file moved. */
function saysOtherwise(
  open: OpenTable | undefined,
  drop: readonly string[],
  trees: ReadonlyMap<string, Digest | undefined>,
): boolean {
  for (const [owner, tree] of trees) if (open?.meta.trees[owner] !== tree) return true;
  if (open === undefined || drop.length === 0) return false;
  const find = finderOf(open.table);
  return drop.some((path) => find(path) >= 0);
}

export interface RecordRequest extends HomeRequest {
  /** Files in place as `ingestFiles` or `materialiseFiles` answered them, paths relative to the root. */
  readonly present: FileColumns;
  /** Files no longer part of any version here; they aren't touched. */
  readonly forget: readonly string[];
  /** As in PatchRequest. */
  readonly trees: ReadonlyMap<string, Digest | undefined>;
}

/**
 * Records files that are in place, without touching them: the end of `add`, and of stages whose outputs were moved in. Writes
 * the whole index: call it for many datums at once. Only for a holder of the process lock.
 */
export function recordPresent(request: RecordRequest): void {
  const time = timeAfterRows(request, request.present.mtimes);
  writeRecord(request, readTable(request.indexFile), {
    put: rowsOfColumns(request.present, time),
    drop: request.forget,
    trees: request.trees,
  });
}

async function clearTheWay(
  request: PatchRequest,
  plan: { readonly removeFirst: readonly string[]; readonly emptyFolders: readonly string[] },
): Promise<void> {
  if (plan.removeFirst.length > 0) {
    await removeFiles({ root: request.root, paths: plan.removeFirst, ...signalOf(request) });
  }
  for (const folder of plan.emptyFolders) {
    for (const empty of walkFolder({ root: request.root, folder }).folders.toReversed()) {
      try {
        rmdirSync(`${request.root}/${empty}`);
      } catch (error) {
        throw fsProblem(error, 'remove', empty);
      }
    }
  }
}

async function createFiles(request: PatchRequest, create: readonly FileEntry[]): Promise<FileRows> {
  const { onProgress, editable } = request;
  const columns = await materialiseFiles({
    root: request.root,
    storeFolder: request.store.folder,
    entries: create,
    links: request.links,
    ...(editable === undefined ? {} : { editable }),
    ...signalOf(request),
    ...(onProgress === undefined ? {} : { onProgress: (done: number) => onProgress(done, create.length) }),
  });
  const rows = rowsOfColumns(columns, timeAfterRows(request, columns.mtimes));
  rows.paths.forEach((_, row) => {
    if (((rows.flags[row] ?? 0) & FILE.symlinked) !== 0)
      rows.stats[4 * row + STAT.size] = create[row]?.size ?? 0;
  });
  return rows;
}

function signalOf({ signal }: HomeRequest): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
