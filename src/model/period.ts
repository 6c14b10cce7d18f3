/** How long a period is, as its label's form says: `2024`, `2024-05`, `2024-W18`, `2024-05-01`, `…T06`, `…T06:30`, `…T06:30:15`. */
export type Grain = 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second';

/** A half-open stretch of zoneless time: epoch milliseconds, as if the label were UTC. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** A label taken apart. */
export interface LabelledPeriod extends Period {
  readonly grain: Grain;
}

const MS_OF_DAY = 86_400_000;

const RANK: Readonly<Record<Grain, number>> = {
  second: 0,
  minute: 1,
  hour: 2,
  day: 3,
  week: 4,
  month: 5,
  year: 6,
};

/** Length of the grains that always last equally long, in milliseconds; 0 for months and years. */
export const GRAIN_MS: Readonly<Record<Grain, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: MS_OF_DAY,
  week: 7 * MS_OF_DAY,
  month: 0,
  year: 0,
};

/** Whether every period of `a` lies in one period of `b`, or the other way round; only weeks with months or years don't. */
export function grainsNest(a: Grain, b: Grain): boolean {
  return a === b || !((a === 'week' && RANK[b] > RANK.week) || (b === 'week' && RANK[a] > RANK.week));
}

/** Whether `a` is a shorter grain than `b`. */
export function isFiner(a: Grain, b: Grain): boolean {
  return RANK[a] < RANK[b];
}

/** The longer of two grains. */
export function coarserOf(a: Grain, b: Grain): Grain {
  return isFiner(a, b) ? b : a;
}

/** Start of the period that holds a time; equal to `time` for a time that starts one. */
export function periodStart(time: number, grain: Grain): number {
  switch (grain) {
    case 'year':
      return civilTime(civilDate(time).year, 1, 1);
    case 'month': {
      const { year, month } = civilDate(time);
      return civilTime(year, month, 1);
    }
    case 'week':
      return mondayOf(Math.floor(time / MS_OF_DAY)) * MS_OF_DAY;
    default:
      return Math.floor(time / GRAIN_MS[grain]) * GRAIN_MS[grain];
  }
}

/** The first moment behind the period that starts at `start`. */
export function periodEnd(start: number, grain: Grain): number {
  if (GRAIN_MS[grain] > 0) return start + GRAIN_MS[grain];
  return addMonths(start, grain === 'month' ? 1 : 12, 'last-day');
}

/** ISO 8601 label of the period that starts at `start`. */
export function labelOf(start: number, grain: Grain): string {
  if (grain === 'week') {
    const { year, week } = isoWeek(start);
    return `${pad(year, 4)}-W${pad(week, 2)}`;
  }
  const { year, month, day } = civilDate(start);
  let label = pad(year, 4);
  if (grain === 'year') return label;
  label += `-${pad(month, 2)}`;
  if (grain === 'month') return label;
  label += `-${pad(day, 2)}`;
  if (grain === 'day') return label;
  const seconds = Math.floor(start / 1000);
  label += `T${pad(modulo(Math.floor(seconds / 3600), 24), 2)}`;
  if (grain === 'hour') return label;
  label += `:${pad(modulo(Math.floor(seconds / 60), 60), 2)}`;
  return grain === 'minute' ? label : `${label}:${pad(modulo(seconds, 60), 2)}`;
}

const LABEL =
  /^(\d{4})(?:-W(\d{2})|-(\d{2})(?:-(\d{2})(?:T([01]\d|2[0-3])(?::([0-5]\d)(?::([0-5]\d))?)?)?)?)?$/;

/** The period that an ISO label names; undefined where the text is none, or names no day of the calendar. */
export function parseLabel(label: string): LabelledPeriod | undefined {
  const match = LABEL.exec(label);
  if (match === null) return undefined;
  const [, year, week, month, day, hour, minute, second] = match;
  if (week !== undefined) return labelled(weekTime(Number(year), Number(week)), 'week');
  if (month === undefined) return labelled(civilTime(Number(year), 1, 1), 'year');
  const date = dateTime(Number(year), Number(month), Number(day ?? 1));
  if (day === undefined) return labelled(date, 'month');
  if (hour === undefined) return labelled(date, 'day');
  const clock = Number(hour) * 3600 + Number(minute ?? 0) * 60 + Number(second ?? 0);
  return labelled(
    date + clock * 1000,
    minute === undefined ? 'hour' : second === undefined ? 'minute' : 'second',
  );
}

/** A calendar date (month and day count from 1), the proleptic Gregorian calendar. */
export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Time of a calendar date; NaN where the month has no such day. */
export function dateTime(year: number, month: number, day: number): number {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
    ? civilTime(year, month, day)
    : NaN;
}

/** Time of the n-th day of a year, from 1; NaN where the year is shorter. */
export function dayOfYearTime(year: number, day: number): number {
  return day >= 1 && day <= (isLeap(year) ? 366 : 365) ? civilTime(year, 1, 1) + (day - 1) * MS_OF_DAY : NaN;
}

/** Monday of an ISO week; NaN where the ISO year has no such week. */
export function weekTime(year: number, week: number): number {
  const first = mondayOf(civilTime(year, 1, 4) / MS_OF_DAY);
  const last = mondayOf(civilTime(year, 12, 28) / MS_OF_DAY);
  const day = first + (week - 1) * 7;
  return week >= 1 && day <= last ? day * MS_OF_DAY : NaN;
}

/** ISO year and week of a time. */
export function isoWeek(time: number): { readonly year: number; readonly week: number } {
  const monday = mondayOf(Math.floor(time / MS_OF_DAY));
  const { year } = civilDate((monday + 3) * MS_OF_DAY);
  const first = mondayOf(civilTime(year, 1, 4) / MS_OF_DAY);
  return { year, week: (monday - first) / 7 + 1 };
}

/** Calendar date of a time. Source: H. Hinnant, "chrono-compatible low-level date algorithms"; several times faster than Date. */
export function civilDate(time: number): CivilDate {
  const shifted = Math.floor(time / MS_OF_DAY) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

/**
 * The same clock time so many months on. Where the target month is shorter: its `last-day`, or (for the end of a
 * half-open period at midnight) the first day of the `next-month`.
 */
export function addMonths(time: number, count: number, overflow: 'last-day' | 'next-month'): number {
  const { year, month, day } = civilDate(time);
  const index = year * 12 + month - 1 + count;
  const targetYear = Math.floor(index / 12);
  const targetMonth = modulo(index, 12) + 1;
  const clock = modulo(time, MS_OF_DAY);
  const length = daysInMonth(targetYear, targetMonth);
  if (day <= length) return civilTime(targetYear, targetMonth, day) + clock;
  const last = civilTime(targetYear, targetMonth, length);
  return overflow === 'next-month' && clock === 0 ? last + MS_OF_DAY : last + clock;
}

/** The number with leading zeros. */
export function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function labelled(start: number, grain: Grain): LabelledPeriod | undefined {
  return Number.isNaN(start) ? undefined : { start, end: periodEnd(start, grain), grain };
}

function civilTime(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * MS_OF_DAY;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days count from 1970-01-01, a Thursday. */
function mondayOf(day: number): number {
  return day - modulo(day + 3, 7);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
