import type { ConfigEntry, DoctorReport, StageEdit, StageListing } from '../model/setup-report.ts';
import type { Look } from './look.ts';
import { alignRows } from './table.ts';

/** `datawf doctor`: a line a check, what to do below it. */
export function doctorText(report: DoctorReport, look: Look): string {
  const { style } = look;
  const paint = { ok: style.good, warn: style.warn, fail: style.bad };
  const table = alignRows(
    report.checks.map((check) => [paint[check.state](check.state), style.bold(check.name), check.message]),
  );
  const lines = report.checks.flatMap((check, index) => [
    table[index] ?? '',
    ...(check.fix === undefined ? [] : [`      ${check.fix}`]),
  ]);
  return `${lines.join('\n')}\n`;
}

/** `datawf config list`: keys, values, and where they are from. */
export function configText(entries: readonly ConfigEntry[], look: Look): string {
  const rows = entries.map((entry) => [
    look.style.bold(entry.key),
    valueText(entry.value),
    look.style.dim(entry.level),
  ]);
  return rows.length === 0 ? 'nothing is configured\n' : `${alignRows(rows).join('\n')}\n`;
}

/** A configured value as it is written on the command line: lists with commas. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `datawf stage list`: a block a stage. */
export function stagesText(stages: readonly StageListing[], look: Look): string {
  const { style } = look;
  if (stages.length === 0) return 'no stages yet\n';
  const blocks = stages.map((stage) => {
    const head = `${style.bold(stage.stage)}${stage.frozen ? style.dim(' (frozen)') : ''}${stage.desc === null ? '' : `  ${stage.desc}`}`;
    const rows = [
      ...Object.entries(stage.deps).map(([name, pattern]) => ['  dep', name, pattern]),
      ...Object.entries(stage.outs).map(([name, pattern]) => ['  out', name, pattern]),
      ['  cmd', '', typeof stage.cmd === 'string' ? stage.cmd.trim() : stage.cmd.join(' ')],
      ['  at', '', `${stage.file}:${stage.line}`],
    ];
    return `${head}\n${alignRows(rows).join('\n')}\n`;
  });
  return blocks.join('\n');
}

/** What an edit of a `datawf.yaml` did; a dry run shows the text. */
export function stageEditText(edit: StageEdit, verb: string): string {
  const names = edit.stages.join(', ');
  const text = edit.text === undefined ? '' : edit.text.replace(/^/gm, '  ').trimEnd();
  if (edit.stages.length === 0) return 'nothing to change\n';
  if (edit.dryRun) return `would have ${verb} ${names} in ${edit.file}\n${text === '' ? '' : `${text}\n`}`;
  return `${verb} ${names} in ${edit.file}\n`;
}
