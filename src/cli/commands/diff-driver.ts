import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RepoPath } from '../../model/repo-path.ts';
import type { Bind } from '../session.ts';

/**
 * `datawf diff-driver PATH OLD OLD-HEX OLD-MODE NEW NEW-HEX NEW-MODE`, called by `git diff`; PATH alone is an unmerged one. Git
 * gives up where it fails, so what goes wrong is printed instead. Source: git(1), GIT_EXTERNAL_DIFF.
 */
export function build(command: Command, bind: Bind): void {
  command.argument('<path>').argument('[versions...]');
  command.action(
    bind(async (session, [path, versions]: [string, string[]]) => {
      const [before, , , after] = versions;
      session.output.data(`diff --datawf ${path}\n`);
      if (before === undefined || after === undefined) {
        session.output.data('  not merged yet: datawf lock resolve\n\n');
        return undefined;
      }
      const read = (file: string): string | undefined =>
        file === '/dev/null' ? undefined : readFileSync(resolve(session.host.cwd, file), 'utf8');
      try {
        const { store } = await session.open();
        const { diffVersions } = await import('../../app/diff-versions.ts');
        const { versionsText } = await import('../../ui/data-screens.ts');
        const file = path as RepoPath;
        const report = await diffVersions(store, { file, before: read(before), after: read(after) });
        await session.answer(report, (look) => versionsText(report, look));
      } catch (error) {
        session.output.data(`  ${error instanceof Error ? error.message : String(error)}\n`);
      }
      session.output.data('\n');
      return undefined;
    }),
  );
}
