import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf why TARGET|PATH` */
export function build(command: Command, bind: Bind): void {
  command.argument('<target>', 'a stage, or a file of a dataset');
  addExamples(command, [
    ['datawf why monthly', 'why the stage will run, or why it will not'],
    ['datawf why data/clean/2012-03-04.csv', 'the same for the datum that makes this file'],
  ]);
  command.action(
    bind(async (session, [target]: [string]) => {
      const context = await session.open();
      const { why } = await import('../../app/why.ts');
      const report = await why(context, { target });
      await session.answer(report, async (look) => {
        const { whyText } = await import('../../ui/why-screen.ts');
        return whyText(report, look);
      });
      return undefined;
    }),
  );
}
