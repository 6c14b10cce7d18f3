import type { Command } from 'commander';
import type { Bind } from '../session.ts';

/** `datawf pre-push`, called by the hook: warns of what a push of commits alone leaves behind. */
export function build(command: Command, bind: Bind): void {
  command.action(
    bind(async (session) => {
      const { findGaps } = await import('../../app/local-gaps.ts');
      for (const { home, objects } of await findGaps(await session.open())) {
        const fact = objects === undefined ? 'its listing is' : `${objects} of its files are`;
        session.output.words(
          `datawf: ${home}: ${fact} not in the local store, so nobody can get them from here\n`,
        );
      }
      return undefined;
    }),
  );
}
