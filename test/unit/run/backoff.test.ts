import { expect, it } from 'vitest';
import { retryDelay } from '../../../src/run/backoff.ts';

it('waits 1, 2, 4 … at most 60 seconds, half of it by chance', () => {
  const most = [1, 2, 3, 7, 50].map((failed) => retryDelay(failed, () => 1));
  const least = [1, 2, 3, 7, 50].map((failed) => retryDelay(failed, () => 0));
  expect(most).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(least).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
});
