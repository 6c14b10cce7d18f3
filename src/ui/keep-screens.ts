import type { GcReport, Holding } from '../model/keep-report.ts';
import { formatBytes, plural } from './format.ts';
import type { Look } from './look.ts';

/** Paths and names shown unless -v asks for all. */
const SHOWN = 100;
const NAMES = 5;

/** `datawf gc`: what roots there are, what stays, what goes; of a dry run the paths. */
export function gcText(report: GcReport, look: Look): string {
  const { style } = look;
  const { removed, kept, dryRun } = report;
  const roots = report.roots.map(({ kind, count, names }) => {
    const some = look.verbose ? names : names.slice(0, NAMES);
    const more = count > some.length ? ', …' : '';
    return `  ${count} ${count === 1 ? singular(kind) : kind}: ${some.join(', ')}${more}`;
  });
  const nothing = removed.objects + removed.trees + removed.results + removed.leftovers + removed.runs === 0;
  const verb = dryRun ? style.warn('would remove') : style.good('removed');
  const gone = [
    holdingText(removed),
    ...(removed.leftovers === 0 ? [] : [plural(removed.leftovers, 'unfinished or damaged file')]),
    ...(removed.runs === 0 ? [] : [plural(removed.runs, 'old run')]),
  ].join(', ');
  const last = nothing ? 'nothing to remove' : `${verb} ${gone}`;
  const lines = [
    `needed by`,
    ...roots,
    `${dryRun ? 'would keep' : 'kept'} ${holdingText(kept)}`,
    ...pathLines(report, look),
    last,
  ];
  return `${lines.join('\n')}\n`;
}

function singular(kind: string): string {
  return kind
    .replace(/branches$/, 'branch')
    .replace(/stashes$/, 'stash')
    .replace(/s$/, '');
}

function holdingText({ objects, bytes, trees, results }: Holding): string {
  return [
    `${plural(objects, 'object')} (${formatBytes(bytes)})`,
    plural(trees, 'list'),
    plural(results, 'result'),
  ].join(', ');
}

function pathLines({ paths }: GcReport, look: Look): readonly string[] {
  const some = look.verbose ? paths : paths.slice(0, SHOWN);
  const more = paths.length - some.length;
  return [...some.map((path) => `  ${path}`), ...(more > 0 ? [`  and ${more} more (-v shows all)`] : [])];
}
