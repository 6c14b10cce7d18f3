import type { CaptureValue } from '../model/pattern-match.ts';
import { isInMatrix, keysOf, type DepFiles } from './dep-files.ts';
import type { MatrixSet } from './matrix.ts';
import { keyOf, keyParts, sharedColumns, type Row } from './relation.ts';
import type { Column } from './stage-roles.ts';
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

const SHOWN = 20;
const WAITS = 1;
const USED = 2;

/** Notes which files datums see. One per dep; `Share`s that several datums have are noted once. */
export class UsageLedger {
  readonly #files: DepFiles;
  readonly #marks: Uint8Array;
  readonly #noted = new Set<readonly number[]>();
  readonly #waitedFor = new Set<string>();

  constructor(files: DepFiles, candidates: number) {
    this.#files = files;
    this.#marks = new Uint8Array(candidates);
  }

  /** A datum sees these files. `waitsFor`: the other deps that it waits for, none where it doesn't wait. */
  note({ files }: Share, waitsFor: readonly string[]): void {
    if (waitsFor.length > 0) {
      for (const name of waitsFor) this.#waitedFor.add(name);
      for (const index of files) if (this.#marks[index] === 0) this.#marks[index] = WAITS;
      return;
    }
    if (this.#noted.has(files)) return;
    this.#noted.add(files);
    for (const index of files) this.#marks[index] = USED;
  }

  /** The sums. `all` are the files of every dep of the stage, `paths` this dep's candidates. */
  close(
    all: readonly DepFiles[],
    paths: readonly string[],
    matrix: ReadonlyMap<string, MatrixSet>,
  ): DepUsage {
    const { rows, indexes, unmatched, role } = this.#files;
    const outside = [...this.#files.outside];
    const unpaired: number[] = [];
    const alone: Row[] = [];
    indexes.forEach((index, at) => {
      if (this.#marks[index] === USED) return;
      const row = rows[at] as Row;
      if (role.kind === 'window' && !isInMatrix(this.#files, row, matrix)) outside.push(index);
      else {
        unpaired.push(index);
        if (this.#marks[index] !== WAITS) alone.push(row);
      }
    });
    const shown = (list: readonly number[]): string[] =>
      list.slice(0, SHOWN).map((index) => paths[index] as string);
    return {
      files: rows.length + unmatched.length + this.#files.outside.length,
      used: rows.length + this.#files.outside.length - unpaired.length - outside.length,
      unmatched: unmatched.length,
      unpaired: unpaired.length,
      outside: outside.length,
      unmatchedPaths: shown(unmatched),
      unpairedPaths: shown(unpaired),
      outsidePaths: shown(outside),
      unpairedWith: unpaired.length === 0 ? [] : this.#partnersMissing(all, alone),
    };
  }

  #partnersMissing(all: readonly DepFiles[], alone: readonly Row[]): string[] {
    const names = new Set(this.#waitedFor);
    if (alone.length > 0) {
      const others = all.filter((each) => each !== this.#files);
      const required = others.filter(({ role }) => !role.dep.optional);
      const lacking = required.filter((other) => this.#lacksPartner(other, alone));
      const blamed = [lacking, required, others.filter(({ role }) => role.binding), [this.#files]];
      for (const { role } of blamed.find((each) => each.length > 0) ?? []) names.add(role.dep.name);
    }
    return all.map(({ role }) => role.dep.name).filter((name) => names.has(name));
  }

  #lacksPartner(other: DepFiles, alone: readonly Row[]): boolean {
    if (other.role.kind === 'window') return false;
    const shared = sharedColumns(this.#ownShared(), other.role.shared);
    const keys: ReadonlySet<CaptureValue> = keysOf(other, shared);
    const parts = keyParts(this.#files.columns, shared);
    return alone.some((row) => !keys.has(keyOf(row, parts)));
  }

  #ownShared(): readonly Column[] {
    return this.#files.role.shared;
  }
}
