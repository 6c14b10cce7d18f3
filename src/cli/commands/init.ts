import type { Command } from 'commander';
import type { InitReport } from '../../model/setup-report.ts';
import { addExamples } from '../examples.ts';
import { packagePath } from '../host.ts';
import type { Bind } from '../session.ts';

/** `datawf init` */
export function build(command: Command, bind: Bind): void {
  command
    .option('--hooks', 'write git hooks: bring data after a switch or merge, warn before a push')
    .option('-n, --dry-run', 'show what would be made, and change nothing');
  addExamples(command, [
    ['git init && datawf init', 'start in a new repository'],
    ['datawf init', 'again after a clone or an update: what is there stays'],
  ]);
  command.action(
    bind(async (session, _: [], options: { dryRun?: boolean; hooks?: boolean }) => {
      const context = await session.open();
      const { init } = await import('../../app/init.ts');
      const { readSchema } = await import('../../app/schema.ts');
      const schema = readSchema(packagePath('schemas'), 'datawf');
      const { dryRun = false, hooks = false } = options;
      const report = await init(context, { schema, dryRun, hooks });
      session.report(report, initText(report));
      return undefined;
    }),
  );
}

function initText(report: InitReport): string {
  const { created, changed, dryRun, drivers, hooks } = report;
  const isNew = created.length + changed.length + hooks.written.length > 0 || drivers === 'registered';
  const foreign = hooks.foreign.map(
    (file) => `left ${file} as it is: it isn't datawf's. Add what you want of docs/branches.md to it.`,
  );
  if (!isNew) return [...foreign, 'everything is here already'].map((line) => `${line}\n`).join('');
  const would = dryRun ? 'would ' : '';
  const lines = [
    ...created.map((path) => `${would}${dryRun ? 'make' : 'made'} ${path}`),
    ...changed.map((path) => `${would}${dryRun ? 'change' : 'changed'} ${path}`),
    ...(drivers === 'registered'
      ? [
          `${would}${dryRun ? 'register' : 'registered'} the merge and diff driver in this clone's git configuration`,
        ]
      : []),
    ...hooks.written.map((file) => `${would}${dryRun ? 'write' : 'wrote'} ${file}`),
    ...foreign,
  ];
  if (!dryRun && created.includes('datawf.yaml')) {
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
