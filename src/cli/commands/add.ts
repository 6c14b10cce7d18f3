import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf add PATH…` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<path...>', 'files or folders to record as data, also ones inside a dataset')
    .option('-n, --dry-run', 'show what would be recorded, and change nothing');
  addExamples(command, [
    ['datawf add data/raw', 'a folder as one dataset, with a small data/raw.datawf for git'],
    ['datawf add data/raw/new.csv', 'a file into a dataset that is there'],
  ]);
  command.action(
    bind(async (session, [paths]: [string[]], options: { dryRun?: boolean }) => {
      const context = await session.open('work');
      const { add } = await import('../../app/add.ts');
      const end = await add(context, { paths, dryRun: options.dryRun ?? false });
      return end.exit as ExitCode;
    }),
  );
}
