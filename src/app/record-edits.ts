import type { StageNode } from '../graph/graph.ts';
import { isWithin } from '../model/repo-path.ts';
import type { DatasetState, DatasetStates } from './datasets.ts';
import { datasetAt } from './add-targets.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';
import { recordData } from './record-data.ts';

export interface EditScope {
  readonly project: Project;
  readonly datasets: DatasetStates;
  /** Stages that the run may work on. */
  readonly scope: ReadonlySet<StageNode>;
}

/** Records the edits of added data that the stages rest on, so that their inputs are in the store. Answers whether there were any. */
export async function recordEdits(
  ctx: AppContext,
  { project, datasets, scope }: EditScope,
): Promise<boolean> {
  const edited = datasets.added.filter((state) => state.state === 'modified' && isSeen(state, scope));
  if (edited.length === 0) return false;
  const targets = edited.map(({ dataset }) => ({
    dataset: datasetAt(ctx, project, dataset.home),
    scopes: [dataset.home],
  }));
  await recordData(ctx, project, { targets, dryRun: false });
  return true;
}

function isSeen({ dataset }: DatasetState, scope: ReadonlySet<StageNode>): boolean {
  for (const { stage } of scope) {
    for (const { pattern } of stage.deps) {
      if (isWithin(dataset.home, pattern.home) || isWithin(pattern.home, dataset.home)) return true;
    }
  }
  return false;
}
