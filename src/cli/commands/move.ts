import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf move FROM TO` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<from>', 'a dataset, or a file inside one')
    .argument('<to>', 'its new path')
    .option('-n, --dry-run', 'show what would move, and change nothing');
  addExamples(command, [['datawf move data/raw data/source', 'rename a dataset; nothing is copied']]);
  command.action(
    bind(async (session, [from, to]: [string, string], options: { dryRun?: boolean }) => {
      const context = await session.open('work');
      const { move } = await import('../../app/move.ts');
      const end = await move(context, { from, to, dryRun: options.dryRun ?? false });
      return end.exit as ExitCode;
    }),
  );
}
