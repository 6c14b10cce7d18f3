import { describe, expect, test } from 'vitest';
import { mergeConfig, parseConfigFile } from '../../../src/formats/config-file.ts';
import { environmentOf, fillSlugs, storeChain } from '../../../src/graph/environment.ts';

const configOf = (text: string) => mergeConfig([parseConfigFile(text, 'config.yaml')]);

const CONFIG = configOf(`
stores: {a: {url: /a}, b: {url: /b}, c: {url: /c}}
environments:
  main: {branches: [main], write: a}
  teams: {branches: ["team/*"], write: b, read: [c, b, a]}
  rest: {branches: ["**"], read: [a]}
`);

const chainOf = (branch: string | undefined, forced?: string) => {
  const { write, read } = storeChain(CONFIG, environmentOf(CONFIG, branch, forced));
  return [write?.name, read.map(({ name }) => name).join(' ')];
};

describe('the environment of a branch', () => {
  test.each([
    ['main', 'main'],
    ['team/x', 'teams'],
    ['team/x/y', 'rest'],
    ['maintenance', 'rest'],
    [undefined, undefined],
  ])('%s is %s', (branch, name) => {
    expect(environmentOf(CONFIG, branch)?.name).toBe(name);
  });

  test('is the forced one whatever the branch is', () => {
    expect(environmentOf(CONFIG, undefined, 'main')?.name).toBe('main');
    expect(() => environmentOf(CONFIG, 'main', 'mian')).toThrow('there is no environment mian');
  });
});

describe('the stores of an environment', () => {
  test('are asked in order, the written one first and each once', () => {
    expect(chainOf('main')).toEqual(['a', 'a']);
    expect(chainOf('team/x')).toEqual(['b', 'b c a']);
    expect(chainOf('other')).toEqual([undefined, 'a']);
  });

  test('are none where none fits, and the only one where no environment is configured', () => {
    expect(chainOf(undefined)).toEqual([undefined, '']);
    const one = configOf('stores: {only: {url: /only}}');
    expect(storeChain(one, undefined).write?.name).toBe('only');
    const two = configOf('stores: {a: {url: /a}, b: {url: /b}}');
    expect(storeChain(two, undefined)).toEqual({ write: undefined, read: [] });
  });
});

test('placeholders become slugs, and one without a name is an error', () => {
  expect(fillSlugs('s3://x/{branch}/{user}', { branch: 'main', user: 'ada' })).toBe('s3://x/main/ada');
  expect(fillSlugs('/s/{branch}', { branch: 'a/B' })).toMatch(/^\/s\/a-b-[0-9a-f]{8}$/);
  expect(() => fillSlugs('/s/{branch}', {})).toThrow('holds {branch}');
});
