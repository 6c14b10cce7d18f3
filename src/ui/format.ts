/** `1 file`, `2 files`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes with a unit, in steps of 1000: `0 B`, `1.2 kB`, `88 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < SIZES.length - 1) {
    value /= 1000;
    step++;
  }
  return `${step === 0 || value >= 99.95 ? value.toFixed(0) : trimZero(value.toFixed(1))} ${SIZES[step] ?? ''}`;
}

/** Seconds as a person says them: `0.04 s`, `1.2 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.095) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(whole, [60, 'min'], [1, 's']);
  if (whole < 86_400) return two(whole, [3600, 'h'], [60, 'min']);
  return two(whole, [86_400, 'd'], [3600, 'h']);
}

type Unit = readonly [seconds: number, name: string];

function two(seconds: number, [size, name]: Unit, [smallSize, smallName]: Unit): string {
  const small = Math.floor((seconds % size) / smallSize);
  const big = `${Math.floor(seconds / size)} ${name}`;
  return small === 0 ? big : `${big} ${small} ${smallName}`;
}

/** Age in its largest unit: `just now`, `5 minutes ago`, `3 days ago`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} seconds ago`;
  if (seconds < 3600) return `${plural(Math.floor(seconds / 60), 'minute')} ago`;
  if (seconds < 86_400) return `${plural(Math.floor(seconds / 3600), 'hour')} ago`;
  return `${plural(Math.floor(seconds / 86_400), 'day')} ago`;
}

/** A time of a record (RFC 3339) on the local clock: `2024-05-01 13:45:10`. */
export function formatTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':')}`;
}

/** A datum's captures as a person types them: `date=2024-01-03,station=a`; empty without any. */
export function formatCaptures(captures: Readonly<Record<string, string>>): string {
  return Object.entries(captures)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

function pad(part: number): string {
  return String(part).padStart(2, '0');
}
