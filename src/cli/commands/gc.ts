import type { Command } from 'commander';
import { parseAge } from '../age.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly grace: string;
  readonly allCommits?: boolean;
  readonly history?: string;
  readonly store?: string;
  readonly dryRun?: boolean;
}

/** `datawf gc` */
export function build(command: Command, bind: Bind): void {
  command
    .option('--grace <AGE>', 'also keep what commits younger than this need', '14d')
    .option('--all-commits', 'keep what any commit needs')
    .option('--history <AGE>', 'also remove the records and logs of runs older than this')
    .option('--store <NAME>', 'clear this store instead of the local one')
    .option('-n, --dry-run', 'show what would go, and remove nothing');
  addExamples(command, [
    ['datawf gc --dry-run', 'what is kept and why, and which files would go'],
    ['datawf gc', 'remove what no branch, tag, stash, work tree or young commit needs'],
    ['datawf gc --all-commits', 'only what no commit ever named'],
  ]);
  command.action(
    bind(async (session, _: [], options: Options) => {
      const context = await session.open('work');
      const { gc } = await import('../../app/gc.ts');
      const report = await gc(context, {
        grace: parseAge('--grace', options.grace),
        allCommits: options.allCommits ?? false,
        history: options.history === undefined ? undefined : parseAge('--history', options.history),
        store: options.store,
        dryRun: options.dryRun ?? false,
      });
      if (!session.globals.json && (!session.globals.quiet || report.dryRun)) {
        await session.answer(report, async (look) => {
          const { gcText } = await import('../../ui/keep-screens.ts');
          return gcText(report, look);
        });
      }
      return undefined;
    }),
  );
}
