import {
  addMonths,
  GRAIN_MS,
  isFiner,
  parseLabel,
  periodEnd,
  periodStart,
  type Grain,
  type Period,
} from './period.ts';
import { invalid } from './problem.ts';
import type { Shift } from './stage.ts';

/** What `today`, `now` and instants are read by. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: number;
  /** IANA name, e.g. Europe/Vienna. */
  readonly zone: string;
}

const SHIFT = /^([+-]?)(\d{1,9})(y|mo|w|d|h|m|s)$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const MAX_PERIODS = 5_000_000;

const GRAIN_OF_UNIT: Readonly<Record<Shift['unit'], Grain>> = {
  y: 'year',
  mo: 'month',
  w: 'week',
  d: 'day',
  h: 'hour',
  m: 'minute',
  s: 'second',
};

/** A shift as written (`-6d`, `1mo`, `+2w`, `6h`, `0d`); undefined where the text is none. */
export function parseShift(text: string): Shift | undefined {
  const match = SHIFT.exec(text);
  if (match === null) return undefined;
  const count = Number(match[2]);
  return { count: match[1] === '-' && count > 0 ? -count : count, unit: match[3] as Shift['unit'] };
}

/** The grain of the periods that `every: 1d` and the like name. */
export function grainOfShift(every: Shift): Grain {
  return GRAIN_OF_UNIT[every.unit];
}

/** A time moved by a shift. Months and years keep the day, or take the last one of a shorter month. */
export function shiftTime(time: number, shift: Shift): number {
  return move(time, shift, 'last-day');
}

/** Start and end of a period moved, each by its own shift: the span that a `window` sees. */
export function shiftPeriod(period: Period, window: readonly [Shift, Shift]): Period {
  return { start: move(period.start, window[0], 'last-day'), end: move(period.end, window[1], 'next-month') };
}

/**
 * Starts of the periods of `every`'s unit that lie wholly inside `[since, until)`, each `every.count`-th from the first.
 * Throws a Problem (exit 2) where they are more than five million.
 */
export function periodsWithin(since: number, until: number, every: Shift): number[] {
  const grain = grainOfShift(every);
  if ((until - since) / (every.count * (GRAIN_MS[grain] || GRAIN_MS.week)) > MAX_PERIODS) {
    throw invalid(
      'matrix-too-long',
      `every ${every.count}${every.unit} names more than ${MAX_PERIODS} periods`,
      'Use a coarser step, or a later since.',
    );
  }
  const starts: number[] = [];
  let start = periodStart(since, grain);
  if (start < since) start = periodEnd(start, grain);
  while (periodEnd(start, grain) <= until) {
    starts.push(start);
    start = shiftTime(start, every);
  }
  return starts;
}

/** How many periods of a grain meet the span; the first begins at or before its start. */
export function countPeriods(span: Period, grain: Grain): number {
  if (span.end <= span.start) return 0;
  const first = periodStart(span.start, grain);
  const size = GRAIN_MS[grain];
  if (size > 0) return Math.ceil((span.end - first) / size);
  let count = 0;
  for (let start = first; start < span.end; start = periodEnd(start, grain)) count++;
  return count;
}

/** Whether a text is one that `resolveMoment` understands. */
export function isMoment(text: string): boolean {
  return (
    text === 'today' ||
    text === 'now' ||
    SHIFT.test(text) ||
    parseLabel(text) !== undefined ||
    (INSTANT.test(text) && !Number.isNaN(Date.parse(text)))
  );
}

/** Zoneless time of a moment that is the same whenever it is read: a date or another label; undefined for the rest. */
export function fixedMoment(text: string): number | undefined {
  return parseLabel(text)?.start;
}

/**
 * Zoneless time of `today` (its first moment in the zone), `now`, a date or other label (its first moment), an instant
 * with `Z` or an offset (read in the zone), or a relative time: `-30d` and `30d` lie back, `+1d` ahead; days and longer
 * units count from `today`, shorter ones from `now`. Throws a Problem (exit 2) for any other text or zone.
 */
export function resolveMoment(text: string, clock: Clock): number {
  if (text === 'now') return wallClock(clock.now, clock.zone);
  if (text === 'today') return periodStart(wallClock(clock.now, clock.zone), 'day');
  const label = fixedMoment(text);
  if (label !== undefined) return label;
  const shift = parseShift(text);
  if (shift !== undefined) {
    const back = { count: text.startsWith('+') ? shift.count : -Math.abs(shift.count), unit: shift.unit };
    return shiftTime(resolveMoment(isFiner(grainOfShift(shift), 'day') ? 'now' : 'today', clock), back);
  }
  const instant = INSTANT.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(instant)) return wallClock(instant, clock.zone);
  throw invalid(
    'bad-time',
    `${JSON.stringify(text)} is no date and no time`,
    'Write a date (2024-05-01), a month (2024-05), an instant (2024-05-01T06:00:00Z), today, now, or 30d for thirty days back.',
  );
}

/** What the clocks of a zone show at an instant, as a zoneless time. Throws a Problem (exit 2) for an unknown zone. */
export function wallClock(instant: number, zone: string): number {
  if (zone === 'UTC') return instant;
  const shown: Record<string, number> = {};
  for (const { type, value } of zoneFormat(zone).formatToParts(instant)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second, ((instant % 1000) + 1000) % 1000);
}

function zoneFormat(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw Object.assign(
      invalid(
        'bad-zone',
        `there is no time zone ${JSON.stringify(zone)}`,
        'Use a name like UTC or Europe/Vienna.',
      ),
      { cause },
    );
  }
}

function move(time: number, shift: Shift, overflow: 'last-day' | 'next-month'): number {
  if (shift.unit === 'mo') return addMonths(time, shift.count, overflow);
  if (shift.unit === 'y') return addMonths(time, shift.count * 12, overflow);
  return time + shift.count * GRAIN_MS[GRAIN_OF_UNIT[shift.unit]];
}
