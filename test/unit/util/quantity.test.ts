import { expect, test } from 'vitest';
import { parseBytes, parseCores, parseDuration } from '../../../src/util/quantity.ts';

test.each([
  ['90s', 90],
  ['10m', 600],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['0s', 0],
  ['', undefined],
  ['10', undefined],
  ['m', undefined],
  ['1m1h', undefined],
  ['-1s', undefined],
  ['1.5h', undefined],
])('the duration %j has %s seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  ['512Mi', 2 ** 29],
  ['2Gi', 2 ** 31],
  ['1.5G', 1.5e9],
  ['1000', 1000],
  ['1k', 1000],
  ['', undefined],
  ['Gi', undefined],
  ['2GiB', undefined],
  ['9999999999P', undefined],
])('the size %j has %s bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  ['2', 2],
  ['0.5', 0.5],
  ['500m', 0.5],
  ['x', undefined],
  ['', undefined],
])('%j is %s cores', (text, cores) => {
  expect(parseCores(text)).toBe(cores);
});
