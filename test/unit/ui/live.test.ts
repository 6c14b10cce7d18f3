import { expect, test } from 'vitest';
import { liveText, type LiveStage } from '../../../src/ui/live.ts';

const stage = (
  planned: number,
  done: number,
  running: readonly (readonly [string, number])[] = [],
): LiveStage => ({
  planned,
  done,
  running: new Map(running),
});

test('a busy stage tells how far it is, how fast, how long still, and what runs longest', () => {
  const stages = new Map([
    [
      'clean',
      stage(1461, 500, [
        ['date=2014-01-02', 9_000],
        ['date=2014-01-01', 7_000],
      ]),
    ],
  ]);
  expect(liveText({ started: 0, stages, progress: undefined, progressStarted: 0 }, 10_000, 200)).toBe(
    'clean: 500 of 1461, 50 a second, 19 s left, 2 running (date=2014-01-01 for 3.0 s)',
  );
});

test('it keeps to the columns of the terminal', () => {
  const stages = new Map([['clean', stage(1461, 500, [['date=2014-01-02', 9_000]])]]);
  expect(liveText({ started: 0, stages, progress: undefined, progressStarted: 0 }, 10_000, 20)).toBe(
    'clean: 500 of 1461,…',
  );
});

test('stages that only wait are not shown, and of many the first', () => {
  const stages = new Map([
    ['z', stage(5, 0)],
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, stage(9, 1)] as const),
  ]);
  expect(
    liveText({ started: 0, stages, progress: undefined, progressStarted: 0 }, 1_000, 80).split('\n'),
  ).toEqual([
    'a: 1 of 9, 1 a second, 8.0 s left',
    'b: 1 of 9, 1 a second, 8.0 s left',
    'c: 1 of 9, 1 a second, 8.0 s left',
    'd: 1 of 9, 1 a second, 8.0 s left',
    'and 2 more stages',
  ]);
});

test('work over files tells files and bytes', () => {
  const progress = {
    event: 'progress',
    verb: 'hashing',
    done: 3,
    total: 10,
    bytes: 2_000_000,
    totalBytes: 9_000_000,
  } as const;
  expect(liveText({ started: 0, stages: new Map(), progress, progressStarted: 1_500 }, 2_000, 80)).toBe(
    'hashing 3 of 10, 2 MB of 9 MB',
  );
});
