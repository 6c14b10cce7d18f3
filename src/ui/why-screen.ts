import type { KeyDifference, WhyDatum, WhyReport } from '../model/report.ts';
import { versionLines } from './accept-screen.ts';
import { plural } from './format.ts';
import type { Look } from './look.ts';
import { reasonText } from './reasons.ts';

/** `datawf why`: the answer in a sentence, then what differs, then the datums concerned. */
export function whyText(report: WhyReport, look: Look): string {
  const { style } = look;
  const lines = [`${style.bold(report.target)}: ${report.answer}`];
  if (report.stage !== null && report.stage !== report.target)
    lines.push(`  made by stage ${style.bold(report.stage)}`);
  for (const reason of report.reasons) {
    const count =
      report.counts !== null && report.counts.total > 1 ? `${plural(reason.count, 'datum')}: ` : '';
    lines.push(`  ${count}${reasonText(reason, look.verbose ? 20 : 3)}`);
  }
  if (report.code !== undefined)
    lines.push(...versionLines({ ...report, code: report.code }).map((line) => `  ${line}`));
  if (report.differences.length > 0) {
    lines.push(
      '',
      'Against the recorded key:',
      ...report.differences.flatMap((difference) => differenceLines(difference, '  ', look)),
    );
  }
  const telling = report.datums.filter((datum) => datum.datum !== '-' || datum.differences.length > 0);
  if (telling.length > 0) lines.push('', 'Datums:');
  for (const datum of telling.slice(0, look.verbose ? 20 : 5)) lines.push(...datumLines(datum, look));
  const open = report.datums.length - Math.min(telling.length, look.verbose ? 20 : 5);
  if (telling.length > 0 && open > 0)
    lines.push(`  and ${open} more${look.verbose ? '' : ' (-v shows up to 20)'}`);
  return `${lines.join('\n')}\n`;
}

function datumLines(datum: WhyDatum, look: Look): readonly string[] {
  const name = datum.datum === '-' ? 'the datum' : datum.datum;
  return [
    `  ${look.style.bold(name)}  ${datum.decision}: ${datum.reason}`,
    ...datum.differences.flatMap((difference) => differenceLines(difference, '    ', look)),
  ];
}

function differenceLines(difference: KeyDifference, indent: string, look: Look): readonly string[] {
  const { style } = look;
  const lines = [`${indent}${difference.field}`];
  if (difference.before !== null) lines.push(`${indent}  ${style.bad('-')} ${short(difference.before)}`);
  if (difference.after !== null) lines.push(`${indent}  ${style.good('+')} ${short(difference.after)}`);
  const paths = difference.paths ?? [];
  lines.push(...paths.slice(0, look.verbose ? 20 : 3).map((path) => `${indent}    ${path}`));
  return lines;
}

/** Digests are told by their first ten digits. */
function short(value: string): string {
  return value.replace(/\b[0-9a-f]{64}\b/g, (digest) => `${digest.slice(0, 10)}…`);
}
