import { scopeOf } from './assess.ts';
import { isConcerned } from './bring-here.ts';
import type { Selection } from '../graph/select.ts';
import type { DatasetStates } from './datasets.ts';
import { bringObjects } from './fetch.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';
import type { RunRequest } from './requests.ts';
import { openTraffic } from './traffic.ts';

/**
 * Fetches the recorded data that a run rests on and that isn't in the workspace, as far as the branch's stores have it. What
 * they don't have is for the plan to see to.
 */
export async function pullRecorded(
  ctx: AppContext,
  {
    project,
    selection,
    datasets,
  }: {
    readonly project: Project;
    readonly selection: Selection;
    readonly datasets: DatasetStates;
  },
  { single, downstream }: RunRequest,
): Promise<void> {
  const scope = scopeOf({ selection, single, downstream });
  const missing = datasets.all.filter(
    (one) => one.state === 'missing' && isConcerned({ scope, project }, one),
  );
  if (missing.length === 0) return;
  await bringObjects(ctx, {
    project,
    traffic: openTraffic(ctx, 'fetching'),
    request: { runCache: false, dryRun: false },
    scope: {
      datasets: new Set(missing.map(({ dataset }) => dataset)),
      filesOf: () => undefined,
      insideOf: () => undefined,
      rowsOf: () => () => true,
      isAll: false,
    },
  });
}
