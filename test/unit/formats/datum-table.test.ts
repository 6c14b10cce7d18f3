import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRow, formatRows, parseRow } from '../../../src/formats/datum-table.ts';
import { capturesText } from '../../../src/model/captures.ts';
import type { DatumRow } from '../../../src/model/datum.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { runs } from '../../rig/property.ts';
import { digest, mutations, problemOf, valueOrProblem } from './texts.ts';

const GOOD = `ok ${digest('0a')} ${digest('1b')} ${digest('2c')} date=2024-01-03&station=a`;
const NEVER = 'failed - - - date=2024-01-04&station=a';

const digests = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as Digest);
const captures = fc
  .dictionary(
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/),
    fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
    { maxKeys: 3 },
  )
  .map((values) => capturesText(new Map(Object.entries(values))));
const rows: fc.Arbitrary<DatumRow> = fc.oneof(
  fc.record({
    state: fc.constantFrom('ok' as const, 'failed' as const),
    input: digests,
    code: digests,
    result: digests,
    captures,
  }),
  captures.map((text) => ({
    state: 'failed' as const,
    input: undefined,
    code: undefined,
    result: undefined,
    captures: text,
  })),
);

describe('a row of a datum table', () => {
  test('is read and written as in the formats', () => {
    expect(parseRow(GOOD)).toEqual({
      state: 'ok',
      input: digest('0a'),
      code: digest('1b'),
      result: digest('2c'),
      captures: 'date=2024-01-03&station=a',
    });
    expect(parseRow(NEVER)).toMatchObject({ state: 'failed', result: undefined });
    expect(parseRow(`ok ${digest('0a')} ${digest('1b')} ${digest('2c')} -`).captures).toBe('-');
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(parseRow(formatRow(row))).toEqual(row);
      }),
    );
  });

  test.each([
    '',
    'ok',
    'ok - - - -',
    GOOD.replace('ok', 'good'),
    GOOD.slice(0, 100),
    GOOD.replace('0a', '0A'),
    GOOD.replace(' date', 'date'),
    GOOD.replace('=a', '='),
    GOOD.replace('=a', '=a b'),
    GOOD.replace('=a', '=a%2'),
    `${GOOD}&`,
    `${GOOD} `,
    `failed - ${digest('0a')} - -`,
    NEVER.replace('date', '1date'),
  ])('is refused where it is none: %j', (line) => {
    expect(problemOf(() => parseRow(line))).toMatchObject({ code: 'corrupt-table', exit: 7 });
  });

  test('damaged in any way is a row or a problem', () => {
    fc.assert(
      fc.property(mutations([GOOD, NEVER]), (line) => void valueOrProblem(() => parseRow(line))),
      { numRuns: runs(3000) },
    );
  });
});

describe('the rows of a datum table', () => {
  test('are sorted by the bytes of their captures', () => {
    const table = ['b=1', 'a=2', 'a=\u{1f600}', 'a=\uffee', 'a=10'].map((text) => ({
      ...parseRow(NEVER),
      captures: text,
    }));
    expect(formatRows(table).map((line) => line.split(' ')[4])).toEqual([
      'a=10',
      'a=2',
      'a=\uffee',
      'a=\u{1f600}',
      'b=1',
    ]);
  });
});
