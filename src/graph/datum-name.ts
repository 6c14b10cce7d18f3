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

/** Names many rows; each period's label is made once. `columns` are sorted by name. */
export function nameRows(rows: readonly Row[], columns: readonly Column[]): NamedRow[] {
  if (columns.length === 0) return rows.map((row) => ({ id: '-', captures: new Map(), row }));
  const labels = columns.map(() => new Map<number, string>());
  const labelAt = (at: number, value: CaptureValue): string => {
    if (typeof value === 'string') return value;
    const known = labels[at]?.get(value);
    if (known !== undefined) return known;
    const label = labelOfValue(value, columns[at] as Column);
    labels[at]?.set(value, label);
    return label;
  };
  return rows.map((row) => {
    const captures = new Map<string, string>();
    let id = '';
    for (let at = 0; at < columns.length; at++) {
      const { name } = columns[at] as Column;
      const value = row[at] as CaptureValue;
      const label = labelAt(at, value);
      captures.set(name, label);
      id += `${at === 0 ? '' : '&'}${name}=${typeof value === 'string' ? encodeValue(label) : label}`;
    }
    return { id, captures, row };
  });
}
