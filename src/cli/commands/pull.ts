import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { addTransferOptions, transferRequest, type TransferOptions } from './transfer-options.ts';

/** `datawf pull [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  addTransferOptions(command, 'also results that no row of the lock has').option(
    '--force',
    'overwrite edits that were never recorded',
  );
  addExamples(command, [
    ['datawf pull', 'after git clone or git pull: the data of this commit'],
    ['datawf pull data/clean', 'one dataset'],
    ['datawf pull clean --since 30d', 'the last 30 days of a stage'],
    ['datawf pull -j 32', 'with more transfers at once'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: TransferOptions & { readonly force?: boolean }) => {
      const context = await session.open('work', options.env);
      const { pull } = await import('../../app/pull.ts');
      const request = { ...transferRequest(targets, options), force: options.force ?? false };
      const end = await pull(context, request);
      return end.exit as ExitCode;
    }),
  );
}
