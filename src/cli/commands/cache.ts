import type { Command } from 'commander';
import { parseAge } from '../age.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf cache du` */
export function buildDu(command: Command, bind: Bind): void {
  addExamples(command, [
    ['datawf cache du', 'what the local store holds, and what this checkout needs of it'],
  ]);
  command.action(
    bind(async (session) => {
      const context = await session.open();
      const { cacheUsage } = await import('../../app/cache.ts');
      const report = await cacheUsage(context);
      await session.answer(report, async (look) => {
        const { cacheText } = await import('../../ui/keep-screens.ts');
        return cacheText(report, look);
      });
      return undefined;
    }),
  );
}

/** `datawf cache prune` */
export function buildPrune(command: Command, bind: Bind): void {
  command
    .option('--older-than <AGE>', 'only what was not touched for so long', '0d')
    .option('-n, --dry-run', 'show how much would go, and drop nothing');
  addExamples(command, [
    ['datawf cache prune', 'drop objects that no checkout needs and another store has'],
    ['datawf cache prune --older-than 30d -n', 'how much of them was not touched for a month'],
  ]);
  command.action(
    bind(async (session, _: [], options: { olderThan: string; dryRun?: boolean }) => {
      const context = await session.open('work');
      const olderThan = parseAge('--older-than', options.olderThan);
      const { pruneCache } = await import('../../app/cache.ts');
      const report = await pruneCache(context, { olderThan, dryRun: options.dryRun ?? false });
      if (!session.globals.json && !session.globals.quiet) {
        await session.answer(report, async () => {
          const { pruneText } = await import('../../ui/keep-screens.ts');
          return pruneText(report);
        });
      }
      return undefined;
    }),
  );
}
