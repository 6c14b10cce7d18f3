import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { digestAt } from '../disk/file-columns.ts';
import { hashFiles } from '../disk/hash-pool.ts';
import { isSealed } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { detachEditedLinks } from '../workspace/edited-link.ts';
import type { IndexView } from '../workspace/stat-index.ts';
import type { AppContext } from './ports.ts';

/**
 * Files that are hard links into the store and were edited in place have damaged the object behind them: gives them bytes of
 * their own before they are recorded, and puts the objects aside. Looks only at files that the index knows; a warning names
 * what was found.
 */
export async function detachBeforeAdd(
  ctx: AppContext,
  paths: readonly string[],
  index: IndexView,
): Promise<void> {
  if (index.files === 0) return;
  const suspects = new Map<string, Digest>();
  for (const path of paths) {
    const digest = index.entry(path)?.digest;
    if (digest !== undefined && isTouchedLink(ctx, path, digest)) suspects.set(path, digest);
  }
  if (suspects.size === 0) return;
  const columns = await hashFiles({
    root: ctx.workspace.root,
    paths: [...suspects.keys()],
    signal: ctx.signal,
  });
  columns.paths.forEach((path, row) => {
    if (digestAt(columns, row) === suspects.get(path)) suspects.delete(path);
  });
  detachEdited(ctx, suspects);
}

/** Gives files, edited through links into the store, bytes of their own; by path the digests that they had. */
export function detachEdited(ctx: AppContext, files: ReadonlyMap<string, Digest>): void {
  if (files.size === 0) return;
  const gone = detachEditedLinks({ root: ctx.workspace.root, storeFolder: ctx.store.folder, files });
  const [first] = files.keys();
  if (gone.length === 0) return;
  ctx.emit({
    event: 'warning',
    code: 'edited-through-link',
    message: `${first ?? ''}${files.size > 1 ? ` and ${files.size - 1} more were edited through their links` : ' was edited through its link'} into the store, which damaged the version before`,
    hint: 'The damaged objects were put aside. Get the earlier version back with `datawf pull` where another store has it; use `datawf unlock` before editing.',
  });
}

function isTouchedLink(ctx: AppContext, path: string, digest: Digest): boolean {
  const file = lstatSync(join(ctx.workspace.root, path), { throwIfNoEntry: false });
  const object = lstatSync(ctx.store.objectPath(digest), { throwIfNoEntry: false });
  if (file === undefined || object === undefined) return false;
  return file.ino === object.ino && file.dev === object.dev && !isSealed(object, digest);
}
