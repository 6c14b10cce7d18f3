import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind, Exit, Session } from '../session.ts';

interface Options {
  readonly dryRun?: boolean;
}

/** `datawf freeze STAGE…` */
export function buildFreeze(command: Command, bind: Bind): void {
  command
    .argument('<stage...>', 'stages, or globs over stage names')
    .option('-n, --dry-run', 'show what would change, and change nothing');
  addExamples(command, [['datawf freeze clean', 'keep its last results, whatever changes']]);
  command.action(
    bind((session, [stages]: [string[]], options: Options) =>
      edit(session, { stages, options, frozen: true }),
    ),
  );
}

/** `datawf unfreeze STAGE…` */
export function buildUnfreeze(command: Command, bind: Bind): void {
  command
    .argument('<stage...>', 'stages, or globs over stage names')
    .option('-n, --dry-run', 'show what would change, and change nothing');
  addExamples(command, [['datawf unfreeze clean', 'let it run again where it is stale']]);
  command.action(
    bind((session, [stages]: [string[]], options: Options) =>
      edit(session, { stages, options, frozen: false }),
    ),
  );
}

interface Edit {
  readonly stages: readonly string[];
  readonly options: Options;
  readonly frozen: boolean;
}

async function edit(session: Session, { stages, options, frozen }: Edit): Promise<Exit> {
  const context = await session.open();
  const { freeze, unfreeze } = await import('../../app/stage-edit.ts');
  const report = (frozen ? freeze : unfreeze)(context, { stages, dryRun: options.dryRun ?? false });
  const { stageEditText } = await import('../../ui/setup-screens.ts');
  session.report(report, stageEditText(report, frozen ? 'froze' : 'unfroze'));
  return undefined;
}
