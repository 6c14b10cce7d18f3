import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { EndEvent } from '../model/event.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { isWithin } from '../model/repo-path.ts';
import { applyPatch } from '../workspace/checkout.ts';
import type { HomeSnapshot } from '../workspace/snapshot.ts';
import { dataScope } from './checkout-scope.ts';
import { homeRequest, snapshotRoots } from './datasets.ts';
import { groupByRoot } from './index-homes.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';
import { withLock } from './writing.ts';

export interface UnlockRequest {
  readonly paths: readonly string[];
  readonly dryRun: boolean;
}

/**
 * Turns read-only links into editable copies. `checkout --relink` and the next `add` make links of them again. The end event
 * has the `files` and `bytes` made.
 */
export async function unlock(ctx: AppContext, request: UnlockRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const work = (): Promise<Unlocked> => unlockAll(ctx, request);
  const totals = request.dryRun ? await work() : await withLock(ctx, 'datawf unlock', work);
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, ...totals };
  ctx.emit(end);
  return end;
}

interface Unlocked {
  readonly files: number;
  readonly bytes: number;
}

async function unlockAll(ctx: AppContext, request: UnlockRequest): Promise<Unlocked> {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const scope = dataScope(ctx, project, request.paths);
  const groups = groupByRoot(project.roots, scope.datasets);
  const totals = { files: 0, bytes: 0 };
  for (const [root, snapshot] of await snapshotRoots(ctx, [...groups.keys()])) {
    for (const dataset of groups.get(root) ?? []) {
      const entries = cleanFiles(
        snapshot,
        (path) => isWithin(path, dataset.home) && scope.within?.(dataset, path) !== false,
      );
      if (!request.dryRun) await makeEditable(ctx, root, entries);
      const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
      totals.files += entries.length;
      totals.bytes += bytes;
      const verb = request.dryRun ? 'would unlock' : 'unlocked';
      ctx.emit({
        event: 'dataset',
        verb,
        path: dataset.home,
        added: 0,
        changed: 0,
        deleted: 0,
        files: entries.length,
        bytes,
      });
      if (dataset.stage !== undefined && entries.length > 0) {
        ctx.emit({
          event: 'warning',
          code: 'output-unlocked',
          message: `${dataset.home} is an out of stage ${dataset.stage.stage.id}: an edited out stops repro`,
          hint: 'Keep a correction in a file of its own, as an optional dep of the stage.',
        });
      }
    }
  }
  return totals;
}

/** Files of an index that lie in the workspace as it says. */
export function cleanFiles(snapshot: HomeSnapshot, isMeant: (path: string) => boolean): readonly FileEntry[] {
  const edited = new Set([...snapshot.edits.deleted, ...snapshot.edits.changed.map(({ path }) => path)]);
  return snapshot.index.listing().filter(({ path }) => !edited.has(path) && isMeant(path));
}

/** Gives clean files bytes of their own and write permission. Only for a holder of the process lock. */
export async function makeEditable(
  ctx: AppContext,
  root: string,
  entries: readonly FileEntry[],
): Promise<void> {
  const lost = new Set(
    await ctx.store.missingObjects(
      entries.map(({ digest }) => digest),
      ctx.signal,
    ),
  );
  await applyPatch({
    ...homeRequest(ctx, root),
    put: entries.filter(({ digest }) => !lost.has(digest)),
    remove: [],
    trees: new Map(),
    links: ['copy'],
    store: ctx.store,
    force: false,
    editable: true,
  });
  // Without an object there is nothing that an edit could damage.
  for (const { path, digest, kind } of entries) {
    if (lost.has(digest) && kind !== 'l')
      chmodSync(join(ctx.workspace.root, path), kind === 'x' ? 0o755 : 0o644);
  }
}
