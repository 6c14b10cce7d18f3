import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf show RUN` */
export function build(command: Command, bind: Bind): void {
  command.argument('<run>', 'id of a run, the beginning of one, or "last"');
  addExamples(command, [['datawf show last', 'the newest run: what ran, why, how long, what failed']]);
  command.action(
    bind(async (session, [id]: [string]) => {
      const context = await session.open();
      const history = await (await session.ports(context)).history();
      const { showRun } = await import('../../app/show-log.ts');
      const run = await showRun(context, history, id);
      await session.answer(run, async (look) => {
        const { showText } = await import('../../ui/log-screen.ts');
        return showText(run, look);
      });
      return undefined;
    }),
  );
}
