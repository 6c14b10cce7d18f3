import { pushTo } from '../util/multimap.ts';
import { parseRow } from '../formats/datum-table.ts';
import { capturesText } from '../model/captures.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { LockStage } from '../model/lock.ts';
import { matchPath, parsePattern, type Pattern } from '../model/pattern.ts';
import type { Stage } from '../model/stage.ts';
import type { Store } from '../store/store.ts';
import { readTable } from '../store/tables.ts';
import { recordedListing } from './records.ts';
import type { Dataset } from './project.ts';

/** Output files by datum, repository paths sorted by bytes. */
export type RowFiles = Map<string, readonly FileEntry[]>;

/** A stage's rows by the datum's name; none where the lock has no entry. */
export async function readRows(store: Store, locked: LockStage | undefined): Promise<Map<string, DatumRow>> {
  const rows = new Map<string, DatumRow>();
  if (locked === undefined) return rows;
  for (const line of await readTable(store, locked.datums.table)) {
    const row = parseRow(line);
    rows.set(row.captures, row);
  }
  return rows;
}

/**
 * Which files of the stage's datasets belong to which row: read off the paths by the patterns of the outs, for rows of an
 * older definition by the patterns that their code half names. A file that no row claims belongs to nobody and is dropped
 * with the next write.
 */
export async function readRowFiles(
  store: Store,
  stage: Stage,
  { datasets, rows }: { readonly datasets: readonly Dataset[]; readonly rows: ReadonlyMap<string, DatumRow> },
): Promise<{ readonly files: RowFiles; readonly orphans: readonly FileEntry[] }> {
  const files = new Map<string, FileEntry[]>();
  const orphans: FileEntry[] = [];
  const present = stage.outs.map((out) => out.pattern);
  let older: readonly Pattern[] | undefined;
  for (const dataset of datasets) {
    for (const entry of await recordedListing(store, dataset)) {
      let id = rowOf(present, entry.path, rows);
      if (id === undefined) {
        older ??= await olderPatterns(store, rows);
        id = rowOf(older, entry.path, rows);
      }
      if (id === undefined) {
        orphans.push(entry);
        continue;
      }
      pushTo(files, id, entry);
    }
  }
  return { files, orphans };
}

function rowOf(
  patterns: readonly Pattern[],
  path: string,
  rows: ReadonlyMap<string, DatumRow>,
): string | undefined {
  for (const pattern of patterns) {
    const captures = matchPath(pattern, path);
    if (captures === undefined) continue;
    const id = capturesText(captures);
    if (rows.has(id)) return id;
  }
  return undefined;
}

async function olderPatterns(store: Store, rows: ReadonlyMap<string, DatumRow>): Promise<readonly Pattern[]> {
  const halves = new Set<Digest>();
  for (const row of rows.values()) if (row.code !== undefined) halves.add(row.code);
  const patterns = new Map<string, Pattern>();
  for (const half of halves) {
    for (const source of outSources(await store.readKey(half))) {
      if (!patterns.has(source)) patterns.set(source, parsePattern(`/${source}`, ''));
    }
  }
  return [...patterns.values()];
}

/** Patterns of the outs that a code half's document names. */
export function outSources(json: string | undefined): string[] {
  if (json === undefined) return [];
  const document = JSON.parse(json) as { outs?: Record<string, { pattern?: unknown }> };
  return Object.values(document.outs ?? {}).flatMap(({ pattern }) =>
    typeof pattern === 'string' ? [pattern] : [],
  );
}
