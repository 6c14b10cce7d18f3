import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly from?: string;
  readonly recompute?: boolean;
  readonly partial?: boolean;
  readonly env?: string;
  readonly dryRun?: boolean;
}

/** `datawf promote [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[target...]', 'stages, globs over stage names, datasets or paths; everything without any')
    .option('--from <NAME>', 'take it from the store, or from those of the branch, of that name')
    .option('--recompute', 'run the rows here instead of trusting the lock')
    .option('--partial', 'although rows are marked failed: their last good files')
    .option('--env <NAME>', 'the stores of this environment, whatever the branch is')
    .option('-n, --dry-run', 'show what would be copied, and copy nothing');
  addExamples(command, [
    ['datawf promote', 'after a merge: what its lock names, into the store that this branch writes'],
    ['datawf promote --from feature/wind', 'of a branch that git does not know any more'],
    ['datawf promote --recompute', 'run everything again instead of trusting the merge'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work', options.env);
      const { promote } = await import('../../app/promote.ts');
      const request = {
        targets,
        from: options.from,
        recompute: options.recompute ?? false,
        partial: options.partial ?? false,
        dryRun: options.dryRun ?? false,
      };
      const end = await promote(context, request, await session.ports(context));
      return end.exit as ExitCode;
    }),
  );
}
