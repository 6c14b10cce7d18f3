import { parseRow } from '../formats/datum-table.ts';
import { parseLockFile } from '../formats/lock-file.ts';
import { parsePointerFile } from '../formats/pointer-file.ts';
import type { FileEntry, TreeRef } from '../model/file-entry.ts';
import { EMPTY_LOCK, type LockStage } from '../model/lock.ts';
import type { Pointer } from '../model/pointer.ts';
import { Problem } from '../model/problem.ts';
import type { VersionsDiff } from '../model/report.ts';
import { compareBytes, joinPath, type RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { diffTables } from '../store/tables.ts';
import { diffTrees } from '../store/trees.ts';
import { reportOf, type Change, type Changes } from './diff.ts';

/** Two versions of a lock or pointer; undefined where one hasn't the file. */
export interface Versions {
  readonly file: RepoPath;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * What differs between two versions of a lock or pointer: files of datasets, and what else there is to say. What isn't in
 * the store is said in a note, and so is a version that can't be read. Cost: in proportion to what differs.
 */
export async function diffVersions(store: Store, versions: Versions): Promise<VersionsDiff> {
  const { file } = versions;
  const found: Found = { homes: new Map(), notes: [] };
  try {
    await (/(^|\/)datawf\.lock$/.test(file) ? diffLocks : diffPointers)(store, versions, found);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    found.notes.push(error.message);
  }
  const datasets = [...found.homes]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([home, changes]) => reportOf(home, changes, () => true))
    .filter((one) => one.added.length + one.changed.length + one.deleted.length + one.renamed.length > 0);
  return { file, datasets, notes: found.notes };
}

interface Found {
  readonly homes: Map<string, Changes>;
  readonly notes: string[];
}

async function diffLocks(store: Store, { file, before, after }: Versions, found: Found): Promise<void> {
  const [old, now] = [before, after].map((text) =>
    text === undefined ? EMPTY_LOCK : parseLockFile(text, file),
  );
  const names = new Set([...(old?.stages.keys() ?? []), ...(now?.stages.keys() ?? [])]);
  for (const name of [...names].sort(compareBytes)) {
    const pair = { before: old?.stages.get(name), after: now?.stages.get(name) };
    const said = await stageNote(store, pair);
    if (said !== '') found.notes.push(`stage ${name}: ${said}`);
    const homes = new Set([...(pair.before?.outs.keys() ?? []), ...(pair.after?.outs.keys() ?? [])]);
    for (const home of homes) {
      await diffHome(store, found, {
        home,
        before: pair.before?.outs.get(home),
        after: pair.after?.outs.get(home),
      });
    }
  }
}

interface StagePair {
  readonly before: LockStage | undefined;
  readonly after: LockStage | undefined;
}

/** What differs of a stage besides its files, '' for nothing. */
async function stageNote(store: Store, { before, after }: StagePair): Promise<string> {
  if (after === undefined) return 'not there any more';
  const parts: string[] = before === undefined ? ['new'] : [];
  if (before !== undefined && before.code !== after.code) parts.push('other code');
  if (before?.datums.table !== after.datums.table) parts.push(await rowNote(store, before, after));
  const { failed } = after.datums;
  if (failed !== (before?.datums.failed ?? 0)) parts.push(`${failed} failed`);
  if ([...after.accepted.keys()].some((code) => before?.accepted.has(code) !== true))
    parts.push('accepted code');
  return parts.filter((part) => part !== '').join(', ');
}

async function rowNote(store: Store, before: LockStage | undefined, after: LockStage): Promise<string> {
  try {
    const { added, changed, deleted } = await diffTables(store, before?.datums.table, after.datums.table);
    const remade = changed.filter(
      (pair) => parseRow(pair.before).state === parseRow(pair.after).state,
    ).length;
    const marked = changed.length - remade;
    return [
      added.length === 0 ? '' : `${counted(added.length)} added`,
      remade === 0 ? '' : `${counted(remade)} made anew`,
      marked === 0 ? '' : `${counted(marked)} failed or repaired`,
      deleted.length === 0 ? '' : `${counted(deleted.length)} gone`,
    ]
      .filter((part) => part !== '')
      .join(', ');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `${after.datums.count} datums instead of ${before?.datums.count ?? 0} (their table is not in the local store)`;
  }
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'datum' : 'datums'}`;
}

async function diffPointers(store: Store, { file, before, after }: Versions, found: Found): Promise<void> {
  const [old, now] = [before, after].map((text) =>
    text === undefined ? undefined : parsePointerFile(text, file),
  );
  if (old?.source !== now?.source && now !== undefined)
    found.notes.push(`from ${now.source ?? 'nowhere else'}`);
  if (isFolder(old) && isFolder(now)) {
    const home = (now ?? old)?.path;
    if (home !== undefined) await diffHome(store, found, { home, before: treeOf(old), after: treeOf(now) });
    return;
  }
  for (const [side, pointer] of [
    ['before', old],
    ['after', now],
  ] as const) {
    if (pointer === undefined) continue;
    const { content, path } = pointer;
    if (content.type === 'file')
      noteFile(found, {
        home: path,
        path,
        side,
        entry: { path, kind: content.kind, digest: content.digest, size: content.bytes },
      });
    else await diffHome(store, found, { home: path, before: undefined, after: undefined, [side]: content });
  }
}

function isFolder(pointer: Pointer | undefined): boolean {
  return pointer === undefined || pointer.content.type === 'folder';
}

function treeOf(pointer: Pointer | undefined): TreeRef | undefined {
  return pointer?.content.type === 'folder' ? pointer.content : undefined;
}

interface HomePair {
  readonly home: RepoPath;
  readonly before: TreeRef | undefined;
  readonly after: TreeRef | undefined;
}

async function diffHome(store: Store, found: Found, { home, before, after }: HomePair): Promise<void> {
  if (before?.tree === after?.tree) return;
  try {
    const diff = await diffTrees(store, before?.tree, after?.tree);
    const note = (side: 'before' | 'after', entry: FileEntry): void =>
      noteFile(found, { home, path: pathIn(home, entry.path), side, entry });
    for (const entry of diff.added) note('after', entry);
    for (const entry of diff.deleted) note('before', entry);
    for (const pair of diff.changed) {
      note('before', pair.before);
      note('after', pair.after);
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    found.notes.push(
      `${home}: ${after?.files ?? 0} files instead of ${before?.files ?? 0} (their listing is not in the local store)`,
    );
  }
}

/** A home that is one file has a tree with that file's name alone. */
function pathIn(home: RepoPath, path: string): RepoPath {
  return home === path || home.endsWith(`/${path}`) ? home : joinPath(home, path);
}

function noteFile(
  found: Found,
  { home, path, side, entry }: { home: string; path: RepoPath; side: 'before' | 'after'; entry: FileEntry },
): void {
  const changes: Changes = found.homes.get(home) ?? new Map<string, Change>();
  found.homes.set(home, changes);
  const change = changes.get(path) ?? { before: undefined, after: undefined };
  change[side] = { ...entry, path };
  changes.set(path, change);
}
