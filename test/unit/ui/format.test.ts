import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCaptures,
  formatSeconds,
  formatTime,
  plural,
} from '../../../src/ui/format.ts';

describe('bytes have a unit in steps of 1000', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1234, '1.2 kB'],
    [99_949, '99.9 kB'],
    [99_960, '100 kB'],
    [999_600, '1 MB'],
    [88_123_904, '88.1 MB'],
    [1_500_000_000, '1.5 GB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('durations are told as a person would', () => {
  test.each([
    [0, '0.00 s'],
    [0.042, '0.04 s'],
    [1.23, '1.2 s'],
    [9.96, '10 s'],
    [42.4, '42 s'],
    [60, '1 min'],
    [185, '3 min 5 s'],
    [7800, '2 h 10 min'],
    [273_600, '3 d 4 h'],
  ])('%d is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

test.each([
  [3_000, 'just now'],
  [45_000, '45 seconds ago'],
  [60_000, '1 minute ago'],
  [7_200_000, '2 hours ago'],
  [259_200_000, '3 days ago'],
])('an age of %d ms is "%s"', (age, text) => {
  expect(formatAge(age)).toBe(text);
});

test('a time is on the local clock', () => {
  const date = new Date(2024, 4, 1, 6, 7, 8);
  expect(formatTime(date.toISOString())).toBe('2024-05-01 06:07:08');
});

test('counts agree with their words', () => {
  expect([plural(0, 'file'), plural(1, 'file'), plural(2, 'file')]).toEqual(['0 files', '1 file', '2 files']);
});

test('captures are as one types them', () => {
  expect(formatCaptures({ date: '2024-01-03', station: 'a' })).toBe('date=2024-01-03,station=a');
});
