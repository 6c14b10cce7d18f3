import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import { splitRefPath } from '../refs.ts';
import type { Bind } from '../session.ts';

/** `datawf ls [-R] [REF:]PATH` */
export function build(command: Command, bind: Bind): void {
  command
    .argument(
      '[path]',
      'a folder or file of a dataset, of another version as REF:PATH; all datasets without it',
    )
    .option('-R, --recursive', 'all files below it')
    .option('-l, --long', 'with sizes');
  addExamples(command, [
    ['datawf ls', 'datasets'],
    ['datawf ls -R data/raw', 'all files of a dataset, here or not'],
    ['datawf ls v1:data/raw', 'as they were at a tag'],
  ]);
  command.action(
    bind(async (session, [word]: [string?], options: { recursive?: boolean; long?: boolean }) => {
      const context = await session.open();
      const { ref, path } = word === undefined ? { ref: undefined, path: undefined } : splitRefPath(word);
      const { listFiles } = await import('../../app/files.ts');
      const files = await listFiles(context, { ref, path, recursive: options.recursive ?? false });
      await session.answer(files, async (look) => {
        const { listText } = await import('../../ui/data-screens.ts');
        return listText(files, look, options.long === true || look.verbose);
      });
      return undefined;
    }),
  );
}
