import type { EndEvent } from '../model/event.ts';
import type { RunCounts } from '../model/outcome.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { assess, type AssessRequest } from './assess.ts';
import type { AppContext } from './ports.ts';
import type { ReproRequest } from './requests.ts';
import { checkDrops } from './drop-guard.ts';
import { runLocked } from './repro-run.ts';
import type { RunPorts } from './run-ports.ts';
import { planLine, runCounts } from './stage-report.ts';
import type { StageState } from './stage-state.ts';
import { withLock } from './writing.ts';

/**
 * Brings the targets and what they need up to date. Exit 3 where a datum failed or is blocked, 130 where it was interrupted,
 * 10 for a dry run with `check` that has something to do. Nothing finished is ever lost: going on is running it again.
 */
export async function repro(ctx: AppContext, request: ReproRequest, ports: RunPorts): Promise<EndEvent> {
  const started = ctx.around.now();
  if (request.dryRun) return await dryRun(ctx, request, started);
  return await withLock(ctx, 'datawf repro', () => runLocked(ctx, request, { ports, started }));
}

/** What a request means for the assessment. */
export function assessRequest(request: ReproRequest): AssessRequest {
  return {
    targets: request.targets,
    single: request.single,
    downstream: request.downstream,
    force: request.force,
    runCache: request.runCache,
    runAlways: true,
    since: request.since,
    until: request.until,
  };
}

/** The same path as a run, up to where something would happen. */
async function dryRun(ctx: AppContext, request: ReproRequest, started: number): Promise<EndEvent> {
  let drop: Problem | undefined;
  const onPlanned = async (state: StageState): Promise<void> => {
    try {
      if (!request.allowDrop) await checkDrops(state);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      drop ??= error;
    }
  };
  const { states, memo } = await assess(ctx, assessRequest(request), { onPlanned });
  const planned = states.filter((state) => state.progress !== 'outside' && state.progress !== 'unchanged');
  const lines = [];
  for (const state of planned) lines.push(await planLine(ctx, state, memo));
  const work = lines.filter((line) => line.toRun + line.cached + line.vanished + line.blocked > 0);
  ctx.emit({ event: 'plan', stages: work, dryRun: true });
  if (drop !== undefined)
    ctx.emit({
      event: 'warning',
      code: drop.code,
      message: drop.message,
      ...(drop.hint === undefined ? {} : { hint: drop.hint }),
    });
  const counts = dryCounts(states, lines);
  const exit = request.check && work.length > 0 ? EXIT.changes : EXIT.ok;
  const end: EndEvent = {
    event: 'end',
    state: 'done',
    exit,
    dryRun: true,
    counts,
    seconds: (ctx.around.now() - started) / 1000,
  };
  ctx.emit(end);
  return end;
}

/** Counts of a plan: what would run counts as ran. */
function dryCounts(
  states: readonly StageState[],
  lines: readonly { readonly stage: string; readonly toRun: number }[],
): RunCounts {
  const total = sumCounts(states.map(runCounts));
  const toRun = lines.reduce((sum, line) => sum + line.toRun, 0);
  return { ...total, ran: toRun, planned: total.planned + toRun };
}

export function sumCounts(all: readonly RunCounts[]): RunCounts {
  const sum = { planned: 0, ran: 0, cached: 0, identical: 0, failed: 0, blocked: 0, waiting: 0, skipped: 0 };
  for (const counts of all)
    for (const key of Object.keys(sum) as (keyof RunCounts)[]) sum[key] += counts[key];
  return sum;
}
