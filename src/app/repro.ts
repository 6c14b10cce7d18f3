import type { EndEvent } from '../model/event.ts';
import { invalid, type Problem } from '../model/problem.ts';
import { isCluster } from './cluster-run.ts';
import { dryRun } from './dry-run.ts';
import type { AppContext } from './ports.ts';
import { runLocked } from './repro-run.ts';
import type { ReproRequest, RunRequest } from './requests.ts';
import type { RunPorts } from './run-ports.ts';
import type { RunStart } from './run-request.ts';
import { withLock } from './writing.ts';

/**
 * Brings the targets and what they need up to date. Exit 3 where a datum failed or is blocked, 130 where it was interrupted,
 * 10 for a dry run with `check` that has something to do. Nothing finished is ever lost: going on is running it again.
 */
export async function repro(ctx: AppContext, request: ReproRequest, ports: RunPorts): Promise<EndEvent> {
  const run = { ...request, kind: 'repro', mode: 'stale', by: undefined, maxFailures: undefined } as const;
  return await startRun(ctx, run, { ports, started: ctx.around.now() });
}

/** A run, or what it would do. */
export async function startRun(ctx: AppContext, request: RunRequest, start: RunStart): Promise<EndEvent> {
  if (request.detach && !isCluster(await ctx.environment())) throw noDetach();
  if (request.dryRun) return await dryRun(ctx, request, start);
  return await withLock(ctx, `datawf ${request.kind}`, () => runLocked(ctx, request, start));
}

function noDetach(): Problem {
  return invalid(
    'no-detach',
    'only Jobs of a cluster go on without this command, and the environment runs commands on this machine',
    'Take --detach out, or name an environment with executor: kubernetes: --env NAME',
  );
}
