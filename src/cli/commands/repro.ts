import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { addRunOptions, runRequest, type RunOptions } from './run-options.ts';

/** `datawf repro [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  addRunOptions(
    command.argument(
      '[target...]',
      'stages to bring up to date, with what they need; STAGE+ also what follows; all without any',
    ),
  );
  addExamples(command, [
    ['datawf repro', 'everything that is out of date'],
    ['datawf repro --dry-run', 'what would run, and why'],
    ['datawf repro monthly', 'monthly and what it needs'],
    ['datawf repro clean+', 'clean, what it needs, and all that follows it'],
    ['datawf repro --since 90d -j 8', 'the last 90 days, eight datums at once'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: RunOptions) => {
      const context = await session.open('work', options.env);
      const { repro } = await import('../../app/repro.ts');
      const end = await repro(context, runRequest(session, targets, options), await session.ports(context));
      return end.exit as ExitCode;
    }),
  );
}
