import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { addTransferOptions, transferRequest, type TransferOptions } from './transfer-options.ts';

/** `datawf push [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  addTransferOptions(command, 'also results that no row of the lock has, and the records of all runs');
  addExamples(command, [
    ['datawf push', 'what lock and .datawf files name, to the store that the branch writes'],
    ['datawf push data/raw clean', 'one dataset, and what a stage made'],
    ['datawf push --run-cache', 'also what earlier versions of the stages gave, and the history'],
    ['datawf push -n', 'what would be moved'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: TransferOptions) => {
      const context = await session.open('work', options.env);
      const { push } = await import('../../app/push.ts');
      const request = transferRequest(targets, options);
      const end = await push(context, await (await session.ports(context)).history(), request);
      return end.exit as ExitCode;
    }),
  );
}
