import type { EndEvent } from '../model/event.ts';
import type { AppContext } from './ports.ts';
import { loadProject, lockedStage, workTreeFiles } from './project.ts';
import { repro } from './repro.ts';
import type { RunPorts } from './run-ports.ts';

/**
 * Runs the rows of the targets again, from the added data that the branch's store has, without looking at anybody's results.
 * Warns of stages that gave something else than the lock recorded; the lock has what they gave. Answers the run's end.
 */
export async function recompute(
  ctx: AppContext,
  targets: readonly string[],
  ports: RunPorts,
): Promise<EndEvent> {
  const before = tablesOf(ctx);
  const end = await repro(
    ctx,
    {
      targets,
      force: true,
      single: false,
      downstream: false,
      failFast: false,
      runCache: false,
      allowDrop: false,
      pull: true,
      allowMissing: false,
      commit: false,
      detach: false,
      dryRun: false,
      check: false,
      since: undefined,
      until: undefined,
      order: undefined,
      jobs: ctx.config.jobs,
    },
    ports,
  );
  const other = [...tablesOf(ctx)].flatMap(([stage, outs]) => (before.get(stage) === outs ? [] : stage));
  if (other.length > 0) {
    ctx.emit({
      event: 'warning',
      code: 'not-as-recorded',
      message: `gave other files than the lock of the merge had: ${other.join(', ')}`,
      hint: 'The lock has what they gave now: git diff datawf.lock, and have it reviewed',
    });
  }
  return end;
}

/** What the outs of each stage are, as one text. */
function tablesOf({ workspace }: AppContext): ReadonlyMap<string, string> {
  const project = loadProject(workTreeFiles(workspace));
  return new Map(
    project.graph.order.map(({ stage }) => [
      stage.id,
      [...(lockedStage(project, stage)?.outs ?? [])].map(([home, { tree }]) => `${home} ${tree}`).join('\n'),
    ]),
  );
}
