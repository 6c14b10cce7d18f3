import type { Command } from 'commander';
import { splitRefs } from '../refs.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf diff [REF] [REF] [PATH…]` */
export function build(command: Command, bind: Bind): void {
  command.argument('[ref-or-path...]', 'up to two commits, branches or tags, then paths');
  addExamples(command, [
    ['datawf diff', 'the workspace against the last commit'],
    ['datawf diff main', 'the workspace against main'],
    ['datawf diff v1 v2 data/clean', 'one dataset between two versions'],
  ]);
  command.action(
    bind(async (session, [words]: [string[]]) => {
      const context = await session.open();
      const { refs, paths } = await splitRefs(context, words, session.host.argv);
      const { diff } = await import('../../app/diff.ts');
      const report = await diff(context, { from: refs[0], to: refs[1], paths });
      await session.answer(report, async (look) => {
        const { diffText } = await import('../../ui/data-screens.ts');
        return diffText(report, look);
      });
      return undefined;
    }),
  );
}
