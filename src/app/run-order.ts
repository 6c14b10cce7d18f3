import { datumTimes, labelPeriod } from '../graph/datums.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { StageState } from './stage-state.ts';

export type Order = 'newest' | 'oldest';

/** Where a ready datum stands: lists of numbers, the lowest goes first. */
export type Rank = (datum: DatumPlan<StageState>) => readonly number[];

/**
 * Without an order what is new goes before what only the code made stale, then the deepest stage, so that chains end early.
 * With one the newest (oldest) period goes first, within it the deepest stage; what has no time goes first, since it runs
 * only where others need it or all others are done.
 */
export function rankBy(order: Order | undefined): Rank {
  if (order === undefined) return (datum) => [isHistory(datum) ? 1 : 0, -datum.stage.node.depth, datum.index];
  const ends = new Map<StageState, string | undefined>();
  return (datum) => {
    const state = datum.stage;
    if (!ends.has(state)) ends.set(state, datumTimes(state.node.stage)[0]);
    const name = ends.get(state);
    const label = name === undefined ? undefined : datum.spec.captures.get(name);
    const { depth } = state.node;
    if (label === undefined) return [-Infinity, -depth, datum.index];
    const period = labelPeriod(label);
    return order === 'newest' ? [-period.end, -depth, datum.index] : [period.start, -depth, datum.index];
  };
}

/** Stale by the stage's definition alone: its files are as they were. */
function isHistory(datum: DatumPlan<StageState>): boolean {
  return datum.reason === 'code-changed' || datum.reason === 'forced';
}
