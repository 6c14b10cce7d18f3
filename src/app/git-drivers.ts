import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../model/setup-report.ts';
import type { AppContext, Surroundings } from './ports.ts';

/** Lines of .gitattributes: which files git has merged and compared by datawf, and which by lines. */
export const ATTRIBUTES: readonly string[] = [
  'datawf.lock merge=datawf diff=datawf',
  '*.datawf merge=datawf diff=datawf',
  '.gitignore merge=union',
];

/**
 * Tells this clone's git how to merge and compare what datawf writes. Git never takes programs from a repository, so each
 * clone has to be told once (docs/decisions/020-git-drivers.md). Answers whether that was news.
 */
export async function registerDrivers(ctx: AppContext): Promise<boolean> {
  const missing = await missingSettings(ctx);
  for (const [key, value] of missing) await ctx.git.setConfig(key, value);
  return missing.length > 0;
}

/** Whether `registerDrivers` would change something. */
export async function lacksDrivers(ctx: AppContext): Promise<boolean> {
  return (await missingSettings(ctx)).length > 0;
}

async function missingSettings(ctx: AppContext): Promise<readonly (readonly [string, string])[]> {
  const settings = settingsFor(ctx.around.program);
  const present = await Promise.all(settings.map(([key]) => ctx.git.getConfig(key)));
  return settings.filter(([, value], index) => present[index] !== value);
}

function settingsFor(program: Surroundings['program']): readonly (readonly [key: string, value: string])[] {
  const call = callOf(program);
  return [
    ['merge.datawf.name', 'datawf: locks by row, added data by file'],
    // In a merge driver's command git replaces %.
    ['merge.datawf.driver', `${call.replaceAll('%', '%%')} merge-driver -- %O %A %B %P`],
    ['diff.datawf.command', `${call} diff-driver --`],
  ];
}

/**
 * Shell text that calls datawf where git runs it: the installation that wrote it, which need not be in PATH (npx); where that
 * is gone, after an update of Node or datawf, the one in PATH.
 */
export function callOf({ node, script }: Surroundings['program']): string {
  const [bin, file] = [quote(node), quote(script)];
  return `datawf() { if test -x ${bin} && test -f ${file}; then ${bin} ${file} "$@"; else command datawf "$@"; fi; }; datawf`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const FIX = 'Run: datawf init';

/** Whether git merges and compares through datawf in this clone. */
export async function driverCheck(ctx: AppContext): Promise<Check> {
  const warn = (message: string): Check => ({ name: 'drivers', state: 'warn', message, fix: FIX });
  const driver = await ctx.git.getConfig('merge.datawf.driver');
  if (driver === undefined || (await ctx.git.getConfig('diff.datawf.command')) === undefined)
    return warn('this clone has no merge driver: git merges locks and .datawf files by lines');
  const script = /test -f '((?:[^']|'\\'')*)'/
    .exec(driver)?.[1]
    ?.replaceAll("'\\''", "'")
    .replaceAll('%%', '%');
  if (script !== undefined && !existsSync(script))
    return warn(`git's merge driver was installed in ${script}, which is gone`);
  const file = join(ctx.workspace.root, '.gitattributes');
  const lines = new Set(existsSync(file) ? readFileSync(file, 'utf8').split(/\r?\n/) : []);
  if (!ATTRIBUTES.every((line) => lines.has(line)))
    return warn('.gitattributes does not tell git which files datawf merges');
  return { name: 'drivers', state: 'ok', message: 'git merges and compares through datawf' };
}
