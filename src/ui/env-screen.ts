import type { EnvironmentLine, EnvironmentReport, EnvironmentStore } from '../model/environment-report.ts';
import type { Look } from './look.ts';
import { alignRows } from './table.ts';

/** `datawf env list`: a line an environment, the branch's own marked. */
export function environmentsText(environments: readonly EnvironmentLine[], { style }: Look): string {
  if (environments.length === 0)
    return 'no environments are configured: all branches are alike (docs/environments.md)\n';
  const rows = environments.map(({ name, current, branches, write, read, executor }) => [
    current ? style.good('*') : ' ',
    style.bold(name),
    branches.join(', '),
    `writes ${write?.name ?? 'nothing'}`,
    `reads ${read.map((store) => store.name).join(', ') || 'nothing'}`,
    executor,
  ]);
  return `${alignRows(rows).join('\n')}\n`;
}

/** `datawf env show`: what a branch may touch. */
export function environmentText(report: EnvironmentReport, { style }: Look): string {
  const where = ({ name, url }: EnvironmentStore): string => `${name}  ${style.dim(url)}`;
  const rows: [string, string | null | undefined][] = [
    ['branch', report.branch ?? 'none (HEAD is detached)'],
    ['branches', report.branches.join(', ')],
    ['writes', report.write === null ? 'no store' : where(report.write)],
    ...report.read
      .filter(({ name }) => name !== report.write?.name)
      .map((store): [string, string] => ['reads', where(store)]),
    ['publishes', report.publish],
    ['trusts', report.trust === 'image' ? "results made in the stage's image" : null],
    ['runs', report.executor === 'local' ? 'on this machine' : `on ${report.executor}`],
    ['namespace', report.namespace],
    ['service account', report.serviceAccount],
    ['agent image', report.agentImage],
    ['env', pairs(report.env)],
    ['secrets', report.secrets.join(', ')],
    ['limits', pairs(report.limits)],
  ];
  const shown = rows.flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[`  ${name}`, value]],
  );
  const head = report.name === null ? 'no environment' : style.bold(report.name);
  const mark = report.name !== null && report.current ? ' (of this branch)' : '';
  return `${head}${mark}\n${alignRows(shown).join('\n')}\n`;
}

function pairs(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
