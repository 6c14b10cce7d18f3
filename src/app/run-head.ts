import type { RunHead, RunKind } from '../model/run-record.ts';
import type { AppContext } from './ports.ts';
import { isCluster } from './cluster-run.ts';
import type { RunPorts } from './run-ports.ts';

/** What a run's record says when it is opened: who, what, where from, and which process. */
export async function runHead(
  ctx: AppContext,
  ports: Pick<RunPorts, 'process' | 'subject'>,
  kind: RunKind,
): Promise<RunHead> {
  const head = await ctx.workspace.head();
  const environment = await ctx.environment();
  const isJobs = kind !== 'accept' && isCluster(environment);
  const subject = isJobs ? await ports.subject() : undefined;
  return {
    kind,
    argv: ctx.around.argv,
    user: { ...(await ctx.git.user()), ...(subject === undefined ? {} : { subject }) },
    client: ctx.around.version,
    process: await ports.process(),
    branch: head.branch ?? '',
    commit: head.commit ?? '',
    dirty: await ctx.git.isDirty(),
    environment: environment?.name ?? 'local',
    executor: isJobs ? 'kubernetes' : 'local',
  };
}
