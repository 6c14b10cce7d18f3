import { formatLockFile } from '../formats/lock-file.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Accepted, Lock, LockStage } from '../model/lock.ts';

/**
 * Three-way merge of locks (formats 2.4): entries by stage, rows by captures. A row is what its halves say, whatever branch
 * it came from, so taking one never makes a stale datum look current: where both sides made a row, ours is kept, and the
 * next plan compares its halves with what the merged repository has.
 */

/** One thing as three versions have it; undefined where a version has none. */
export interface Sides<Value> {
  readonly base: Value | undefined;
  readonly ours: Value | undefined;
  readonly theirs: Value | undefined;
}

/** Whose version counts; `both`: they are equal. */
export type Side = 'ours' | 'theirs' | 'both';

/** The side that a merge takes: the one that changed. undefined where both did, each otherwise. */
export function sideToTake<Value>(
  { base, ours, theirs }: Sides<Value>,
  same: (a: Value, b: Value) => boolean,
): Side | undefined {
  const equal = (a: Value | undefined, b: Value | undefined): boolean =>
    a === b || (a !== undefined && b !== undefined && same(a, b));
  if (equal(ours, theirs)) return 'both';
  if (equal(base, ours)) return 'theirs';
  if (equal(base, theirs)) return 'ours';
  return undefined;
}

/** An entry that both sides changed, each otherwise. */
export interface OpenStage extends Sides<LockStage> {
  readonly ours: LockStage;
  readonly theirs: LockStage;
}

/** What becomes of the entries of three locks. An entry that one side changed and the other deleted stays. */
export function mergeStages(locks: Readonly<Record<keyof Sides<Lock>, Lock>>): {
  readonly settled: ReadonlyMap<string, LockStage>;
  /** Entries whose rows have to be looked at. */
  readonly open: ReadonlyMap<string, OpenStage>;
} {
  const settled = new Map<string, LockStage>();
  const open = new Map<string, OpenStage>();
  for (const name of new Set([...locks.ours.stages.keys(), ...locks.theirs.stages.keys()])) {
    const ours = locks.ours.stages.get(name);
    const theirs = locks.theirs.stages.get(name);
    const sides = { base: locks.base.stages.get(name), ours, theirs };
    const side = sideToTake(sides, sameStage);
    if (side === undefined && ours !== undefined && theirs !== undefined) {
      open.set(name, { ...sides, ours, theirs });
      continue;
    }
    const taken = side === undefined ? (ours ?? theirs) : side === 'theirs' ? theirs : ours;
    if (taken !== undefined) settled.set(name, taken);
  }
  return { settled, open };
}

/** One lock has one text. */
function sameStage(a: LockStage, b: LockStage): boolean {
  return textOf(a) === textOf(b);
}

function textOf(stage: LockStage): string {
  return formatLockFile({ stages: new Map([['stage', stage]]) });
}

/** What of a merged entry doesn't follow from rows. */
export interface StageFacts {
  readonly code: LockStage['code'];
  readonly inputs: LockStage['inputs'];
  readonly accepted: LockStage['accepted'];
}

/** The code half of the side that changed it (else ours), the inputs that both agree on, and what either side accepted. */
export function mergeStageFacts({ base, ours, theirs }: OpenStage): StageFacts {
  const codeSide = sideToTake({ base: base?.code, ours: ours.code, theirs: theirs.code }, Object.is);
  const agree = ours.code === theirs.code && sameInputs(ours, theirs);
  return {
    code: codeSide === 'theirs' ? theirs.code : ours.code,
    inputs: agree ? ours.inputs : undefined,
    accepted: mergeAccepted(base, ours, theirs),
  };
}

function sameInputs({ inputs: a }: LockStage, { inputs: b }: LockStage): boolean {
  return a !== undefined && a.size === b?.size && [...a].every(([dep, tree]) => b.get(dep) === tree);
}

function mergeAccepted(
  base: LockStage | undefined,
  ours: LockStage,
  theirs: LockStage,
): LockStage['accepted'] {
  const merged = new Map<LockStage['code'], Accepted>();
  for (const code of new Set([...ours.accepted.keys(), ...theirs.accepted.keys()])) {
    const sides = {
      base: base?.accepted.get(code),
      ours: ours.accepted.get(code),
      theirs: theirs.accepted.get(code),
    };
    const side = sideToTake(sides, sameAccepted);
    const taken =
      side === 'theirs' ? sides.theirs : side === undefined ? (sides.ours ?? sides.theirs) : sides.ours;
    if (taken !== undefined) merged.set(code, taken);
  }
  return merged;
}

function sameAccepted(a: Accepted, b: Accepted): boolean {
  return a.as === b.as && a.by === b.by && a.reason === b.reason;
}

/** What becomes of a row. */
export interface MergedRow {
  /** undefined: it goes. */
  readonly row: DatumRow | undefined;
  /** Whose version of the row's files counts. */
  readonly files: Side;
  /** Both sides made it from different inputs or code: ours is kept, and what is stale about it the next plan finds. */
  readonly contested: boolean;
}

/**
 * Merges one row. A row that one side changed and the other removed stays: if it has vanished, the next run drops it. Of
 * two results the good one beats none, and with equal keys ours. A failed mark stays unless the side that changed it took
 * it away: at worst a datum is tried again.
 */
export function mergeRow(sides: Sides<DatumRow>): MergedRow {
  const { base, ours, theirs } = sides;
  const only = sideToTake(sides, sameRow);
  if (only !== undefined || ours === undefined || theirs === undefined) {
    const side = only ?? (ours === undefined ? 'theirs' : 'ours');
    const row = side === 'theirs' ? theirs : ours;
    return { row, files: filesSide(sides, side), contested: false };
  }
  const changed = sideToTake(sides, sameResult);
  const side = changed ?? (ours.result === undefined ? 'theirs' : 'ours');
  const taken = side === 'theirs' ? theirs : ours;
  const state = taken.result === undefined ? 'failed' : mergeState(base, ours, theirs);
  const contested =
    changed === undefined &&
    ours.result !== undefined &&
    theirs.result !== undefined &&
    !(ours.input === theirs.input && ours.code === theirs.code);
  return { row: { ...taken, state }, files: filesSide(sides, side), contested };
}

function mergeState(base: DatumRow | undefined, ours: DatumRow, theirs: DatumRow): DatumRow['state'] {
  if (ours.state === theirs.state) return ours.state;
  if (base === undefined) return 'failed';
  return base.state === ours.state ? theirs.state : ours.state;
}

/** Equal results are equal files. */
function filesSide({ ours, theirs }: Sides<DatumRow>, side: Side): Side {
  return ours?.result === theirs?.result ? 'both' : side;
}

function sameRow(a: DatumRow, b: DatumRow): boolean {
  return a.state === b.state && sameResult(a, b);
}

function sameResult(a: DatumRow, b: DatumRow): boolean {
  return a.input === b.input && a.code === b.code && a.result === b.result;
}
