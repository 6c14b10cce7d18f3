import { fixedMoment, isMoment, parseShift } from '../model/moment.ts';
import type { Grain } from '../model/period.ts';
import type { Dep, MatrixItem, Out, Shift } from '../model/stage.ts';
import { entriesOf, fieldsOf, itemsOf, parsedOf, reject, textOf, type Field } from './fields.ts';

/** The patterns of a stage, which give the step of a range that names none. */
export interface Patterns {
  readonly deps: readonly Dep[];
  readonly outs: readonly Out[];
}

/** `matrix`: lists of texts, or ranges of times. */
export function readMatrix(field: Field | undefined, patterns: Patterns): ReadonlyMap<string, MatrixItem> {
  const matrix = new Map<string, MatrixItem>();
  for (const { name, value } of entriesOf(field)) {
    const item = value.node.kind === 'map' ? readRange(value, stepOf(name, patterns)) : readList(value);
    if (item !== undefined) matrix.set(name, item);
  }
  return matrix;
}

function readList(field: Field): MatrixItem | undefined {
  const items = itemsOf(field);
  if (items === undefined) return undefined;
  if (items.length === 0)
    return void reject(field, `${field.what} is empty, so that the stage would have no datum`);
  const values = new Set<string>();
  for (const item of items) {
    const text = textOf(item);
    if (text !== undefined && values.has(text))
      reject(item, `${field.what} has ${JSON.stringify(text)} twice`, 'Delete one of them.');
    else if (text !== undefined) values.add(text);
  }
  return { kind: 'list', values: [...values] };
}

const MOMENT = 'Write a date (2024-05-01), a month (2024-05), an instant, or today.';
const STEP = 'Write a step such as 1d; units are y, mo, w, d, h, m, s.';

function readRange(field: Field, usual: Shift | undefined): MatrixItem | undefined {
  const form = fieldsOf(field, ['since', 'until', 'every']);
  const moment = (text: string): string | undefined => (isMoment(text) ? text : undefined);
  const since = parsedOf(form.get('since'), moment, MOMENT);
  const until = parsedOf(form.get('until'), moment, MOMENT);
  const written = form.get('every');
  const every = written === undefined ? usual : parsedOf(written, parseStep, STEP);
  if (!form.has('since') || !form.has('until')) {
    return void reject(
      field,
      `${field.what} has no ${form.has('since') ? 'until' : 'since'}`,
      'Write {since: 2020-01-01, until: today, every: 1d}.',
    );
  }
  if (written === undefined && every === undefined) {
    return void reject(
      field,
      `${field.what} has no step, and no pattern gives it a format`,
      'Add every: 1d, and write the capture as a time: {date:%Y-%m-%d}.',
    );
  }
  if (since === undefined || until === undefined || every === undefined) return undefined;
  const [from, to] = [fixedMoment(since), fixedMoment(until)];
  if (from !== undefined && to !== undefined && to <= from) {
    return void reject(
      field,
      `${field.what} names no period: it ends (${until}) where it begins (${since}) or before`,
      'until is not in the range.',
    );
  }
  return { kind: 'range', since, until, every };
}

function parseStep(text: string): Shift | undefined {
  const shift = parseShift(text);
  return shift !== undefined && shift.count > 0 ? shift : undefined;
}

const UNIT: Readonly<Record<Grain, Shift['unit']>> = {
  year: 'y',
  month: 'mo',
  week: 'w',
  day: 'd',
  hour: 'h',
  minute: 'm',
  second: 's',
};

/** One period of the capture's own format: that of an out, else of a dep. */
function stepOf(capture: string, { outs, deps }: Patterns): Shift | undefined {
  for (const { pattern } of [...outs, ...deps]) {
    const grain = pattern.times.get(capture);
    if (grain !== undefined) return { count: 1, unit: UNIT[grain] };
  }
  return undefined;
}
