import type { CaptureValue } from '../model/pattern-match.ts';
import { coarserOf, isFiner, periodStart, type Grain } from '../model/period.ts';
import type { Column } from './stage-roles.ts';

/** One value per column. */
export type Row = readonly CaptureValue[];

/** A set of rows; none twice. */
export interface Relation {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** Where a row keeps a column, and the coarser grain to see it at (undefined: as it is). */
export interface KeyPart {
  readonly at: number;
  readonly to: Grain | undefined;
}

/** A hashable text or number for some columns of a row: equal for equal values, without allocation for one column. */
export function keyOf(row: Row, parts: readonly KeyPart[]): CaptureValue {
  const [first] = parts;
  if (first === undefined) return '';
  if (parts.length === 1) return partOf(row, first);
  let key = '';
  for (const part of parts) key += `${partOf(row, part)}\0`;
  return key;
}

/** The parts that pick `wanted` columns, at their grains, from rows of `columns`. */
export function keyParts(columns: readonly Column[], wanted: readonly Column[]): KeyPart[] {
  return wanted.map(({ name, grain }) => {
    const at = columns.findIndex((column) => column.name === name);
    const own = columns[at]?.grain;
    return { at, to: grain === undefined || own === undefined || own === grain ? undefined : grain };
  });
}

/** The rows seen at other columns and coarser grains, each once, in order of first appearance. */
export function project(relation: Relation, wanted: readonly Column[]): Relation {
  const parts = keyParts(relation.columns, wanted);
  const asTheyAre =
    wanted.length === relation.columns.length &&
    parts.every(({ at, to }, index) => at === index && to === undefined);
  const seen = new Set<CaptureValue>();
  const rows: Row[] = [];
  for (const row of relation.rows) {
    const before = seen.size;
    if (seen.add(keyOf(row, parts)).size === before) continue;
    rows.push(asTheyAre ? row : parts.map((part) => partOf(row, part)));
  }
  return { columns: wanted, rows };
}

/**
 * Natural join of all, whatever their order: shared texts are equal, of shared times one period holds the other and the
 * finer stays. Hashed on the shared columns; relations that share nothing come last and multiply.
 */
export function joinAll(relations: readonly Relation[]): Relation {
  const open = [...relations];
  let joined: Relation = open.shift() ?? { columns: [], rows: [[]] };
  while (open.length > 0) {
    const sharing = open.findIndex(({ columns }) => sharedColumns(joined.columns, columns).length > 0);
    const [next] = open.splice(Math.max(sharing, 0), 1);
    if (next !== undefined) joined = joinTwo(joined, next);
  }
  return joined;
}

/** The columns of both, each at the coarser of its grains. */
export function sharedColumns(a: readonly Column[], b: readonly Column[]): Column[] {
  return a.flatMap(({ name, grain }) => {
    const other = b.find((column) => column.name === name);
    if (other === undefined) return [];
    return [
      {
        name,
        grain: grain === undefined || other.grain === undefined ? grain : coarserOf(grain, other.grain),
      },
    ];
  });
}

function joinTwo(a: Relation, b: Relation): Relation {
  const shared = sharedColumns(a.columns, b.columns);
  const aKey = keyParts(a.columns, shared);
  const bKey = keyParts(b.columns, shared);
  const fromB = b.columns.map(({ name, grain }, at) => {
    const to = a.columns.findIndex((column) => column.name === name);
    const own = a.columns[to]?.grain;
    return { at, to, finer: to >= 0 && grain !== undefined && own !== undefined && isFiner(grain, own) };
  });
  const added = fromB.filter(({ to }) => to < 0);
  const refined = fromB.filter(({ finer }) => finer);
  const columns = a.columns.map(
    (column, to) => b.columns[refined.find((each) => each.to === to)?.at ?? -1] ?? column,
  );

  const partners = new Map<CaptureValue, Row[]>();
  for (const row of b.rows) {
    const key = keyOf(row, bKey);
    const beside = partners.get(key);
    if (beside === undefined) partners.set(key, [row]);
    else beside.push(row);
  }
  const rows: Row[] = [];
  for (const row of a.rows) {
    for (const partner of partners.get(keyOf(row, aKey)) ?? []) {
      if (added.length === 0 && refined.length === 0) {
        rows.push(row);
        continue;
      }
      const wide = [...row];
      for (const { at, to } of refined) wide[to] = partner[at] as CaptureValue;
      for (const { at } of added) wide.push(partner[at] as CaptureValue);
      rows.push(wide);
    }
  }
  return { columns: [...columns, ...added.map(({ at }) => b.columns[at] as Column)], rows };
}

function partOf(row: Row, { at, to }: KeyPart): CaptureValue {
  const value = row[at] as CaptureValue;
  return to === undefined || typeof value === 'string' ? value : periodStart(value, to);
}
