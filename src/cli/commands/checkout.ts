import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly force?: boolean;
  readonly relink?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf checkout [PATH…]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[path...]', 'datasets, or files and folders inside one; everything without any')
    .option('--force', 'overwrite edits that were never recorded')
    .option('--relink', 'make all files anew, by the best way of linking that works')
    .option('-n, --dry-run', 'show what would change, and change nothing');
  addExamples(command, [
    ['datawf checkout', 'bring the data of this commit into the workspace (after git switch)'],
    ['datawf checkout data/clean', 'one dataset'],
    ['datawf checkout --force report.html', 'take an edited output back'],
  ]);
  command.action(
    bind(async (session, [paths]: [string[]], options: Options) => {
      const context = await session.open('work');
      const { checkout } = await import('../../app/checkout.ts');
      const end = await checkout(context, {
        paths,
        force: options.force ?? false,
        relink: options.relink ?? false,
        dryRun: options.dryRun ?? false,
      });
      return end.exit as ExitCode;
    }),
  );
}
