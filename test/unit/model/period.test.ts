import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  countPeriods,
  isMoment,
  parseShift,
  periodsWithin,
  resolveMoment,
  shiftPeriod,
  shiftTime,
  wallClock,
} from '../../../src/model/moment.ts';
import {
  civilDate,
  grainsNest,
  labelOf,
  parseLabel,
  periodEnd,
  periodStart,
  type Grain,
} from '../../../src/model/period.ts';
import type { Shift } from '../../../src/model/stage.ts';

const GRAINS: readonly Grain[] = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'];
const times = fc
  .integer({ min: Date.UTC(1000, 0, 1) / 1000, max: Date.UTC(9999, 11, 20) / 1000 })
  .map((s) => s * 1000);
const grains = fc.constantFrom(...GRAINS);
const at = (label: string): number => parseLabel(label)?.start ?? NaN;
const shift = (text: string): Shift => parseShift(text) as Shift;

describe('labels', () => {
  test.each([
    ['2024', 'year', '2025'],
    ['2024-02', 'month', '2024-03'],
    ['2024-02-29', 'day', '2024-03-01'],
    ['2024-W18', 'week', '2024-W19'],
    ['2020-W53', 'week', '2021-W01'],
    ['2024-05-01T06', 'hour', '2024-05-01T07'],
    ['2024-05-01T06:30', 'minute', '2024-05-01T06:31'],
    ['2024-12-31T23:59:59', 'second', '2025-01-01T00:00:00'],
  ] as const)('%s is a %s and ends where %s begins', (label, grain, next) => {
    const period = parseLabel(label);
    expect(period).toMatchObject({ grain, end: at(next) });
    expect(labelOf(period?.start ?? 0, grain)).toBe(label);
  });

  test.each([
    '2023-02-29',
    '2024-13',
    '2024-00',
    '2024-W53',
    '2021-W53',
    '2024-W00',
    '24',
    '2024-5',
    '2024-05-01T24',
    '2024-05-01 06',
    '',
  ])('%j names no period', (label) => {
    expect(parseLabel(label)).toBeUndefined();
  });

  test('the calendar agrees with Date', () => {
    fc.assert(
      fc.property(times, (time) => {
        const date = new Date(time);
        const expected = {
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        };
        expect(civilDate(time)).toEqual(expected);
      }),
    );
  });

  test('reading a label gives the period it was made from, which holds the time', () => {
    fc.assert(
      fc.property(times, grains, (time, grain) => {
        const start = periodStart(time, grain);
        const end = periodEnd(start, grain);
        expect(parseLabel(labelOf(start, grain))).toEqual({ start, end, grain });
        expect(start <= time && time < end).toBe(true);
      }),
    );
  });

  test('periods of nesting grains hold each other or are apart', () => {
    fc.assert(
      fc.property(times, grains, grains, (time, a, b) => {
        fc.pre(GRAINS.indexOf(a) < GRAINS.indexOf(b) && grainsNest(a, b));
        const start = periodStart(time, a);
        expect(periodStart(start, b)).toBe(periodStart(time, b));
        expect(periodEnd(start, a)).toBeLessThanOrEqual(periodEnd(periodStart(time, b), b));
      }),
    );
  });

  test('weeks nest in neither months nor years', () => {
    expect(GRAINS.filter((grain) => !grainsNest('week', grain))).toEqual(['month', 'year']);
  });
});

