import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf unlock PATH…` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<path...>', 'files or folders of added data')
    .option('-n, --dry-run', 'show what would become editable, and change nothing');
  addExamples(command, [
    ['datawf unlock data/raw/2020-01-03.csv', 'an editable copy in place of the read-only link'],
  ]);
  command.action(
    bind(async (session, [paths]: [string[]], options: { dryRun?: boolean }) => {
      const context = await session.open('work');
      const { unlock } = await import('../../app/unlock.ts');
      const end = await unlock(context, { paths, dryRun: options.dryRun ?? false });
      return end.exit as ExitCode;
    }),
  );
}
