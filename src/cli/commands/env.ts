import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf env list` */
export function buildList(command: Command, bind: Bind): void {
  addExamples(command, [['datawf env list', 'what branches may use; * marks that of this branch']]);
  command.action(
    bind(async (session) => {
      const { listEnvironments } = await import('../../app/environments.ts');
      const environments = await listEnvironments(await session.open());
      await session.answer(environments, async (look) => {
        const { environmentsText } = await import('../../ui/env-screen.ts');
        return environmentsText(environments, look);
      });
      return undefined;
    }),
  );
}

/** `datawf env show [NAME]` */
export function buildShow(command: Command, bind: Bind): void {
  command.argument('[name]', 'an environment; that of the branch without');
  addExamples(command, [
    ['datawf env show', 'which stores this branch writes and reads, and where it runs'],
    ['datawf env show production', 'of another one'],
  ]);
  command.action(
    bind(async (session, [name]: [string | undefined]) => {
      const { showEnvironment } = await import('../../app/environments.ts');
      const report = await showEnvironment(await session.open(), name);
      await session.answer(report, async (look) => {
        const { environmentText } = await import('../../ui/env-screen.ts');
        return environmentText(report, look);
      });
      return undefined;
    }),
  );
}
