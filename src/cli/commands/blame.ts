import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import { splitRefPath } from '../refs.ts';
import type { Bind } from '../session.ts';

/** `datawf blame [REF:]PATH` */
export function build(command: Command, bind: Bind): void {
  command.argument('<path>', 'a file of a dataset, or a folder; REF:PATH as it was in a commit');
  addExamples(command, [
    ['datawf blame data/clean/2012-03-04.csv', 'who made it when, by which command, from which files'],
    ['datawf blame data/clean', 'which runs made what is in a folder'],
    ['datawf blame data/raw/2012-03-04.csv', 'of added data: which commit recorded it'],
    ['datawf blame v1:report.html', 'as it was at a tag'],
  ]);
  command.action(
    bind(async (session, [word]: [string]) => {
      const context = await session.open();
      const history = await (await session.ports(context)).history();
      const { blame } = await import('../../app/blame.ts');
      const report = await blame(context, history, splitRefPath(word));
      await session.answer(report, async (look) => {
        const { blameText } = await import('../../ui/blame-screen.ts');
        return blameText(report, look);
      });
      return undefined;
    }),
  );
}
