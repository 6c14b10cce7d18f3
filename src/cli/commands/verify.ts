import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf verify [--all]` */
export function build(command: Command, bind: Bind): void {
  command.option('--all', 'also the stores that the branch reads');
  addExamples(command, [
    ['datawf verify', 'read every object here again and compare it with its name'],
    ['datawf verify --all', "the branch's stores, too"],
  ]);
  command.action(
    bind(async (session, _: [], options: { all?: boolean }) => {
      const context = await session.open();
      const { verify } = await import('../../app/verify.ts');
      const report = await verify(context, { all: options.all ?? false });
      await session.answer(report, async (look) => {
        const { verifyText } = await import('../../ui/verify-screen.ts');
        return verifyText(report, look);
      });
      const isSound = [report, ...report.stores].every(({ damaged }) => damaged.length === 0);
      return isSound && report.unreadable.length === 0 ? EXIT.ok : EXIT.integrity;
    }),
  );
}
