import { capturesOf, labelOfValue } from './datum-name.ts';
import type { DepFiles } from './dep-files.ts';
import { valuesAt, type MatrixSet } from './matrix.ts';
import { keyOf, keyParts, type Row } from './relation.ts';
import type { Column, StageRoles } from './stage-roles.ts';
import type { CaptureValue } from '../model/pattern-match.ts';
import { coarserOf, isFiner, periodStart } from '../model/period.ts';
import { sketchPath } from '../model/pattern.ts';

/** What one dep has for one datum. */
export interface Share {
  /** Candidate indexes, ascending. The same array for datums that see the same files. */
  readonly files: readonly number[];
  /** Nothing that the datum requires of this dep is missing. */
  readonly complete: boolean;
}

/** Answers, for any datum row, what a dep has for it. Built once per dep, asked once per datum. */
export interface Supply {
  readonly share: (row: Row) => Share;
  /** What an incomplete share lacks, as paths for people, each once. */
  readonly missing: (row: Row) => string[];
}

/** What the supplies of a stage are built from. */
export interface SupplyContext {
  readonly roles: StageRoles;
  readonly matrix: ReadonlyMap<string, MatrixSet>;
}

/** A listed capture that a datum doesn't fix: each of its values must be there. */
export interface Requirement {
  readonly column: Column;
  /** The values required of a datum. */
  readonly values: (row: Row) => readonly CaptureValue[];
}

const NOTHING: Share = { files: [], complete: false };

/**
 * The supply of a dep that joins: one hash look-up per datum. Complete where there is a file and, for each combination
 * of what the matrix lists beyond the datum's own values, one of those too.
 */
export function joinSupply(files: DepFiles, context: SupplyContext): Supply {
  const { datum } = context.roles;
  const requirements = requirementsOf(files, context);
  const rowKey = keyParts(datum, files.role.shared);
  const fileKey = keyParts(files.columns, files.role.shared);
  const seenKey = keyParts(
    files.columns,
    requirements.map(({ column }) => column),
  );
  const valueParts = requirements.map((_, at) => ({ at, to: undefined }));
  const groups = new Map<CaptureValue, number[]>();
  const seen = new Map<CaptureValue, Set<CaptureValue>>();
  files.rows.forEach((row, at) => {
    const key = keyOf(row, fileKey);
    push(groups, key, files.indexes[at] as number);
    if (requirements.length === 0) return;
    const values = seen.get(key) ?? new Set();
    seen.set(key, values.add(keyOf(row, seenKey)));
  });

  const share = (row: Row): Share => {
    const key = keyOf(row, rowKey);
    const group = groups.get(key);
    if (group === undefined) return NOTHING;
    if (requirements.length === 0) return { files: group, complete: true };
    const wanted = requirements.reduce((product, { values }) => product * values(row).length, 1);
    return { files: group, complete: seen.get(key)?.size === wanted };
  };
  const missing = (row: Row): string[] => {
    const there = seen.get(keyOf(row, rowKey));
    const known = capturesOf(row, datum);
    return combinations(requirements.map(({ values }) => values(row)))
      .filter((values) => there?.has(keyOf(values, valueParts)) !== true)
      .map((values) => sketchPath(files.role.dep.pattern, withValues(known, requirements, values)));
  };
  return { share, missing };
}

/** The supply of a dep that every datum sees alike. */
export function broadcastSupply(files: DepFiles): Supply {
  const share = { files: files.indexes, complete: files.indexes.length > 0 };
  return { share: () => share, missing: () => [files.role.dep.pattern.source] };
}

/** What the matrix requires of a dep beyond a datum's own values: captures no out has, and periods finer than the datum's. */
export function requirementsOf(files: DepFiles, { roles, matrix }: SupplyContext): Requirement[] {
  return files.columns.flatMap(({ name, grain }) => {
    const set = matrix.get(name);
    if (set === undefined) return [];
    const seen = grain === undefined || set.grain === undefined ? grain : coarserOf(grain, set.grain);
    const column = { name, grain: seen };
    const values = [...valuesAt(set, grain)];
    const at = roles.datum.findIndex((own) => own.name === name);
    if (at < 0) return [{ column, values: () => values }];
    const own = roles.datum[at]?.grain;
    if (own === undefined || seen === undefined || !isFiner(seen, own) || name === files.role.moved)
      return [];
    const within = new Map<CaptureValue, CaptureValue[]>();
    for (const value of values) push(within, periodStart(value as number, own), value);
    return [{ column, values: (row: Row) => within.get(row[at] as CaptureValue) ?? [] }];
  });
}

/** One of each: every combination of the lists, the last one fastest. */
export function combinations(lists: readonly (readonly CaptureValue[])[]): Row[] {
  return lists.reduce<Row[]>(
    (rows, list) => rows.flatMap((row) => list.map((value) => [...row, value])),
    [[]],
  );
}

/** A datum's captures with values of requirements over them, as texts. */
export function withValues(
  captures: ReadonlyMap<string, string>,
  requirements: readonly Requirement[],
  values: Row,
): Map<string, string> {
  const named = new Map(captures);
  requirements.forEach(({ column }, at) =>
    named.set(column.name, labelOfValue(values[at] as CaptureValue, column)),
  );
  return named;
}

/** Adds to the list under a key. */
export function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
