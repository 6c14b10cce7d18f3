import {
  civilDate,
  dateTime,
  dayOfYearTime,
  grainsNest,
  isFiner,
  isoWeek,
  pad,
  periodStart,
  weekTime,
  type Grain,
} from './period.ts';

/** A code of a time format; each stands for a fixed number of digits. */
export type TimeCode = 'Y' | 'm' | 'd' | 'j' | 'H' | 'M' | 'S' | 'G' | 'V';

/** Digits per code. */
export const CODE_WIDTH: Readonly<Record<TimeCode, number>> = {
  Y: 4,
  m: 2,
  d: 2,
  j: 3,
  H: 2,
  M: 2,
  S: 2,
  G: 4,
  V: 2,
};

/** The codes as a user writes them, for messages. */
export const CODES_TEXT = '%Y %m %d %j %H %M %S %G %V';

/** The period's grain that these codes give together, or the fault as a sentence part that follows the capture's name. */
export function grainOfCodes(codes: ReadonlySet<TimeCode>): Grain | { readonly fault: string } {
  const fault = codesFault(codes);
  if (fault !== undefined) return { fault };
  if (codes.has('S')) return 'second';
  if (codes.has('M')) return 'minute';
  if (codes.has('H')) return 'hour';
  if (codes.has('d') || codes.has('j')) return 'day';
  if (codes.has('V')) return 'week';
  return codes.has('m') ? 'month' : 'year';
}

/** Numbers read for each code; a code that the pattern lacks is absent. */
export type TimeParts = Partial<Record<TimeCode, number>>;

/** Start of the period that the parts name together; NaN where they name none or contradict each other. */
export function timeOfParts(parts: TimeParts): number {
  const day = dayOfParts(parts);
  const { H: hour, M: minute, S: second } = parts;
  if (hour === undefined) return day;
  if (hour > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return NaN;
  return day + ((hour * 60 + (minute ?? 0)) * 60 + (second ?? 0)) * 1000;
}

/** The digits of a code at a time. */
export function renderCode(code: TimeCode, time: number): string {
  return pad(numberOfCode(code, time), CODE_WIDTH[code]);
}

/** Whether a period of that grain fixes the code's digits. */
export function isKnown(code: TimeCode, grain: Grain): boolean {
  const own = GRAIN_OF_CODE[code];
  return grain === own || (isFiner(grain, own) && grainsNest(grain, own));
}

const GRAIN_OF_CODE: Readonly<Record<TimeCode, Grain>> = {
  Y: 'year',
  m: 'month',
  d: 'day',
  j: 'day',
  H: 'hour',
  M: 'minute',
  S: 'second',
  G: 'week',
  V: 'week',
};

function codesFault(codes: ReadonlySet<TimeCode>): string | undefined {
  const day = codes.has('d') || codes.has('j');
  if (!codes.has('Y') && !codes.has('G')) return 'has no year: %Y (or %G with %V) is missing';
  if (codes.has('V') !== codes.has('G')) return 'mixes calendars: an ISO week is %G with %V';
  if (codes.has('G') && !day && codes.has('Y'))
    return 'mixes calendars: weeks nest in no month or year of %Y';
  if (codes.has('m') && !codes.has('Y')) return 'has %m without %Y';
  if (codes.has('j') && !codes.has('Y')) return 'has %j without %Y';
  if (codes.has('d') && !(codes.has('m') && codes.has('Y'))) return 'has %d without %Y and %m';
  if (codes.has('H') && !day) return 'has %H without a day';
  if (codes.has('M') && !codes.has('H')) return 'has %M (minutes) without %H';
  if (codes.has('S') && !codes.has('M')) return 'has %S without %M';
  return undefined;
}

function dayOfParts(parts: TimeParts): number {
  const { Y: year, m: month, d: day, j: dayOfYear, G: weekYear, V: week } = parts;
  if (year === undefined) return weekTime(weekYear ?? NaN, week ?? NaN);
  const date = month === undefined ? NaN : dateTime(year, month, day ?? 1);
  if (dayOfYear === undefined && weekYear === undefined)
    return month === undefined ? dateTime(year, 1, 1) : date;
  const time = dayOfYear === undefined ? date : dayOfYearTime(year, dayOfYear);
  if (month !== undefined && (day === undefined ? periodStart(time, 'month') : time) !== date) return NaN;
  return weekYear !== undefined && periodStart(time, 'week') !== weekTime(weekYear, week ?? NaN) ? NaN : time;
}

function numberOfCode(code: TimeCode, time: number): number {
  switch (code) {
    case 'Y':
      return civilDate(time).year;
    case 'm':
      return civilDate(time).month;
    case 'd':
      return civilDate(time).day;
    case 'j':
      return (periodStart(time, 'day') - periodStart(time, 'year')) / 86_400_000 + 1;
    case 'H':
      return (periodStart(time, 'hour') - periodStart(time, 'day')) / 3_600_000;
    case 'M':
      return (periodStart(time, 'minute') - periodStart(time, 'hour')) / 60_000;
    case 'S':
      return (periodStart(time, 'second') - periodStart(time, 'minute')) / 1000;
    case 'G':
      return isoWeek(time).year;
    case 'V':
      return isoWeek(time).week;
  }
}
