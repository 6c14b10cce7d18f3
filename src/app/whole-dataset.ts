import type { FileEntry } from '../model/file-entry.ts';
import { isWithin } from '../model/repo-path.ts';
import type { Dep } from '../model/stage.ts';
import { isBad } from './datum-plan.ts';
import type { WholeDataset } from './out-view.ts';
import type { Dataset } from './project.ts';
import type { Sources } from './sources.ts';
import type { StageState } from './stage-state.ts';

export interface WholeFacts {
  readonly dep: Dep;
  /** Stages that write into it. */
  readonly makers: readonly StageState[];
  readonly sources: Sources;
  readonly readTree: (dataset: Dataset) => Promise<readonly FileEntry[]>;
}

/**
 * The one settled dataset that a dep takes whole, undefined where it doesn't: then the dataset's tree is the dep's, and a
 * million files needn't be read to know that nothing changed.
 */
export async function wholeDataset({
  dep,
  makers,
  sources,
  readTree,
}: WholeFacts): Promise<WholeDataset | undefined> {
  const { home } = dep.pattern;
  if (dep.window !== undefined || dep.pattern.source !== `${home}/` || sources.plain(dep).length > 0)
    return undefined;
  const added = sources.added(dep);
  const [maker] = makers;
  if (makers.length + added.length !== 1) return undefined;
  if (maker !== undefined) {
    if (!maker.isAsLocked || maker.datums.some(isBad)) return undefined;
    const near = maker.options.datasets.filter(
      (dataset) => isWithin(dataset.home, home) || isWithin(home, dataset.home),
    );
    const [only] = near;
    if (near.length !== 1 || only?.recorded === undefined || only.home !== home || only.single)
      return undefined;
    return { tree: only.recorded, files: only.files, load: () => readTree(only) };
  }
  const [set] = added;
  if (set === undefined || set.dataset.home !== home || set.dataset.single) return undefined;
  const tree = await set.treeNow();
  if (tree === undefined) return undefined;
  const files = set.dataset.files + set.added.length - set.deleted.length;
  return { tree, files, load: () => set.listingNow() };
}
