/** A column: how its cells lie. */
export type Align = 'left' | 'right';

/** Rows as aligned text, two spaces between columns, no space at line ends. Cells may be colored: escapes have no width. */
export function alignRows(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[] = [],
): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, index) => fill(cell, widths[index] ?? 0, aligns[index] ?? 'left'))
      .join('  ')
      .trimEnd(),
  );
}

// eslint-disable-next-line no-control-regex -- it is the control characters that it looks for
const ESCAPES = /\u001B\[[0-9;]*m/g;

/** Columns that a text takes. Wide scripts count one a letter, which only costs alignment. */
function widthOf(text: string): number {
  return text.replace(ESCAPES, '').length;
}

function fill(cell: string, width: number, align: Align): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(cell)));
  return align === 'left' ? cell + space : space + cell;
}

/** Text cut to a number of columns, with an ellipsis where something is missing. Only for text without colors. */
export function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
