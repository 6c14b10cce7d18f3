import type { Amount, CacheReport, GcReport, Holding, PruneReport } from '../model/keep-report.ts';
import { formatBytes, plural } from './format.ts';
import type { Look } from './look.ts';
import { alignRows } from './table.ts';

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

/** `datawf cache du`: the local store by kinds of files. */
export function cacheText(report: CacheReport, look: Look): string {
  const row = ({ files, bytes }: Amount, what: string): readonly string[] => [
    formatBytes(bytes),
    plural(files, 'file'),
    what,
  ];
  const { style } = look;
  const rows = [
    row(report.objects, style.bold('data')),
    row(report.needed, '  needed by this checkout'),
    row(report.trees, 'lists of files and rows'),
    row(report.results, 'results'),
    row(report.history, 'history'),
    row(report.unfinished, 'unfinished'),
    row(report.quarantine, 'damaged, put aside'),
  ];
  return `${alignRows(rows, ['right', 'right', 'left']).join('\n')}\n${style.dim(report.store)}\n`;
}

/** `datawf cache prune`: what went, and why the rest stays. */
export function pruneText(report: PruneReport): string {
  const amount = ({ files, bytes }: Amount): string => `${plural(files, 'object')} (${formatBytes(bytes)})`;
  const lines = [
    `${report.dryRun ? 'would drop' : 'dropped'} ${amount(report.dropped)}`,
    `kept ${amount(report.needed)} that a checkout needs`,
    ...(report.onlyHere.files === 0 ? [] : [`kept ${amount(report.onlyHere)} that no other store has`]),
    ...(report.young.files === 0 ? [] : [`kept ${amount(report.young)} touched lately`]),
  ];
  return `${lines.join('\n')}\n`;
}
