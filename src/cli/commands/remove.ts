import type { Command } from 'commander';
import { addExamples } from '../help.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly keepFiles?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf remove TARGET…` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<target...>', 'datasets, or files inside one')
    .option('--keep-files', 'leave the files where they are, and forget only the record')
    .option('-n, --dry-run', 'show what would go, and change nothing');
  addExamples(command, [
    ['datawf remove data/old', 'take a dataset out of this version; earlier commits keep it'],
    ['datawf remove data/raw/bad.csv', 'take one file out of a dataset'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work');
      const { remove } = await import('../../app/remove.ts');
      await remove(context, {
        targets,
        keepFiles: options.keepFiles ?? false,
        dryRun: options.dryRun ?? false,
      });
      return undefined;
    }),
  );
}
