import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly force?: boolean;
  readonly single?: boolean;
  readonly downstream?: boolean;
  readonly failFast?: boolean;
  readonly pull?: boolean;
  readonly allowMissing?: boolean;
  readonly runCache: boolean;
  readonly allowDrop?: boolean;
  readonly commit?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly order?: 'newest' | 'oldest';
}

/** `datawf repro [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument(
      '[target...]',
      'stages to bring up to date, with what they need; STAGE+ also what follows; all without any',
    )
    .option('--force', 'run the named stages again although they are current')
    .option('--single', 'only the named stages, not what they need')
    .option('--downstream', 'also every stage that follows the named ones')
    .option('--fail-fast', 'stop at the first failure')
    .option('--no-run-cache', 'run instead of restoring an earlier result')
    .option('--allow-drop', 'go on although a large part of a dataset would vanish')
    .option('--since <TIME>', 'only datums from this time on (2024-05-01, or 90d for days back from now)')
    .option('--until <TIME>', 'only datums before this time')
    .addOption(
      command.createOption('--order <ORDER>', 'which periods go first').choices(['newest', 'oldest']),
    )
    .option('--commit', 'commit what changed to git at the end')
    .option('-n, --dry-run', 'show what would run, and change nothing')
    .option('--check', 'with --dry-run: exit 10 when something would run');
  addExamples(command, [
    ['datawf repro', 'everything that is out of date'],
    ['datawf repro --dry-run', 'what would run, and why'],
    ['datawf repro monthly', 'monthly and what it needs'],
    ['datawf repro clean+', 'clean, what it needs, and all that follows it'],
    ['datawf repro --since 90d -j 8', 'the last 90 days, eight datums at once'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: Options) => {
      const context = await session.open('work');
      const { repro } = await import('../../app/repro.ts');
      const end = await repro(
        context,
        {
          targets,
          force: options.force ?? false,
          single: options.single ?? false,
          downstream: options.downstream ?? false,
          failFast: options.failFast ?? false,
          pull: options.pull ?? false,
          allowMissing: options.allowMissing ?? false,
          runCache: options.runCache,
          allowDrop: options.allowDrop ?? false,
          commit: options.commit ?? false,
          dryRun: options.dryRun ?? false,
          check: options.check ?? false,
          since: options.since,
          until: options.until,
          order: options.order,
          jobs: session.globals.jobs,
        },
        await session.ports(context),
      );
      return end.exit as ExitCode;
    }),
  );
}
