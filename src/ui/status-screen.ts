import type { DatasetReport, DatumCounts, StageReport, StageState, StatusReport } from '../model/report.ts';
import { versionLines } from './accept-screen.ts';
import { formatBytes, formatCaptures, plural } from './format.ts';
import type { Look } from './look.ts';
import { reasonsText } from './reasons.ts';
import type { Style } from './style.ts';
import { alignRows } from './table.ts';

/** `datawf status`: stages with their reasons, datasets with their edits, what is lost, and what to type next. */
export function statusText(report: StatusReport, look: Look): string {
  const parts = [headText(report), stagesText(report.stages, look), datasetsText(report.datasets, look)];
  parts.push(plainText(report.plain), closingText(report, look.style));
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const STATES: Readonly<Record<StageState, string>> = {
  current: 'current',
  stale: 'stale',
  failed: 'failed',
  'never-run': 'never run',
  frozen: 'frozen',
  always: 'always runs',
};

/** A stage's state in words, in its color. */
export function stateText(state: StageState, style: Style): string {
  const paint = {
    current: style.good,
    failed: style.bad,
    stale: style.warn,
    'never-run': style.warn,
  } as const;
  return state in paint ? paint[state as keyof typeof paint](STATES[state]) : style.dim(STATES[state]);
}

function headText(report: StatusReport): string {
  const commit = report.commit === null ? 'no commit yet' : report.commit.slice(0, 10);
  return report.branch === null ? `Detached at ${commit}` : `On branch ${report.branch} (${commit})`;
}

function stagesText(stages: readonly StageReport[], look: Look): string {
  if (stages.length === 0) return '';
  const rows = stages.map((stage) => [
    `  ${look.style.bold(stage.stage)}`,
    stateText(stage.state, look.style),
    [datumsText(stage.datums, stage.bound), look.style.dim(reasonsText(stage.reasons))]
      .filter((part) => part !== '')
      .join('; '),
  ]);
  const table = alignRows(rows);
  const lines = stages.flatMap((stage, index) => [table[index] ?? '', ...stageNotes(stage, look)]);
  return `${look.style.bold('Stages')}\n${lines.join('\n')}`;
}

/** Datums in words: `1 of 1461 stale, 2 waiting`; all of them where they are current. */
function datumsText(counts: DatumCounts, bound: boolean): string {
  const parts: string[] = [];
  const sign = bound ? '≤ ' : '';
  if (counts.stale > 0) parts.push(`${sign}${counts.stale} of ${counts.total} stale`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.cached > 0) parts.push(`${sign}${counts.cached} in the run cache`);
  if (parts.length === 0) parts.push(plural(counts.total, 'datum', 'datums'));
  if (counts.waiting > 0) parts.push(`${counts.waiting} waiting`);
  if (counts.vanished > 0) parts.push(`${counts.vanished} to vanish`);
  return parts.join(', ');
}

function stageNotes(stage: StageReport, look: Look): readonly string[] {
  const notes: string[] = [];
  for (const [name, dep] of Object.entries(stage.deps)) {
    const lost = (['unmatched', 'unpaired', 'outside'] as const).filter((kind) => dep[kind] > 0);
    if (lost.length === 0) continue;
    const words = {
      unmatched: 'fit no pattern',
      unpaired: 'have no partner',
      outside: 'lie outside the matrix',
    };
    const parts = lost.map((kind) => {
      const some = dep.examples?.[kind]?.slice(0, 3) ?? [];
      return `${dep[kind]} ${words[kind]}${some.length === 0 ? '' : ` (${some.join(', ')}${dep[kind] > some.length ? ', …' : ''})`}`;
    });
    notes.push(`${name}: ${dep.used} of ${plural(dep.files, 'file')} used; ${parts.join('; ')}`);
  }
  for (const { captures, missing, asked } of stage.waiting.slice(0, look.verbose ? 20 : 3)) {
    const name = formatCaptures(captures);
    const what =
      asked === true ? 'said "not yet" when it was asked (exit 75)' : `waits for ${missing.join(', ')}`;
    notes.push(`${name === '' ? 'it' : name} ${what}`);
  }
  notes.push(...versionLines(stage));
  return notes.map((note) => `      ${look.style.dim(note)}`);
}

function datasetsText(datasets: readonly DatasetReport[], look: Look): string {
  if (datasets.length === 0) return '';
  const rows = datasets.map((dataset) => [
    `  ${look.style.bold(dataset.path)}`,
    dataset.stage === null ? 'added' : `from ${dataset.stage}`,
    datasetState(dataset, look.style),
    plural(dataset.files, 'file'),
    formatBytes(dataset.bytes),
  ]);
  const table = alignRows(rows, ['left', 'left', 'left', 'right', 'right']);
  const lines = datasets.flatMap((dataset, index) => [table[index] ?? '', ...editLines(dataset, look)]);
  return `${look.style.bold('Datasets')}\n${lines.join('\n')}`;
}

function datasetState(dataset: DatasetReport, style: Style): string {
  switch (dataset.state) {
    case 'clean':
      return dataset.files === 0 ? style.dim('nothing yet') : style.good('clean');
    case 'missing':
      return style.dim('not here');
    case 'untracked':
      return style.warn('not added');
    case 'modified': {
      const edits = (['added', 'changed', 'deleted'] as const).filter((kind) => dataset[kind] > 0);
      return style.warn(
        edits.length === 0 ? 'modified' : edits.map((kind) => `${dataset[kind]} ${kind}`).join(', '),
      );
    }
  }
}

function editLines(dataset: DatasetReport, look: Look): readonly string[] {
  const paths = dataset.paths;
  if (paths === undefined || dataset.state !== 'modified') return [];
  const most = look.verbose ? 20 : 5;
  const all = (['added', 'changed', 'deleted'] as const).flatMap((kind) =>
    paths[kind].map((path) => `${kind.padEnd(7)}  ${path}`),
  );
  const total = dataset.added + dataset.changed + dataset.deleted;
  const shown = all.slice(0, most).map((line) => `      ${line}`);
  return total > shown.length ? [...shown, `      and ${total - shown.length} more`] : shown;
}

function plainText(plain: StatusReport['plain']): string {
  if (plain.count === 0) return '';
  const shown = plain.paths.slice(0, 5).map((path) => `  ${path}`);
  const more = plain.count > shown.length ? [`  and ${plain.count - shown.length} more`] : [];
  return ['Inputs that no clone has (git add or datawf add them)', ...shown, ...more].join('\n');
}

function closingText(report: StatusReport, style: Style): string {
  const { stages, datasets } = report;
  if (stages.length === 0 && datasets.length === 0) {
    return 'Nothing here yet. Add data with "datawf add PATH", and a stage with "datawf stage add --help".';
  }
  const open = stages.filter(
    (stage) => stage.state === 'stale' || stage.state === 'failed' || stage.state === 'never-run',
  );
  const modified = datasets.filter((dataset) => dataset.state === 'modified');
  if (open.length > 0) return `${openText(open.length, stages.length)} Run: ${style.accent('datawf repro')}`;
  if (modified.some((dataset) => dataset.stage === null))
    return `Edits of added data are recorded by: ${style.accent('datawf repro')} (or datawf add)`;
  if (modified.length > 0)
    return `Outputs of stages were edited. Take them back: ${style.accent('datawf checkout --force')}`;
  return style.good('Everything is current.');
}

function openText(open: number, all: number): string {
  return all === 1
    ? 'The stage is not current.'
    : `${open} of ${all} stages ${open === 1 ? 'is' : 'are'} not current.`;
}
