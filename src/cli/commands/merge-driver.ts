import { resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../model/problem.ts';
import type { RepoPath } from '../../model/repo-path.ts';
import type { Bind } from '../session.ts';

/** `datawf merge-driver %O %A %B %P`, called by git; exit 1 is a conflict. */
export function build(command: Command, bind: Bind): void {
  command.argument('<base>').argument('<ours>').argument('<theirs>').argument('<path>');
  command.action(
    bind(async (session, [base, ours, theirs, path]: [string, string, string, string]) => {
      const { driveMerge, mergeWords } = await import('../../app/merge-driver.ts');
      const at = (file: string): string => resolve(session.host.cwd, file);
      const files = { base: at(base), ours: at(ours), theirs: at(theirs), path: path as RepoPath };
      const merged = await driveMerge(files, async () => (await session.open()).store);
      session.output.words(
        mergeWords(path, merged)
          .map((line) => `datawf: ${line}\n`)
          .join(''),
      );
      return 'text' in merged ? EXIT.ok : EXIT.unexpected;
    }),
  );
}
