import { describe, expect, test } from 'vitest';
import { forEachLimit } from '../../../src/util/limit.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work on every item', () => {
  test('goes on so many at a time, in order', async () => {
    const begun: number[] = [];
    let now = 0;
    let most = 0;
    await forEachLimit([1, 2, 3, 4, 5], { limit: 2 }, async (item) => {
      begun.push(item);
      most = Math.max(most, ++now);
      await tick();
      now--;
    });
    expect(begun).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  test('ends with the first failure, after what had begun', async () => {
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item === 1) throw new Error('one');
      await tick();
      ended.push(item);
    };
    await expect(forEachLimit([1, 2, 3, 4], { limit: 2 }, work)).rejects.toThrow('one');
    expect(ended).toEqual([2]);
  });

  test('ends at an abort', async () => {
    const abort = new AbortController();
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      done.push(item);
      abort.abort();
    };
    await expect(forEachLimit([1, 2], { limit: 1, signal: abort.signal }, work)).rejects.toThrow();
    expect(done).toEqual([1]);
  });
});
