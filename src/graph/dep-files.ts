import type { CaptureValue } from '../model/pattern-match.ts';
import { coarserOf, periodStart, type Grain } from '../model/period.ts';
import { isSystemFile } from '../model/repo-path.ts';
import { valuesAt, type MatrixSet } from './matrix.ts';
import { keyOf, keyParts, project, type Relation, type Row } from './relation.ts';
import type { Column, DepRole } from './stage-roles.ts';

/** A dep's candidates, sorted into those that match and the matrix lets in, and the rest. */
export interface DepFiles {
  readonly role: DepRole;
  readonly columns: readonly Column[];
  /** Values and candidate index of each file that datums may see. */
  readonly rows: readonly Row[];
  readonly indexes: readonly number[];
  readonly unmatched: readonly number[];
  readonly outside: readonly number[];
}

/**
 * Reads every candidate once. A window's own time isn't held against the matrix here: it may look beyond its ends.
 * Throws a Problem `ambiguous-path` (exit 2) for a path with two readings.
 */
export function readFiles(
  role: DepRole,
  candidates: readonly string[],
  matrix: ReadonlyMap<string, MatrixSet>,
): DepFiles {
  const { captures, times, matcher } = role.dep.pattern;
  const columns = captures.map((name) => ({ name, grain: times.get(name) }));
  const listed = listedColumns(columns, matrix).filter(({ name }) => name !== role.moved);
  const rows: Row[] = [];
  const indexes: number[] = [];
  const unmatched: number[] = [];
  const outside: number[] = [];
  candidates.forEach((path, index) => {
    const row = matcher.match(path);
    if (row === undefined) {
      if (!isSystemFile(path)) unmatched.push(index);
    } else if (!listed.every((column) => isListed(row, column))) outside.push(index);
    else {
      rows.push(row);
      indexes.push(index);
    }
  });
  return { role, columns, rows, indexes, unmatched, outside };
}

/** Answers whether the matrix names, for every capture of a row, a value that joins it. */
export function matrixTest(files: DepFiles, matrix: ReadonlyMap<string, MatrixSet>): (row: Row) => boolean {
  const listed = listedColumns(files.columns, matrix);
  return (row) => listed.every((column) => isListed(row, column));
}

/** What the dep's files say about these captures, each combination once. */
export function factsOf(files: DepFiles, wanted: readonly Column[]): Relation {
  return project({ columns: files.columns, rows: files.rows }, wanted);
}

/** The keys of the dep's files over some columns. */
export function keysOf(files: DepFiles, wanted: readonly Column[]): ReadonlySet<CaptureValue> {
  const parts = keyParts(files.columns, wanted);
  return new Set(files.rows.map((row) => keyOf(row, parts)));
}

interface ListedColumn {
  readonly name: string;
  readonly at: number;
  /** The grain that the values are listed at; undefined: plain, or the row's own. */
  readonly to: Grain | undefined;
  readonly values: ReadonlySet<CaptureValue>;
}

function listedColumns(columns: readonly Column[], matrix: ReadonlyMap<string, MatrixSet>): ListedColumn[] {
  return columns.flatMap(({ name, grain }, at) => {
    const set = matrix.get(name);
    if (set === undefined) return [];
    const seen = grain === undefined || set.grain === undefined ? undefined : coarserOf(grain, set.grain);
    return [{ name, at, to: seen === grain ? undefined : seen, values: valuesAt(set, grain) }];
  });
}

function isListed(row: Row, { at, to, values }: ListedColumn): boolean {
  const value = row[at] as CaptureValue;
  return values.has(to === undefined || typeof value === 'string' ? value : periodStart(value, to));
}
