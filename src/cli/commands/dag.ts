import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf dag [TARGET…] [--mermaid|--dot]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('[target...]', 'stages or datasets; all without any')
    .option('--mermaid', 'as Mermaid, which many hosts draw in Markdown')
    .option('--dot', "in Graphviz' language");
  addExamples(command, [
    ['datawf dag', 'stages and datasets as a tree'],
    ['datawf dag --dot | dot -Tsvg > dag.svg', 'as a picture, with Graphviz'],
  ]);
  command.action(
    bind(async (session, [targets]: [string[]], options: { mermaid?: boolean; dot?: boolean }) => {
      const context = await session.open();
      const { dag } = await import('../../app/dag.ts');
      const report = await dag(context, { targets });
      await session.answer(report, async (look) => {
        const { dagDot, dagMermaid, dagText } = await import('../../ui/dag-screen.ts');
        if (options.mermaid === true) return dagMermaid(report);
        return options.dot === true ? dagDot(report) : dagText(report, look.style);
      });
      return undefined;
    }),
  );
}
