import { resolveMoment, periodsWithin, grainOfShift, type Clock } from '../model/moment.ts';
import type { CaptureValue } from '../model/pattern-match.ts';
import { coarserOf, parseLabel, periodStart, type Grain } from '../model/period.ts';
import { invalid } from '../model/problem.ts';
import type { MatrixItem, Stage } from '../model/stage.ts';
import { timeGrain } from './stage-roles.ts';

/** What `matrix` lists for one capture. */
export interface MatrixSet {
  readonly name: string;
  /** Grain of the listed periods; undefined: plain text. */
  readonly grain: Grain | undefined;
  /** Each once: texts, or starts of periods. */
  readonly values: readonly CaptureValue[];
}

/** The stage's matrix with its ranges worked out at a moment. Throws a Problem (exit 2) for items that name no time. */
export function resolveMatrix(stage: Stage, clock: Clock): ReadonlyMap<string, MatrixSet> {
  const sets = new Map<string, MatrixSet>();
  for (const [name, item] of stage.matrix) {
    const grain = timeGrain(stage, name);
    sets.set(name, grain === undefined ? plainSet(name, item) : timeSet(name, item, clock));
  }
  return sets;
}

/** The listed values as a file or datum of that grain sees them: periods coarsened to it. */
export function valuesAt(set: MatrixSet, grain: Grain | undefined): ReadonlySet<CaptureValue> {
  if (set.grain === undefined || grain === undefined) return new Set(set.values);
  const seen = coarserOf(set.grain, grain);
  return seen === set.grain
    ? new Set(set.values)
    : new Set(set.values.map((value) => periodStart(value as number, seen)));
}

function plainSet(name: string, item: MatrixItem): MatrixSet {
  if (item.kind === 'range')
    throw invalid('bad-matrix', `matrix ${name} is a range, but {${name}} is no time`);
  return { name, grain: undefined, values: [...new Set(item.values)] };
}

function timeSet(name: string, item: MatrixItem, clock: Clock): MatrixSet {
  if (item.kind === 'range') {
    const starts = periodsWithin(
      resolveMoment(item.since, clock),
      resolveMoment(item.until, clock),
      item.every,
    );
    return { name, grain: grainOfShift(item.every), values: starts };
  }
  const periods = item.values.map((value) => {
    const period = parseLabel(value);
    if (period === undefined)
      throw invalid('bad-matrix', `${JSON.stringify(value)} of matrix ${name} is no time`);
    return period;
  });
  return { name, grain: periods[0]?.grain ?? 'day', values: [...new Set(periods.map(({ start }) => start))] };
}
