import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { editsFile } from '../workspace/snapshot.ts';
import { readTable } from '../workspace/stat-file.ts';
import { viewOf, type IndexView } from '../workspace/stat-index.ts';
import { indexFileOf } from '../workspace/workspace.ts';
import { homeRequest } from './datasets.ts';
import type { AppContext } from './ports.ts';
import type { Dataset } from './project.ts';
import { parentOf } from '../model/repo-path.ts';

/** Drops what is known of a home; its files stay. Only for a holder of the process lock. */
export function forgetIndex(ctx: AppContext, home: string): void {
  const request = homeRequest(ctx, home);
  rmSync(request.indexFile, { force: true });
  rmSync(editsFile(request), { force: true });
}

/** Homes that something was brought to and that aren't among the roots any more (another branch had them), with their indexes. */
export function strayIndexes(
  ctx: Pick<AppContext, 'workspace'>,
  roots: readonly string[],
): ReadonlyMap<string, IndexView> {
  const folder = dirname(indexFileOf(ctx.workspace, 'x'));
  const known = new Set(roots.map((root) => basename(indexFileOf(ctx.workspace, root))));
  const strays = new Map<string, IndexView>();
  for (const name of namesIn(folder)) {
    if (name.endsWith('.edits') || name.endsWith('.tmp') || known.has(name)) continue;
    const open = readTable(join(folder, name));
    if (open !== undefined && indexFileOf(ctx.workspace, open.meta.home) === join(folder, name))
      strays.set(open.meta.home, viewOf(open));
  }
  return strays;
}

/** Datasets by the root home that they lie in; roots without any are left out. */
export function groupByRoot(
  roots: readonly string[],
  datasets: Iterable<Dataset>,
): ReadonlyMap<string, readonly Dataset[]> {
  const known = new Set(roots);
  const groups = new Map<string, Dataset[]>();
  for (const dataset of datasets) {
    let root: string = dataset.home;
    while (root !== '' && !known.has(root)) root = parentOf(root);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [dataset]);
    else group.push(dataset);
  }
  return groups;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
