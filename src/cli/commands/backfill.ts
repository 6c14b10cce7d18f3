import type { Command } from 'commander';
import type { BackfillMode } from '../../app/requests.ts';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import { loadCommander } from '../load-commander.ts';
import type { Bind } from '../session.ts';
import { addRunOptions, runRequest, type RunOptions } from './run-options.ts';

interface Options extends RunOptions {
  readonly mode: BackfillMode;
  readonly by?: string;
  readonly maxFailures?: number;
}

/** `datawf backfill TARGET… --since T [--until T] [--order newest|oldest] [--mode …]` */
export function build(command: Command, bind: Bind): void {
  addRunOptions(command.argument('<target...>', 'stages whose history to repair, with what they need'))
    .addOption(
      command
        .createOption(
          '--mode <MODE>',
          'which datums of the window: out of date, all, without a result, marked failed',
        )
        .choices(['stale', 'all', 'missing', 'failed'])
        .default('stale'),
    )
    .option('--by <NAME>', 'the time capture that the window is about, where a stage has two')
    .option('--max-failures <N>', 'stop after so many failed datums', positive);
  addExamples(command, [
    ['datawf backfill clean --since 90d', 'the last 90 days, newest first'],
    ['datawf backfill monthly --since 2024-05-01 --until 2024-06-01 -n', 'what a month would take'],
    ['datawf backfill clean --since 2024-05 --mode failed', 'only what failed'],
    [
      'datawf backfill fetch+ --since 2024-05-01 --mode all',
      'fetch again although current, and what follows',
    ],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work', options.env);
      const { backfill } = await import('../../app/backfill.ts');
      const { mode, by, maxFailures } = options;
      const request = { ...runRequest(session, targets, options), mode, by, maxFailures };
      const end = await backfill(context, request, await session.ports(context));
      return end.exit as ExitCode;
    }),
  );
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    const { InvalidArgumentError } = loadCommander();
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  }
  return value;
}
