import type { Command } from 'commander';
import { EXIT, invalid } from '../../model/problem.ts';
import type { ResolvedFile, ResolveReport } from '../../model/setup-report.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly ours?: boolean;
  readonly theirs?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf lock resolve [FILE…]` */
export function buildResolve(command: Command, bind: Bind): void {
  command
    .argument('[file...]', 'locks and .datawf files; all that a merge left open without any')
    .option('--ours', 'where the two sides cannot be merged, take ours')
    .option('--theirs', 'where the two sides cannot be merged, take theirs')
    .option('-n, --dry-run', 'show what would be merged, and change nothing');
  addExamples(command, [
    ['datawf lock resolve', 'finish what git could not merge, then: git commit'],
    [
      'datawf lock resolve --theirs data/raw.datawf',
      'both changed one file: take theirs, keep the rest of both',
    ],
  ]);
  command.action(
    bind(async (session, [files]: [string[]], options: Options) => {
      if (options.ours === true && options.theirs === true)
        throw invalid('two-sides', '--ours and --theirs exclude each other', 'Name one of them.');
      const context = await session.open();
      const { resolveMerges } = await import('../../app/lock-resolve.ts');
      const prefer = options.ours === true ? 'ours' : options.theirs === true ? 'theirs' : undefined;
      const report = await resolveMerges(context, { files, prefer, dryRun: options.dryRun ?? false });
      const isOpen = report.files.some(({ state }) => state === 'conflict');
      const { json, quiet } = session.globals;
      if (isOpen && quiet && !json) session.output.words(resolveText(report));
      else session.report(report, resolveText(report));
      return isOpen ? EXIT.refused : EXIT.ok;
    }),
  );
}

function resolveText(report: ResolveReport): string {
  const open = report.files.filter(({ state }) => state !== 'clean');
  if (open.length === 0) return 'no merge has left anything open\n';
  const lines = open.flatMap((file) => fileLines(file, report.dryRun));
  const isDone = open.every(({ state }) => state === 'merged') && !report.dryRun;
  return `${[...lines, ...(isDone ? ['Next: git commit, then datawf checkout'] : [])].join('\n')}\n`;
}

function fileLines({ file, state, conflicts, contested }: ResolvedFile, dryRun: boolean): readonly string[] {
  if (state === 'merged') {
    const stale = contested === 0 ? '' : `; made by both sides, for the next repro to judge: ${contested}`;
    return [`${dryRun ? 'would merge' : 'merged'} ${file}${stale}`];
  }
  const hints = new Set(conflicts.flatMap(({ hint }) => hint ?? []));
  return [...conflicts.map(({ message }) => `conflict in ${file}: ${message}`), ...hints];
}
