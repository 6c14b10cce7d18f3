import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf verify [--all]` */
export function build(command: Command, bind: Bind): void {
  command.option('--all', 'also the stores that this one reads');
  addExamples(command, [['datawf verify', 'read every object here again and compare it with its name']]);
  command.action(
    bind(async (session, _: [], options: { all?: boolean }) => {
      const context = await session.open();
      const { verify } = await import('../../app/verify.ts');
      const report = await verify(context, { all: options.all ?? false });
      await session.answer(report, async (look) => {
        const { verifyText } = await import('../../ui/data-screens.ts');
        return verifyText(report, look);
      });
      return report.damaged.length === 0 ? EXIT.ok : EXIT.integrity;
    }),
  );
}
