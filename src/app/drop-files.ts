import { makeColumns } from '../disk/file-columns.ts';
import { removeFiles } from '../disk/link.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { patchTree } from '../store/trees.ts';
import { recordPresent } from '../workspace/checkout.ts';
import { readIndex } from '../workspace/stat-index.ts';
import { homeRequest } from './datasets.ts';
import { groupByRoot } from './index-homes.ts';
import type { AppContext } from './ports.ts';
import { toTreePath, type Dataset, type Project } from './project.ts';

/** A recorded file, by repository path. */
export interface DatasetFile {
  readonly dataset: Dataset;
  readonly entry: FileEntry;
}

/**
 * Takes files out of the workspace as if they had never been brought here, so that they are missing, not deleted. Their bytes
 * must be safe elsewhere. Only for a holder of the process lock.
 */
export async function dropFiles(
  ctx: AppContext,
  project: Project,
  files: readonly DatasetFile[],
): Promise<void> {
  if (files.length === 0) return;
  await removeFiles({
    root: ctx.workspace.root,
    paths: files.map(({ entry }) => entry.path),
    signal: ctx.signal,
  });
  const datasets = new Set(files.map(({ dataset }) => dataset));
  for (const [root, group] of groupByRoot(project.roots, datasets)) {
    const index = readIndex(homeRequest(ctx, root).indexFile);
    if (index === undefined) continue;
    const trees = new Map<string, Digest | undefined>();
    const forget: string[] = [];
    for (const dataset of group) {
      const paths = files.filter((file) => file.dataset === dataset).map(({ entry }) => entry.path);
      forget.push(...paths);
      trees.set(
        dataset.owner,
        await treeWithout(ctx, dataset, { brought: index.trees.get(dataset.owner), paths }),
      );
    }
    recordPresent({ ...homeRequest(ctx, root), present: makeColumns([]), forget, trees });
  }
}

async function treeWithout(
  ctx: AppContext,
  dataset: Dataset,
  { brought, paths }: { brought: Digest | undefined; paths: readonly string[] },
): Promise<Digest | undefined> {
  if (brought === undefined || (dataset.single && dataset.pointer !== undefined)) return undefined;
  const ref = await patchTree(ctx.store, brought, {
    put: [],
    remove: paths.map((path) => toTreePath(dataset, path)),
  });
  return ref.files === 0 ? undefined : ref.tree;
}
