import { countPeriods, shiftPeriod } from '../model/moment.ts';
import type { CaptureValue } from '../model/pattern-match.ts';
import { sketchPath } from '../model/pattern.ts';
import { labelOf, periodEnd, periodStart, type Grain, type Period } from '../model/period.ts';
import type { Shift } from '../model/stage.ts';
import { capturesOf } from './datum-name.ts';
import type { DepFiles } from './dep-files.ts';
import { keyOf, keyParts, type Row } from './relation.ts';
import type { Column } from './stage-roles.ts';
import {
  combinations,
  push,
  requirementsOf,
  withValues,
  type Share,
  type Supply,
  type SupplyContext,
} from './supply.ts';

/** Files of one key, by period: `files[offsets[n]…offsets[n + 1]]` are those of the period that starts at `starts[n]`. */
interface Series {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
  readonly files: readonly number[];
}

/**
 * The supply of a dep with a window: per datum a binary search in the sorted periods of its key. Complete where every
 * period of the dep's grain that meets the shifted period has a file.
 */
export function windowSupply(files: DepFiles, context: SupplyContext): Supply {
  const { dep, moved, shared } = files.role;
  const { datum } = context.roles;
  const at = datum.findIndex(({ name }) => name === moved);
  const datumGrain = datum[at]?.grain as Grain;
  const grain = dep.pattern.times.get(moved as string) as Grain;
  const window = dep.window as readonly [Shift, Shift];
  const requirements = requirementsOf(files, context);
  const rest = shared.filter(({ name }) => name !== moved);
  const extra = requirements.map(({ column }) => column);
  const rowKey = keyParts([...datum, ...extra], [...rest, ...extra]);
  const series = seriesBy(files, [...rest, ...extra]);

  const spanOf = (row: Row): Period => {
    const start = row[at] as number;
    const span = shiftPeriod({ start, end: periodEnd(start, datumGrain) }, window);
    return { start: periodStart(span.start, grain), end: span.end };
  };
  const choices = (row: Row): Row[] => combinations(requirements.map(({ values }) => values(row)));

  const share = (row: Row): Share => {
    const span = spanOf(row);
    const wanted = countPeriods(span, grain);
    const found: number[] = [];
    let complete = true;
    for (const choice of choices(row)) {
      const one = series.get(keyOf([...row, ...choice], rowKey));
      const from = one === undefined ? 0 : lowerBound(one.starts, span.start);
      const to = one === undefined ? 0 : lowerBound(one.starts, span.end);
      if (to - from !== wanted) complete = false;
      if (one !== undefined) found.push(...one.files.slice(one.offsets[from], one.offsets[to]));
    }
    return { files: sorted(found), complete };
  };

  const missing = (row: Row): string[] => {
    const span = spanOf(row);
    const known = capturesOf(row, datum);
    return choices(row).flatMap((choice) => {
      const there = new Set(series.get(keyOf([...row, ...choice], rowKey))?.starts);
      const named = withValues(known, requirements, choice);
      const lacking: string[] = [];
      for (let start = span.start; start < span.end; start = periodEnd(start, grain)) {
        if (!there.has(start))
          lacking.push(sketchPath(dep.pattern, named.set(moved as string, labelOf(start, grain))));
      }
      return lacking;
    });
  };
  return { share, missing };
}

function seriesBy(files: DepFiles, columns: readonly Column[]): ReadonlyMap<CaptureValue, Series> {
  const at = files.columns.findIndex(({ name }) => name === files.role.moved);
  const parts = keyParts(files.columns, columns);
  const groups = new Map<CaptureValue, number[]>();
  files.rows.forEach((row, index) => push(groups, keyOf(row, parts), index));
  const startOf = (index: number): number => (files.rows[index] as Row)[at] as number;
  const series = new Map<CaptureValue, Series>();
  for (const [key, group] of groups) {
    group.sort((a, b) => startOf(a) - startOf(b));
    const starts: number[] = [];
    const offsets: number[] = [];
    group.forEach((index, position) => {
      if (starts.at(-1) === startOf(index)) return;
      starts.push(startOf(index));
      offsets.push(position);
    });
    series.set(key, {
      starts,
      offsets: [...offsets, group.length],
      files: group.map((index) => files.indexes[index] as number),
    });
  }
  return series;
}

function sorted(indexes: number[]): number[] {
  return indexes.some((index, at) => at > 0 && index < (indexes[at - 1] as number))
    ? indexes.sort((a, b) => a - b)
    : indexes;
}

function lowerBound(sortedStarts: readonly number[], start: number): number {
  let low = 0;
  let high = sortedStarts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sortedStarts[middle] as number) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
