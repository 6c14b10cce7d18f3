import { env } from 'node:process';

const times = Number(env['FAST_CHECK_RUNS'] ?? 1);

/** How many cases a property looks at: `count`, times `FAST_CHECK_RUNS` in a soak run. */
export function runs(count: number): number {
  return Math.ceil(count * times);
}

/** The time limit of a test with properties, milliseconds: longer in a soak run. */
export function limitMs(ms: number): number {
  return ms * Math.max(1, times);
}
