import { capturesText } from '../model/captures.ts';
import { matchPath } from '../model/pattern.ts';
import { refused } from '../model/problem.ts';
import { parentOf } from '../model/repo-path.ts';
import type { Out } from '../model/stage.ts';
import { pushTo } from '../util/multimap.ts';
import { isNeverData } from '../workspace/data-names.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';
import { recordedEntry } from './records.ts';
import type { StageState } from './stage-state.ts';

interface OutOf {
  readonly state: StageState;
  readonly out: Out;
}

/**
 * Throws `tracked-by-git` (exit 6) where git tracks a file that a stage writes: one path would have two owners. Of outs with
 * captures those files count that the lock records or that a planned datum is to write. Cost: git's index, and a
 * look-up per tracked file.
 */
export async function refuseTrackedOuts(
  ctx: AppContext,
  project: Project,
  states: readonly StageState[],
): Promise<void> {
  const byHome = new Map<string, OutOf[]>();
  for (const state of states)
    for (const out of state.node.stage.outs) pushTo(byHome, out.pattern.home, { state, out });
  if (byHome.size === 0) return;
  for (const path of await ctx.git.trackedFiles()) {
    for (let home = path; home !== ''; home = parentOf(home)) {
      for (const owner of byHome.get(home) ?? [])
        if (await writes(ctx, owner, path)) throw trackedOut(project, owner, path);
    }
  }
}

async function writes(ctx: AppContext, { state, out }: OutOf, path: string): Promise<boolean> {
  if (isNeverData(path.slice(parentOf(path).length).replace(/^\//, ''))) return false;
  const captures = matchPath(out.pattern, path);
  if (captures === undefined) return false;
  if (captures.size === 0) return true;
  const id = capturesText(captures);
  if (state.datums.some((datum) => datum.id === id && datum.outcome !== 'gone')) return true;
  for (const dataset of state.options.datasets)
    if ((await recordedEntry(ctx.store, dataset, path).catch(() => undefined)) !== undefined) return true;
  return false;
}

function trackedOut(project: Project, { state, out }: OutOf, path: string): Error {
  const { stage } = state.node;
  const problem = refused(
    'tracked-by-git',
    `git tracks ${path}, which stage ${stage.id} writes (out ${out.name})`,
    `Take it out of git, the file stays: git rm --cached ${path}; or give the out another path`,
  );
  return problem.at(
    project.files.get(stage.file)?.place(stage.id, ['outs', out.name]) ?? { file: stage.file },
  );
}
