import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf doctor` */
export function build(command: Command, bind: Bind): void {
  command.option(
    '--env <NAME>',
    "also this environment's cluster and stores, and what it must not be able to do",
  );
  addExamples(command, [
    ['datawf doctor', 'git, hashing, the store, links, ignored data, locks; each with what to do'],
    ['datawf doctor --env test', 'whether Jobs would run there, and production is out of its reach'],
  ]);
  command.action(
    bind(async (session, _: [], { env }: { readonly env?: string }) => {
      const context = await session.open('question', env);
      const { cluster } = await session.ports(context);
      const { doctor } = await import('../../app/doctor.ts');
      const report = await doctor(context, { isForEnvironment: env !== undefined, cluster });
      await session.answer(report, async (look) => {
        const { doctorText } = await import('../../ui/setup-screens.ts');
        return doctorText(report, look);
      });
      return report.ok ? EXIT.ok : EXIT.unexpected;
    }),
  );
}
