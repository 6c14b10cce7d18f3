import type { EndEvent, StagePlanLine } from '../model/event.ts';
import { sumCounts, type RunCounts } from '../model/outcome.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { assess } from './assess.ts';
import { checkDrops } from './drop-guard.ts';
import type { AppContext } from './ports.ts';
import type { RunRequest } from './requests.ts';
import { assessRequest, type RunStart } from './run-request.ts';
import { tellWindow } from './run-window.ts';
import { planLine, runCounts } from './stage-report.ts';
import type { StageState } from './stage-state.ts';

/** The same path as a run, up to where something would happen. Exact up to the first stale stage, bounds behind it. */
export async function dryRun(
  ctx: AppContext,
  request: RunRequest,
  { started, ports }: RunStart,
): Promise<EndEvent> {
  let drop: Problem | undefined;
  const onPlanned = async (state: StageState): Promise<void> => {
    try {
      if (!request.allowDrop) await checkDrops(state);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      drop ??= error;
    }
  };
  const assessment = await assess(ctx, assessRequest(request), { onPlanned });
  const { states, memo } = assessment;
  if (request.kind === 'backfill') await tellWindow(ctx, { request, assessment, ports });
  const lines: StagePlanLine[] = [];
  for (const state of states) {
    if (state.progress !== 'outside' && state.progress !== 'unchanged')
      lines.push(await planLine(ctx, state, memo));
  }
  const work = lines.filter((line) => line.toRun + line.cached + line.vanished + line.blocked > 0);
  ctx.emit({ event: 'plan', stages: work, dryRun: true });
  if (drop !== undefined) {
    const { code, message, hint } = drop;
    ctx.emit({ event: 'warning', code, message, ...(hint === undefined ? {} : { hint }) });
  }
  const end: EndEvent = {
    event: 'end',
    state: 'done',
    exit: request.check && work.length > 0 ? EXIT.changes : EXIT.ok,
    dryRun: true,
    counts: dryCounts(states, lines),
    seconds: (ctx.around.now() - started) / 1000,
  };
  ctx.emit(end);
  return end;
}

/** Counts of a plan: what would run counts as ran. */
function dryCounts(states: readonly StageState[], lines: readonly StagePlanLine[]): RunCounts {
  const total = sumCounts(states.map(runCounts));
  const toRun = lines.reduce((sum, line) => sum + line.toRun, 0);
  return { ...total, ran: toRun, planned: total.planned + toRun };
}
