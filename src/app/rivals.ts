import { matchPath } from '../model/pattern.ts';
import { isWithin } from '../model/repo-path.ts';
import type { AttemptOutcome } from '../run/runner.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { Planner } from './planner.ts';
import type { StageState } from './stage-state.ts';

type Ok = Extract<AttemptOutcome, { state: 'ok' }>;

/**
 * A path that somebody else makes already: the failure that names both, or undefined. Looks only at stages and added data
 * whose homes overlap.
 */
export async function checkRivals(
  planner: Planner,
  datum: DatumPlan<StageState>,
  ran: Ok,
): Promise<AttemptOutcome | undefined> {
  for (const file of ran.outs) {
    const rival =
      (await addedRival(planner, file.path)) ?? (await stageRival(planner, datum.stage, file.path));
    if (rival === undefined) continue;
    return {
      state: 'failed',
      class: 'user',
      code: 'two-producers',
      message: `${file.path} is written by stage ${datum.stage.id} and ${rival}`,
      hint: 'Give one of the two another path: a path has one producer.',
      paths: [file.path],
      stderr: '',
      usage: ran.usage,
      retry: false,
    };
  }
  return undefined;
}

async function addedRival(planner: Planner, path: string): Promise<string | undefined> {
  for (const added of planner.options.sources.allAdded) {
    if (!isWithin(path, added.dataset.home)) continue;
    if ((await added.listingNow()).some((file) => file.path === path))
      return `recorded by ${added.dataset.home}.datawf`;
  }
  return undefined;
}

async function stageRival(planner: Planner, state: StageState, path: string): Promise<string | undefined> {
  for (const other of planner.options.states) {
    if (
      other === state ||
      !other.node.stage.outs.some(
        (out) => isWithin(path, out.pattern.home) && matchPath(out.pattern, path) !== undefined,
      )
    )
      continue;
    const view = await other.view(planner.readTree);
    const index = view.paths.indexOf(path);
    if (index >= 0 && (view.entries[index] !== undefined || view.origins[index]?.outcome !== undefined))
      return `by stage ${other.id}`;
  }
  return undefined;
}
