import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf status [TARGET…] [--check]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[target...]', 'stages, globs over stage names, datasets or paths; all without any')
    .option('--check', 'exit 10 when something is stale or edited')
    .option('--env <NAME>', 'as this environment sees it, whatever the branch is');
  addExamples(command, [
    ['datawf status', 'everything'],
    ['datawf status clean monthly', 'two stages'],
    ['datawf status data/raw', 'one dataset'],
    ['datawf status --check', 'for scripts: exit 0 or 10'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: { check?: boolean; env?: string }) => {
      const context = await session.open('question', options.env);
      const { status } = await import('../../app/status.ts');
      const report = await status(context, { targets });
      await session.answer(report, async (look) => {
        const { statusText } = await import('../../ui/status-screen.ts');
        return statusText(report, look);
      });
      return options.check === true && !report.clean ? EXIT.changes : EXIT.ok;
    }),
  );
}
