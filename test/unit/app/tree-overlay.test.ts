import { expect, test } from 'vitest';
import { overlayTrees } from '../../../src/app/tree-overlay.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { Store } from '../../../src/store/store.ts';

const BELOW = 'b'.repeat(64) as Digest;
const ABOVE = 'a'.repeat(64) as Digest;

const below = {
  url: 'below',
  hasTree: async (digest: Digest) => digest === BELOW,
  readTree: async () => 'from below',
  putTree: () => Promise.reject(new Error('written below')),
  putObject: () => Promise.reject(new Error('written below')),
} as unknown as Store;

test('an overlay keeps what is written to itself and finds the rest below', async () => {
  const store = overlayTrees(below);
  await store.putTree(ABOVE, 'kept');
  expect(await store.readTree(ABOVE)).toBe('kept');
  expect(await store.readTree(BELOW)).toBe('from below');
  expect([await store.hasTree(ABOVE), await store.hasTree(BELOW)]).toEqual([true, true]);
});

test('an overlay has nothing but trees', () => {
  expect(() => overlayTrees(below).putObject).toThrow('has no putObject');
});
