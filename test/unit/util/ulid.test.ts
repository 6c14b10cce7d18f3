import { expect, it } from 'vitest';
import { isUlid, ulid, ulidTime } from '../../../src/util/ulid.ts';

it('a ULID carries its time and sorts by it', () => {
  const early = ulid(1_700_000_000_000, () => 0.999);
  const late = ulid(1_700_000_000_001, () => 0);
  expect(early < late).toBe(true);
  expect([early, late].map(ulidTime)).toEqual([1_700_000_000_000, 1_700_000_000_001]);
  expect(early).toBe('01HF7YAT00ZZZZZZZZZZZZZZZZ');
});

it('has 26 characters of its own alphabet', () => {
  expect(isUlid(ulid(1, () => 0.5))).toBe(true);
  expect(isUlid('01HF7YAT00ZZZZZZZZZZZZZZZI')).toBe(false);
  expect(isUlid('81HF7YAT00ZZZZZZZZZZZZZZZZ')).toBe(false);
  expect(isUlid('01HF7YAT00')).toBe(false);
});
