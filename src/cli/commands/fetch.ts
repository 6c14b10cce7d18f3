import type { Command } from 'commander';
import type { ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { addTransferOptions, transferRequest, type TransferOptions } from './transfer-options.ts';

/** `datawf fetch [TARGET…]` */
export function build(command: Command, bind: Bind): void {
  addTransferOptions(command, 'also results that no row of the lock has');
  addExamples(command, [
    ['datawf fetch', 'into the local store; the workspace stays as it is'],
    ['datawf fetch clean --since 30d', 'the last 30 days of a stage'],
    ['datawf fetch --run-cache', 'also the results that others have for the stages as they are'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: TransferOptions) => {
      const context = await session.open('work', options.env);
      const { fetch } = await import('../../app/fetch.ts');
      const request = transferRequest(targets, options);
      const end = await fetch(context, request);
      return end.exit as ExitCode;
    }),
  );
}
