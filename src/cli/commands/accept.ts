import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly message: string;
  readonly dryRun?: boolean;
}

/** `datawf accept STAGE… -m REASON` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<stage...>', 'stages, or globs over stage names')
    .requiredOption('-m, --message <REASON>', 'why the results are the same; for those who review the lock')
    .option('-n, --dry-run', 'show what would be recorded, and change nothing');
  addExamples(command, [
    ['datawf accept clean -m "renamed variables only"', 'a refactor: nothing of clean runs again'],
  ]);
  command.action(
    bind(async (session, [stages]: [string[]], { message, dryRun = false }: Options) => {
      const context = await session.open();
      const { accept } = await import('../../app/accept.ts');
      const report = await accept(context, { stages, reason: message, dryRun }, await session.ports(context));
      const { acceptText } = await import('../../ui/accept-screen.ts');
      session.report(report, acceptText(report));
      return undefined;
    }),
  );
}
