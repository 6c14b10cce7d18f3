import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf du [PATH…]` */
export function build(command: Command, bind: Bind): void {
  command.argument('[path...]', 'datasets or folders; all datasets without any');
  addExamples(command, [['datawf du', 'sizes of all datasets and of the local store']]);
  command.action(
    bind(async (session, [paths]: [string[]]) => {
      const context = await session.open();
      const { diskUsage } = await import('../../app/files.ts');
      const report = await diskUsage(context, { paths });
      await session.answer(report, async (look) => {
        const { usageText } = await import('../../ui/data-screens.ts');
        return usageText(report, look);
      });
      return undefined;
    }),
  );
}
