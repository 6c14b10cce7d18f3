import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly files?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf remove TARGET…` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<target...>', 'datasets, or files inside one')
    .option('--files', 'delete the files of whole datasets too; files inside a dataset always go')
    .option('--force', 'delete also what is saved nowhere else')
    .option('-n, --dry-run', 'show what would go, and change nothing');
  addExamples(command, [
    ['datawf remove data/old', 'forget a dataset; its files stay, and earlier commits keep it'],
    ['datawf remove --files data/old', 'the same, and delete its files'],
    ['datawf remove data/raw/bad.csv', 'take one file out of a dataset'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work');
      const { remove } = await import('../../app/remove.ts');
      const end = await remove(context, {
        targets,
        files: options.files ?? false,
        force: options.force ?? false,
        dryRun: options.dryRun ?? false,
      });
      return end.exit as ExitCode;
    }),
  );
}
