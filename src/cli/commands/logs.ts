import type { Command } from 'commander';
import type { LogLineReport } from '../../model/history-report.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf logs [-f] RUN [STAGE] [DATUM]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<run>', 'id of a run, the beginning of one, or "last"')
    .argument('[stage]', 'only this stage')
    .argument('[datum]', 'only this datum: name=value[,name=value]')
    .option('-f, --follow', 'go on while the run does; with --json one line each');
  addExamples(command, [
    ['datawf logs last', 'what all commands of the newest run printed'],
    ['datawf logs last clean date=2012-03-04', 'one datum of one stage'],
    ['datawf logs -f last', 'as it happens'],
  ]);
  command.action(
    bind(async (session, [run, stage, datum]: [string, string?, string?], options: { follow?: boolean }) => {
      const context = await session.open();
      const history = await (await session.ports(context)).history();
      const { readLogLines } = await import('../../app/log-lines.ts');
      const { logLinesText } = await import('../../ui/log-screen.ts');
      const follow = options.follow ?? false;
      const pieces = readLogLines(context, history, { run, stage, datum, follow });
      const all: LogLineReport[] = [];
      for await (const lines of pieces) {
        if (session.output.closed) break;
        if (!session.globals.json) {
          const single = datum !== undefined;
          await session.answer(lines, (look) => logLinesText(lines, look, single));
        } else if (follow) {
          for (const line of lines) session.output.data(`${JSON.stringify(line)}\n`);
        } else {
          all.push(...lines);
        }
      }
      if (session.globals.json && !follow) session.output.json(all);
      return undefined;
    }),
  );
}
