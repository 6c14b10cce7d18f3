import type { Command } from 'commander';
import type { InitReport } from '../../model/setup-report.ts';
import { addExamples } from '../examples.ts';
import { packagePath } from '../host.ts';
import type { Bind } from '../session.ts';

/** `datawf init` */
export function build(command: Command, bind: Bind): void {
  command.option('-n, --dry-run', 'show what would be made, and change nothing');
  addExamples(command, [
    ['git init && datawf init', 'start in a new repository'],
    ['datawf init', 'again after an update: what is there stays'],
  ]);
  command.action(
    bind(async (session, _: [], options: { dryRun?: boolean }) => {
      const context = await session.open();
      const { init } = await import('../../app/init.ts');
      const { readSchema } = await import('../../app/schema.ts');
      const schema = readSchema(packagePath('schemas'), 'datawf');
      const report = init(context, { schema, dryRun: options.dryRun ?? false });
      session.report(report, initText(report));
      return undefined;
    }),
  );
}

function initText(report: InitReport): string {
  const { created, changed, dryRun } = report;
  if (created.length + changed.length === 0) return 'everything is here already\n';
  const would = dryRun ? 'would ' : '';
  const lines = [
    ...created.map((path) => `${would}${dryRun ? 'make' : 'made'} ${path}`),
    ...changed.map((path) => `${would}${dryRun ? 'change' : 'changed'} ${path}`),
  ];
  if (!dryRun) {
    lines.push(
      '',
      'Next: describe stages in datawf.yaml, then',
      '  datawf add PATH     record data',
      '  datawf repro        run what is out of date',
      '  git add . && git commit',
    );
  }
  return `${lines.join('\n')}\n`;
}
