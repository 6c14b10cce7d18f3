import type { StageNode } from '../graph/graph.ts';
import type { DatumRow } from '../model/datum.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { LockStage } from '../model/lock.ts';
import type { Store } from '../store/store.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { Dataset } from './project.ts';
import type { StageFacts } from './stage-facts.ts';

/** How far the plan of a stage has come. */
export type Progress =
  /** Not looked at: outside the selection, or frozen; its rows count as they are. */
  | 'outside'
  /** Nothing changed since it was last found current; rows weren't read. */
  | 'unchanged'
  /** What its datums are depends on files that aren't made yet. */
  | 'deferred'
  | 'planned'
  /** All datums have their outcome. */
  | 'settled';

export interface StageOptions {
  readonly node: StageNode;
  readonly facts: StageFacts;
  readonly locked: LockStage | undefined;
  readonly datasets: readonly Dataset[];
  readonly store: Store;
  readonly inScope: boolean;
  /** IANA zone of `today`. */
  readonly zone: string;
  /** Run datums although they are current. */
  readonly force: boolean;
  /** Run datums again that `on_code_change: keep` would leave as earlier code made them. */
  readonly renew: boolean;
  /** Look results up in the run cache. */
  readonly runCache: boolean;
  /** Whether stages marked `always` run (repro) or not (status). */
  readonly runAlways: boolean;
  /** Files of its outs aren't here: the objects behind them are looked for, so that a lost one is made again. */
  readonly checkObjects: boolean;
  /** Whether a datum's period meets the window. */
  readonly inWindow: (captures: ReadonlyMap<string, string>, row: DatumRow | undefined) => boolean;
  /** Whether a datum may work: it is in the window, and of those that the mode of a backfill takes. */
  readonly selects: (captures: ReadonlyMap<string, string>, row: DatumRow | undefined) => boolean;
}

/** What a settled datum's inputs are. */
export interface ResolvedInputs {
  /** Per dep: files, or undefined for a broadcast dep. */
  readonly files: readonly (readonly FileEntry[] | undefined)[];
  readonly blockedBy: DatumPlan | undefined;
  /** A required dep has no file, or not all of a window or of what the matrix names. */
  readonly lacks: boolean;
}
