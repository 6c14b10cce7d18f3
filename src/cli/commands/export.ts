import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import { splitRefPath } from '../refs.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf export [REF:]TARGET DIR|FILE.tar` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<target>', 'a stage, dataset or path, of another version as REF:TARGET; . for all data')
    .argument('<to>', 'a folder, or a file ending in .tar, .tar.gz or .tgz')
    .option('--force', 'overwrite what is there')
    .option('-n, --dry-run', 'show what would be written, and write nothing');
  addExamples(command, [
    ['datawf export data/clean /tmp/clean', 'plain copies under their paths'],
    ['datawf export v1:report report-v1.tar.gz', 'what a stage had made at a tag'],
  ]);
  command.action(
    bind(async (session, [word, to]: [string, string], options: Options) => {
      const context = await session.open('work');
      const parts = splitRefPath(word);
      // A stage of a subfolder has a colon, too.
      const isRef = parts.ref !== undefined && (await context.git.resolveRef(parts.ref)) !== undefined;
      const { exportFiles } = await import('../../app/export.ts');
      await exportFiles(context, {
        ref: isRef ? parts.ref : undefined,
        target: isRef ? parts.path : word,
        to,
        force: options.force ?? false,
        dryRun: options.dryRun ?? false,
      });
      return undefined;
    }),
  );
}
