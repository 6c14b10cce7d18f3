import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutBatches } from '../../../src/run/job-batches.ts';
import { runs } from '../../rig/property.ts';

const datums = (count: number, bytes = 0) => Array.from({ length: count }, (_, id) => ({ id, bytes }));

test('few datums of unknown length get a worker each', () => {
  expect(cutBatches(datums(3), { usualSeconds: undefined, workers: 10 })).toMatchObject({ workers: 3 });
});

test('short ones share a worker, since a pod costs more than they do', () => {
  const { workers, batches } = cutBatches(datums(8), { usualSeconds: 0.1, workers: 10 });
  expect([workers, batches.length]).toEqual([1, 1]);
});

test('a batch takes about a minute or two by earlier runs', () => {
  const { batches, workers } = cutBatches(datums(10_000), { usualSeconds: 1, workers: 10 });
  expect(workers).toBe(10);
  expect(batches[0]).toHaveLength(100);
});

test('large ones are few in a batch', () => {
  const { batches } = cutBatches(datums(1000, 4e9), { usualSeconds: undefined, workers: 2 });
  expect(batches[0]).toHaveLength(1);
});

test('no datum is lost, and their order stays', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1e9), { minLength: 1, maxLength: 200 }),
      fc.option(fc.float({ min: 0, max: 1000, noNaN: true }), { nil: undefined }),
      fc.integer({ min: 1, max: 50 }),
      (sizes, usualSeconds, workers) => {
        const items = sizes.map((bytes, id) => ({ id, bytes }));
        const cut = cutBatches(items, { usualSeconds, workers });
        expect(cut.batches.flat()).toEqual(items);
        expect(cut.batches.every((batch) => batch.length > 0)).toBe(true);
        expect(cut.workers).toBeLessThanOrEqual(Math.min(workers, cut.batches.length));
      },
    ),
    { numRuns: runs(100) },
  );
});
