import type { StagePlanLine } from '../model/event.ts';
import { reasonsText } from './reasons.ts';
import type { Style } from './style.ts';
import { alignRows } from './table.ts';

/** What a run would do, a line a stage; `≤` marks numbers that stages before it may still lower. */
export function planText(stages: readonly StagePlanLine[], style: Style): string {
  const busy = stages.filter((line) => workOf(line).length > 0);
  if (busy.length === 0) return 'nothing to do\n';
  const rows = busy.map((line) => [
    style.bold(line.stage),
    workOf(line).join(', '),
    style.dim(reasonsText(line.reasons)),
  ]);
  const table = alignRows(rows);
  const text = busy.flatMap((line, index) => [table[index] ?? '', ...datumLines(line)]);
  return `${text.join('\n')}\n`;
}

/** Names of datums are worth their lines only while they are few. */
function datumLines(line: StagePlanLine): readonly string[] {
  if (line.datums.length === 0 || (line.datums.length === 1 && line.total <= 1)) return [];
  const shown = line.datums.slice(0, 10).map((datum) => `    ${datum}`);
  const more = line.toRun + line.cached - shown.length;
  return more > 0 ? [...shown, `    and ${more} more`] : shown;
}

function workOf(line: StagePlanLine): readonly string[] {
  const bound = line.bound ? '≤ ' : '';
  const parts: string[] = [];
  if (line.toRun > 0) parts.push(`run ${bound}${line.toRun} of ${line.total}`);
  if (line.cached > 0) parts.push(`restore ${bound}${line.cached} from the run cache`);
  if (line.waiting > 0) parts.push(`${line.waiting} waiting`);
  if (line.blocked > 0) parts.push(`${line.blocked} blocked`);
  if (line.vanished > 0) parts.push(`drop ${line.vanished}`);
  return parts;
}
