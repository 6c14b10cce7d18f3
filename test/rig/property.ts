import { env } from 'node:process';

/** How many cases a property looks at: `count`, times `FAST_CHECK_RUNS` in a soak run. */
export function runs(count: number): number {
  return Math.ceil(count * Number(env['FAST_CHECK_RUNS'] ?? 1));
}
