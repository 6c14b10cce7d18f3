import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import { splitRefPath } from '../refs.ts';
import type { Bind } from '../session.ts';

/** `datawf cat [REF:]PATH` */
export function build(command: Command, bind: Bind): void {
  command.argument('<path>', 'a file of a dataset, of another version as REF:PATH');
  addExamples(command, [
    ['datawf cat data/clean/2012-03-04.csv', 'as the lock has it, here or not'],
    ['datawf cat HEAD~1:data/weather.csv', 'as it was a commit ago'],
  ]);
  command.action(
    bind(async (session, [word]: [string]) => {
      const context = await session.open();
      const { readFile } = await import('../../app/files.ts');
      for await (const chunk of readFile(context, splitRefPath(word))) {
        if (session.output.closed) break;
        await session.output.stream(chunk);
      }
      return undefined;
    }),
  );
}
