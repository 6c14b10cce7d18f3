import type { DatasetDiff, DiffReport, ListedFile, UsageReport, VersionsDiff } from '../model/report.ts';
import { formatBytes, plural } from './format.ts';
import type { Look } from './look.ts';
import type { Style } from './style.ts';
import { alignRows } from './table.ts';

/** `datawf diff`: per dataset the files added, changed, deleted and renamed. */
export function diffText(report: DiffReport, look: Look): string {
  const differing = report.datasets.filter((dataset) => totalOf(dataset) > 0);
  if (differing.length === 0) return 'no difference\n';
  return differing
    .map((dataset) => `${diffHead(dataset, look.style)}\n${diffLines(dataset, look).join('\n')}\n`)
    .join('\n');
}

/** What `git diff` shows of a lock or pointer: all files, since its reader pages, and notes. */
export function versionsText({ datasets, notes }: VersionsDiff, look: Look): string {
  const blocks = datasets.map(
    (dataset) =>
      `${diffHead(dataset, look.style)}\n${diffLines(dataset, { ...look, verbose: true }).join('\n')}\n`,
  );
  const words = notes.map((note) => `${note}\n`).join('');
  return words + blocks.join('');
}

function totalOf(dataset: DatasetDiff): number {
  return dataset.added.length + dataset.changed.length + dataset.deleted.length + dataset.renamed.length;
}

function diffHead(dataset: DatasetDiff, style: Style): string {
  const parts = (['added', 'changed', 'deleted', 'renamed'] as const)
    .filter((kind) => dataset[kind].length > 0)
    .map((kind) => `${dataset[kind].length} ${kind}`);
  return `${style.bold(dataset.path)}: ${parts.join(', ')}`;
}

/** Files shown a kind unless -v asks for all. */
const SHOWN = 100;

function diffLines(dataset: DatasetDiff, look: Look): readonly string[] {
  const { style } = look;
  const some = (lines: readonly string[]): readonly string[] =>
    look.verbose || lines.length <= SHOWN
      ? lines
      : [...lines.slice(0, SHOWN), `  and ${lines.length - SHOWN} more (-v shows all)`];
  return [
    ...some(dataset.added.map((path) => `  ${style.good('added')}    ${path}`)),
    ...some(dataset.changed.map((path) => `  ${style.warn('changed')}  ${path}`)),
    ...some(dataset.deleted.map((path) => `  ${style.bad('deleted')}  ${path}`)),
    ...some(dataset.renamed.map(({ from, to }) => `  ${style.accent('renamed')}  ${from} -> ${to}`)),
  ];
}

/** `datawf ls`: a path a line, for pipes; with sizes on a terminal or with -v. */
export function listText(files: readonly ListedFile[], look: Look, long: boolean): string {
  if (files.length === 0) return '';
  const named = files.map((file) => (file.kind === 'folder' ? `${file.path}/` : file.path));
  if (!long) return `${named.join('\n')}\n`;
  const rows = files.map((file, index) => [
    formatBytes(file.size),
    file.kind === 'folder' ? look.style.bold(named[index] ?? '') : (named[index] ?? ''),
  ]);
  return `${alignRows(rows, ['right', 'left']).join('\n')}\n`;
}

/** `datawf du`: datasets with their sizes, and what the store holds. */
export function usageText(report: UsageReport, look: Look): string {
  const rows = report.datasets.map((dataset) => [
    formatBytes(dataset.bytes),
    plural(dataset.files, 'file'),
    look.style.bold(dataset.path) + (dataset.here === dataset.files ? '' : ` (${dataset.here} here)`),
  ]);
  const { objects, bytes } = report.store;
  rows.push([
    formatBytes(bytes),
    plural(objects, 'object'),
    look.style.dim('in the local store, all versions'),
  ]);
  return `${alignRows(rows, ['right', 'right']).join('\n')}\n`;
}
