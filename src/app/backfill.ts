import type { EndEvent } from '../model/event.ts';
import { invalid } from '../model/problem.ts';
import type { AppContext } from './ports.ts';
import { startRun } from './repro.ts';
import type { RunRequest } from './requests.ts';
import type { RunPorts } from './run-ports.ts';

/**
 * Repairs history: the datums of the targets whose period meets the half-open window, in the order of time, with what they
 * need. Rows outside the window stay as they are. Throws `empty-window` (exit 2) where nothing lies in it.
 */
export async function backfill(
  ctx: AppContext,
  request: Omit<RunRequest, 'kind'>,
  ports: RunPorts,
): Promise<EndEvent> {
  if (request.targets.length === 0) {
    throw invalid('no-target', 'backfill needs a target', 'Name stages: datawf backfill clean --since 90d');
  }
  if (request.since === undefined) {
    throw invalid('no-since', 'backfill needs --since', 'Say from when: --since 2024-05-01, or --since 90d');
  }
  return await startRun(ctx, { ...request, kind: 'backfill' }, { ports, started: ctx.around.now() });
}
