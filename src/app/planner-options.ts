import type { DatumRow } from '../model/datum.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { DatumState } from '../model/outcome.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { NotYet } from './not-yet.ts';
import type { PlanMemo } from './plan-memo.ts';
import type { AppContext } from './ports.ts';
import type { Sources } from './sources.ts';
import type { StageState } from './stage-state.ts';
import type { Supply } from './supply.ts';

/** How a datum's inputs led to its outcome; what a run records. */
export interface Settled {
  readonly datum: DatumPlan<StageState>;
  readonly outcome: DatumState | 'gone';
  readonly row?: DatumRow;
  readonly outs?: readonly FileEntry[];
}

export interface PlannerOptions {
  readonly ctx: AppContext;
  readonly sources: Sources;
  readonly memo: PlanMemo;
  /** Told as waiting what said "not yet" when it was last tried; undefined: all are tried again. */
  readonly notYet?: NotYet | undefined;
  readonly supply: Supply;
  /** In the order of the graph. */
  readonly states: readonly StageState[];
  /** Called for every datum that gets its outcome, also while planning. */
  readonly onSettled?: (settled: Settled) => void;
  /** Called when a stage's datums are known, before any of them is decided. */
  readonly onPlanned?: (state: StageState) => Promise<void>;
  /** Called when all datums of a stage have their outcome, before a stage behind it goes on. */
  readonly onStage?: (state: StageState) => Promise<void>;
}
