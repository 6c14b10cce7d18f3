import { encodeValue } from '../model/captures.ts';
import type { CaptureValue } from '../model/pattern-match.ts';
import { labelOf } from '../model/period.ts';
import type { Row } from './relation.ts';
import type { Column } from './stage-roles.ts';

/** A datum's row under its names. */
export interface NamedRow {
  readonly id: string;
  readonly captures: ReadonlyMap<string, string>;
  readonly row: Row;
}

/** Text of a value: itself, or the ISO label of its period. */
export function labelOfValue(value: CaptureValue, column: Column): string {
  return typeof value === 'number' && column.grain !== undefined
    ? labelOf(value, column.grain)
    : String(value);
}

/** The row's values as texts by name, in the order of the columns. */
export function capturesOf(row: Row, columns: readonly Column[]): Map<string, string> {
  return new Map(columns.map((column, at) => [column.name, labelOfValue(row[at] as CaptureValue, column)]));
}

/** Names many rows; each value's label is made once. `columns` are sorted by name. */
export function nameRows(rows: readonly Row[], columns: readonly Column[]): NamedRow[] {
  if (columns.length === 0) return rows.map((row) => ({ id: '-', captures: new Map(), row }));
  const labels = columns.map(() => new Map<CaptureValue, readonly [label: string, field: string]>());
  const labelled = (at: number, value: CaptureValue): readonly [string, string] => {
    const known = labels[at]?.get(value);
    if (known !== undefined) return known;
    const column = columns[at] as Column;
    const label = labelOfValue(value, column);
    const both = [label, `${column.name}=${encodeValue(label)}`] as const;
    labels[at]?.set(value, both);
    return both;
  };
  return rows.map((row) => {
    const captures = new Map<string, string>();
    let id = '';
    columns.forEach(({ name }, at) => {
      const [label, field] = labelled(at, row[at] as CaptureValue);
      captures.set(name, label);
      id += at === 0 ? field : `&${field}`;
    });
    return { id, captures, row };
  });
}