describe('shifts', () => {
  test.each([
    ['2024-03-31', '-1mo', '2024-02-29'],
    ['2024-02-29', '1y', '2025-02-28'],
    ['2024-01-01', '-1d', '2023-12-31'],
    ['2024-01-01', '2w', '2024-01-15'],
    ['2024-01-31', '+13mo', '2025-02-28'],
    ['2024-01-01', '0d', '2024-01-01'],
  ])('%s moved by %s is %s', (from, by, to) => {
    expect(labelOf(shiftTime(at(from), shift(by)), 'day')).toBe(to);
  });

  test.each(['', '1', 'd', '1M', '1 d', '1.5d', '--1d', '1month'])('%j is no shift', (text) => {
    expect(parseShift(text)).toBeUndefined();
  });

  test.each([
    ['2024-03-30', '-1mo', '-1mo', '2024-02-29', '2024-03-01'],
    ['2024-02', '-1mo', '-1mo', '2024-01-01', '2024-02-01'],
    ['2024-05-07', '-6d', '0d', '2024-05-01', '2024-05-08'],
    ['2024', '-1y', '0d', '2023-01-01', '2025-01-01'],
  ])('the window of %s by %s and %s spans %4$s until %5$s', (label, from, to, start, end) => {
    const period = parseLabel(label) ?? { start: 0, end: 0 };
    expect(shiftPeriod(period, [shift(from), shift(to)])).toEqual({ start: at(start), end: at(end) });
  });

  test('a day moved by months is never an empty span', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -50, max: 50 }), (time, count) => {
        const start = periodStart(time, 'day');
        const by: Shift = { count, unit: 'mo' };
        const span = shiftPeriod({ start, end: periodEnd(start, 'day') }, [by, by]);
        expect(span.end).toBeGreaterThan(span.start);
      }),
    );
  });
});

describe('ranges', () => {
  const labels = (since: string, until: string, every: string, grain: Grain): string[] =>
    periodsWithin(at(since), at(until), shift(every)).map((start) => labelOf(start, grain));

  test('name the periods wholly inside, the end not in', () => {
    expect(labels('2024-02-27', '2024-03-01', '1d', 'day')).toEqual([
      '2024-02-27',
      '2024-02-28',
      '2024-02-29',
    ]);
    expect(labels('2024-01-02', '2024-03-31', '1mo', 'month')).toEqual(['2024-02']);
    expect(labels('2024-01-01', '2024-01-20', '1w', 'week')).toEqual(['2024-W01', '2024-W02']);
    expect(labels('2024-01-01', '2024-01-02', '6h', 'hour')).toEqual(
      ['00', '06', '12', '18'].map((hour) => `2024-01-01T${hour}`),
    );
    expect(labels('2024-01-02', '2024-01-01', '1d', 'day')).toEqual([]);
  });

  test('too many periods are refused', () => {
    expect(() => labels('1900', '2024', '1s', 'second')).toThrow(/more than/);
  });

  test('counting periods agrees with listing them', () => {
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 0, max: 400 }),
        fc.constantFrom<Grain>('hour', 'day', 'week', 'month', 'year'),
        (time, length, grain) => {
          const span = { start: time, end: time + length * 3_600_000 };
          let count = 0;
          for (let start = periodStart(span.start, grain); start < span.end; start = periodEnd(start, grain))
            count++;
          expect(countPeriods(span, grain)).toBe(length === 0 ? 0 : count);
        },
      ),
    );
  });
});

describe('moments', () => {
  const clock = { now: Date.UTC(2024, 2, 31, 0, 30), zone: 'Europe/Vienna' };
  const shown = (text: string): string => labelOf(resolveMoment(text, clock), 'second');

  test.each([
    ['today', '2024-03-31T00:00:00'],
    ['now', '2024-03-31T01:30:00'],
    ['2024-05', '2024-05-01T00:00:00'],
    ['2024-W18', '2024-04-29T00:00:00'],
    ['2024-05-01T06:00:00Z', '2024-05-01T08:00:00'],
    ['2024-05-01T06:00+05:00', '2024-05-01T03:00:00'],
    ['30d', '2024-03-01T00:00:00'],
    ['-1mo', '2024-02-29T00:00:00'],
    ['+1d', '2024-04-01T00:00:00'],
    ['2h', '2024-03-30T23:30:00'],
  ])('%s is %s on the clocks of the zone', (text, expected) => {
    expect(shown(text)).toBe(expected);
    expect(isMoment(text)).toBe(true);
  });

  test.each(['yesterday', '2024-02-30', '2024-13-01T00:00:00Z', '1x', ''])('%j is no moment', (text) => {
    expect(isMoment(text)).toBe(false);
    expect(() => resolveMoment(text, clock)).toThrow(/no date and no time/);
  });

  test('a zone that does not exist is named', () => {
    expect(() => wallClock(0, 'Mars/Olympus')).toThrow(/Mars\/Olympus/);
  });
});
