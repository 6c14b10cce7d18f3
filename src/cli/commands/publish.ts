import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { loadCommander } from '../load-commander.ts';

interface Options {
  readonly keep: number;
  readonly partial?: boolean;
  readonly env?: string;
  readonly dryRun?: boolean;
}

/** `datawf publish [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[target...]', 'stages, globs over stage names, datasets or paths; everything without any')
    .option('--keep <N>', 'earlier versions that stay readable', readKeep, 1)
    .option('--partial', 'although rows are marked failed: their last good files')
    .option('--env <NAME>', 'where this environment publishes, whatever the branch is')
    .option('-n, --dry-run', 'show what would change there, and change nothing');
  addExamples(command, [
    ['datawf publish report clean', 'what two stages made, to where the environment says'],
    ['datawf publish --keep 10', 'with ten earlier versions'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work', options.env);
      const { publish } = await import('../../app/publish.ts');
      const { keep, partial = false, dryRun = false } = options;
      const end = await publish(context, { targets, keep, partial, dryRun });
      return end.exit as ExitCode;
    }),
  );
}

function readKeep(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  const { InvalidArgumentError } = loadCommander();
  throw new InvalidArgumentError('It must be a whole number.');
}
