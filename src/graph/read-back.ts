import { matchPath, renderPath, type Pattern } from '../model/pattern.ts';
import { invalid } from '../model/problem.ts';
import { pathFault } from '../model/repo-path.ts';
import type { Out } from '../model/stage.ts';

/** A datum as far as the paths of its outs go. */
export interface DatumName {
  readonly id: string;
  readonly captures: ReadonlyMap<string, string>;
}

/**
 * Throws a Problem (exit 2) where an out doesn't read back to the datum that writes it: `ambiguous-path` for two
 * readings, else `unreadable-out`. Makes no path where form and values prove it: half of the time of a million datums.
 */
export function refuseUnreadable(outs: readonly Out[], datums: readonly DatumName[]): void {
  for (const { name, pattern } of outs) {
    const plain = pattern.captures.filter((capture) => !pattern.times.has(capture));
    const provable = isProvable(pattern);
    for (const datum of datums) {
      if (provable && plain.every((capture) => HARMLESS.test(datum.captures.get(capture) ?? ''))) continue;
      refuseUnlessReadBack(name, pattern, datum);
    }
  }
}

/** Begins no system file's name and leaves no folder. */
const HARMLESS = /^[A-SU-Za-z0-9][\w.+ -]*$/;

/** One reading by form, values of any width, and no last name that could be made a system file's. */
function isProvable({ matcher, tokens }: Pattern): boolean {
  const sample = tokens.map((token) => (token.kind === 'text' ? token.text : 'x')).join('');
  const name = sample.slice(sample.lastIndexOf('/') + 1);
  return (
    matcher.single &&
    !/^[.T]/.test(name) &&
    tokens.every((token) => token.kind !== 'value' || token.width === undefined)
  );
}

function refuseUnlessReadBack(out: string, pattern: Pattern, { id, captures }: DatumName): void {
  const path = renderPath(pattern, captures);
  const fault = pathFault(path);
  const file = pattern.shape === 'directory' ? `${path}/x` : path;
  const back = fault === undefined ? matchPath(pattern, file) : undefined;
  if (back !== undefined && [...back].every(([name, value]) => captures.get(name) === value)) return;
  throw invalid(
    'unreadable-out',
    `out ${out} (${pattern.source}) can't hold ${id}: ${JSON.stringify(path)} ${fault ?? "doesn't read back to it"}`,
    'Write the value so that the path shows it alone: another text around it, another width, or a folder of its own.',
  );
}
