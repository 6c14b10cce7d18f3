import { keysOf, matrixTest, type DepFiles } from './dep-files.ts';
import type { MatrixSet } from './matrix.ts';
import { keyOf, keyParts, sharedColumns, type Row } from './relation.ts';
import type { Share } from './supply.ts';

/**
 * What became of a dep's files: files = used + unmatched + unpaired + outside. What systems leave behind (`.DS_Store`)
 * counts nowhere. A file of a datum that only waits for more of the same dep counts as used.
 */
export interface DepUsage {
  readonly files: number;
  readonly used: number;
  /** The pattern doesn't match them. */
  readonly unmatched: number;
  /** Another dep has no partner for them. */
  readonly unpaired: number;
  /** The matrix doesn't name them. */
  readonly outside: number;
  /** Up to 20 each. */
  readonly unmatchedPaths: readonly string[];
  readonly unpairedPaths: readonly string[];
  readonly outsidePaths: readonly string[];
  /** The deps that have no partner. */
  readonly unpairedWith: readonly string[];
}

/** Notes which files of one dep datums see, and sums up. */
export interface UsageLedger {
  /** A datum sees these files. `waitsFor`: the other deps that it waits for, none where it doesn't wait. */
  readonly note: (share: Share, waitsFor: readonly string[]) => void;
  /** `all` are the files of every dep of the stage. */
  readonly close: (all: readonly DepFiles[], matrix: ReadonlyMap<string, MatrixSet>) => DepUsage;
}

const SHOWN = 20;
const WAITS = 1;
const USED = 2;

/** A ledger of a dep whose candidates are `paths`. Shares that many datums have are noted once. */
export function openLedger(files: DepFiles, paths: readonly string[]): UsageLedger {
  const marks = new Uint8Array(paths.length);
  const noted = new Set<readonly number[]>();
  const waitedFor = new Set<string>();
  const shown = (list: readonly number[]): string[] =>
    list.slice(0, SHOWN).map((index) => paths[index] as string);

  const note = (share: Share, waitsFor: readonly string[]): void => {
    for (const name of waitsFor) waitedFor.add(name);
    if (waitsFor.length > 0) {
      for (const index of share.files) if (marks[index] === 0) marks[index] = WAITS;
    } else if (!noted.has(share.files)) {
      if (share.files.length > 8) noted.add(share.files);
      for (const index of share.files) marks[index] = USED;
    }
  };

  const close = (all: readonly DepFiles[], matrix: ReadonlyMap<string, MatrixSet>): DepUsage => {
    const named = files.role.kind === 'window' ? matrixTest(files, matrix) : () => true;
    const outside = [...files.outside];
    const unpaired: number[] = [];
    const alone: Row[] = [];
    files.indexes.forEach((index, at) => {
      const row = files.rows[at] as Row;
      if (marks[index] === USED) return;
      if (!named(row)) return void outside.push(index);
      unpaired.push(index);
      if (marks[index] !== WAITS) alone.push(row);
    });
    const { unmatched } = files;
    const matched = files.rows.length + files.outside.length;
    return {
      files: matched + unmatched.length,
      used: matched - unpaired.length - outside.length,
      unmatched: unmatched.length,
      unpaired: unpaired.length,
      outside: outside.length,
      unmatchedPaths: shown(unmatched),
      unpairedPaths: shown(unpaired),
      outsidePaths: shown(outside),
      unpairedWith:
        unpaired.length === 0
          ? []
          : namesInOrder(all, new Set([...waitedFor, ...partnersMissing(files, all, alone)])),
    };
  };
  return { note, close };
}

function partnersMissing(files: DepFiles, all: readonly DepFiles[], alone: readonly Row[]): string[] {
  if (alone.length === 0) return [];
  const others = all.filter((each) => each !== files);
  const required = others.filter(({ role }) => !role.dep.optional);
  const lacking = required.filter((other) => lacksPartner(files, other, alone));
  const blamed = [lacking, required, others.filter(({ role }) => role.binding), [files]];
  return (blamed.find((each) => each.length > 0) ?? []).map(({ role }) => role.dep.name);
}

function lacksPartner(files: DepFiles, other: DepFiles, alone: readonly Row[]): boolean {
  if (other.role.kind === 'window') return false;
  const shared = sharedColumns(files.role.shared, other.role.shared);
  const keys = keysOf(other, shared);
  const parts = keyParts(files.columns, shared);
  return alone.some((row) => !keys.has(keyOf(row, parts)));
}

function namesInOrder(all: readonly DepFiles[], names: ReadonlySet<string>): string[] {
  return all.map(({ role }) => role.dep.name).filter((name) => names.has(name));
}
