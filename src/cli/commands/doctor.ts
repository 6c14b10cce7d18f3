import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf doctor` */
export function build(command: Command, bind: Bind): void {
  addExamples(command, [
    ['datawf doctor', 'git, hashing, the store, links, ignored data, locks; each with what to do'],
  ]);
  command.action(
    bind(async (session) => {
      const context = await session.open();
      const { doctor } = await import('../../app/doctor.ts');
      const report = await doctor(context);
      await session.answer(report, async (look) => {
        const { doctorText } = await import('../../ui/setup-screens.ts');
        return doctorText(report, look);
      });
      return report.ok ? EXIT.ok : EXIT.unexpected;
    }),
  );
}
