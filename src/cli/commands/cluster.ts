import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface EnvOption {
  readonly env?: string;
}

const ENV = ['--env <NAME>', 'the cluster of this environment, whatever the branch is'] as const;

/** `datawf ps` */
export function buildPs(command: Command, bind: Bind): void {
  command.option('-a, --all', 'also Jobs that have ended').option(...ENV);
  addExamples(command, [
    ['datawf ps', 'Jobs that run or wait in the namespace of this branch'],
    ['datawf ps --all', 'and those that ended within the last hour'],
  ]);
  command.action(
    bind(async (session, _: [], { all, env }: EnvOption & { all?: boolean }) => {
      const context = await session.open('question', env);
      const { listJobs } = await import('../../app/cluster-jobs.ts');
      const jobs = await listJobs(context, await session.ports(context), { all: all ?? false });
      await session.answer(jobs, async (look) => {
        const { jobsText } = await import('../../ui/cluster-screen.ts');
        return jobsText(jobs, look);
      });
      return undefined;
    }),
  );
}

/** `datawf attach RUN` */
export function buildAttach(command: Command, bind: Bind): void {
  command.argument('<run>', 'id of a run, the beginning of one, or "last"');
  addExamples(command, [['datawf attach last', 'go on with a run that was left or whose command died']]);
  command.action(
    bind(async (session, [run]: [string]) => {
      const context = await session.open('work');
      const { attachArgv } = await import('../../app/cluster-jobs.ts');
      const argv = await attachArgv(context, await (await session.ports(context)).history(), run);
      return await session.invoke({ cwd: context.workspace.root, argv });
    }),
  );
}

/** `datawf cancel RUN` */
export function buildCancel(command: Command, bind: Bind): void {
  command.argument('<run>', 'id of a run, the beginning of one, or "last"').option(...ENV);
  addExamples(command, [['datawf cancel 01J9', 'delete its Jobs and their pods; what is finished stays']]);
  command.action(
    bind(async (session, [run]: [string], { env }: EnvOption) => {
      const context = await session.open('question', env);
      const { cancelRun } = await import('../../app/cluster-jobs.ts');
      const jobs = await cancelRun(context, await session.ports(context), run);
      session.report({ run, jobs }, `cancelled ${jobs.join(', ')}\n`);
      return undefined;
    }),
  );
}
