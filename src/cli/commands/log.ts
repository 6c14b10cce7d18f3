import type { Command } from 'commander';
import { countFor } from '../globals.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly since?: string;
  readonly until?: string;
  readonly state?: string;
  readonly stage?: string;
  readonly branch?: string;
  readonly limit?: number;
  readonly stats?: boolean;
  readonly store?: string;
}

/** `datawf log [RUN|TARGET|PATH]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[run-or-target]', 'a run, a stage, or a file or folder of a dataset; all runs without it')
    .option('--since <TIME>', 'runs from this time on (2024-05-01, or 7d for days back from now)')
    .option('--until <TIME>', 'runs before this time')
    .option('--state <STATE>', 'only running, done, failed, cancelled, detached or lost ones')
    .option('--stage <STAGE>', 'only runs that had to do with a stage')
    .option('--branch <BRANCH>', 'only runs on a branch')
    .option('--limit <N>', 'at most so many, the newest', countFor('--limit'))
    .option('--store <NAME>', 'what was pushed to a store instead of what ran here')
    .option('--stats', 'per stage counts, median, p95, failures and trend instead of a list');
  addExamples(command, [
    ['datawf log --limit 5', 'the last five runs'],
    ['datawf log monthly', 'runs that had to do with a stage'],
    ['datawf log data/clean/2012-03-04.csv', 'runs that made or removed a file'],
    ['datawf log --since 7d --stats', 'what each stage cost this week'],
    ['datawf log --store shared', 'what others ran and pushed'],
    ['datawf log clean --stats', 'how long a stage takes, and whether it gets slower'],
  ]);
  command.action(
    bind(async (session, [target]: [string?], options: Options) => {
      const context = await session.open();
      const { storeNamed } = await import('../../app/store-scopes.ts');
      const of = options.store === undefined ? undefined : await storeNamed(context, options.store);
      const history = await (await session.ports(context)).history(of);
      const { listRuns, sumRuns } = await import('../../app/show-log.ts');
      const { since, until, state, stage, branch, limit } = options;
      const request = { target, since, until, state, stage, branch, limit };
      const { logText, statsText } = await import('../../ui/log-screen.ts');
      if (options.stats === true) {
        const stats = await sumRuns(context, history, request);
        await session.answer(stats, (look) => statsText(stats, look));
      } else {
        const runs = await listRuns(context, history, request);
        await session.answer(runs, (look) => logText(runs, look));
      }
      return undefined;
    }),
  );
}
