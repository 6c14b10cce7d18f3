import { describe, expect, test } from 'vitest';
import { canMeet, matchPath, parsePattern, renderPath, sketchPath } from '../../../src/model/pattern.ts';

const match = (pattern: string, path: string): Record<string, string> | undefined => {
  const found = matchPath(parsePattern(pattern, ''), path);
  return found === undefined ? undefined : Object.fromEntries(found);
};

describe('parsing', () => {
  test.each([
    ['data/raw/{date:%Y-%m-%d}.csv', 'data/raw', 'file'],
    ['data/raw-{x}/y.csv', 'data', 'file'],
    ['report.html', 'report.html', 'file'],
    ['data/monthly/', 'data/monthly', 'directory'],
    ['data/{x}/', 'data', 'directory'],
    ['data/*/x.csv', 'data', 'glob'],
    ['data/**/x.csv', 'data', 'glob'],
    ['data/*/', 'data', 'directory'],
    ['./data/x', 'data/x', 'file'],
  ])('%s has the home %s and is a %s', (text, home, shape) => {
    expect(parsePattern(text, '')).toMatchObject({ home, shape });
  });

  test('paths are relative to the folder of the file, a leading slash means the root', () => {
    expect(parsePattern('data/{x}', 'sub/dir')).toMatchObject({
      source: 'sub/dir/data/{x}',
      home: 'sub/dir/data',
    });
    expect(parsePattern('/data/{x}', 'sub/dir')).toMatchObject({ source: 'data/{x}', home: 'data' });
  });

  test('captures come once each, times with the finest grain of their parts', () => {
    const pattern = parsePattern('d/{t:%Y-%m-%d}/{s}/{t:%H}/{s}', '');
    expect(pattern.captures).toEqual(['t', 's']);
    expect(pattern.times).toEqual(new Map([['t', 'hour']]));
  });

  test.each([
    ['d/{t:%Y}', 'year'],
    ['d/{t:%Y%m}', 'month'],
    ['d/{t:%G-W%V}', 'week'],
    ['d/{t:%Y-%j}', 'day'],
    ['d/{t:%Y/%m/%d}', 'day'],
    ['d/{t:%Y%m%dT%H%M}', 'minute'],
    ['d/{t:%Y%m%dT%H%M%S}', 'second'],
  ])('%s is a %s', (text, grain) => {
    expect(parsePattern(text, '').times.get('t')).toBe(grain);
  });

  test.each([
    ['', 'is empty'],
    ['/', 'means the whole folder'],
    ['{x}/a', 'begins with no literal folder'],
    ['*.csv', 'begins with no literal folder'],
    ['x-{a}/b', 'begins with no literal folder'],
    ['d/../x', '".."'],
    ['d//x', 'empty segment'],
    ['d/./x', 'folder by "."'],
    ['d/{t:%Y/./%m}', 'folder by "."'],
    ['d/a\\b', 'backslash'],
    ['.git/x', 'lies in .git'],
    ['d/{x', 'without its partner'],
    ['d/x}', 'without its partner'],
    ['d/{}', 'no valid name'],
    ['d/{1a}', 'no valid name'],
    ['d/{x:}', 'neither a width nor time codes'],
    ['d/{x:0}', 'neither a width nor time codes'],
    ['d/{x:[a-z]+}', 'neither a width nor time codes'],
    ['d/{t:%y}', 'unknown code %y'],
    ['d/{t:%Y-%}', 'unknown code %'],
    ['d/{t:%Y*}', 'has a * in its format'],
    ['d/{t:%m}', 'has no year'],
    ['d/{t:%Y-%d}', '%d without'],
    ['d/{t:%Y-W%V}', 'an ISO week is %G with %V'],
    ['d/{t:%Y}/{t:%G-W%V}', 'weeks nest in no month'],
    ['d/{t:%Y-%m-%dT%M}', '%M (minutes) without %H'],
    ['d/{t:%Y}/{t}', 'a time here and plain text there'],
    ['d/{a}{b}', 'nothing separates {a} from {b}'],
    ['d/{a}*', 'nothing separates {a} from *'],
    ['d/*{a}', 'nothing separates * from {a}'],
    ['d/a**', '** stands for whole folders'],
    ['d/**.csv', '** stands for whole folders'],
    ['d/***', '** stands for whole folders'],
    ['d/{a:2}/{a:3}', 'two widths'],
  ])('%j is refused: it %s', (text, fault) => {
    expect(() => parsePattern(text, '')).toThrow(fault);
    expect(() => parsePattern(text, '')).toThrow(expect.objectContaining({ code: 'bad-pattern', exit: 2 }));
  });
});

describe('matching', () => {
  test.each([
    ['d/{x}.csv', 'd/a.csv', { x: 'a' }],
    ['d/{x}.csv', 'd/a.b-c.csv', { x: 'a.b-c' }],
    ['d/{x}', 'd/.hidden', { x: '.hidden' }],
    ['d/{x}.csv', 'd/.csv', undefined],
    ['d/{x}.csv', 'd/a/b.csv', undefined],
    ['d/{x}.csv', 'd/aXcsv', undefined],
    ['d/{x:2}{y}', 'd/abc', { x: 'ab', y: 'c' }],
    ['d/{x:2}', 'd/abc', undefined],
    ['d/{x:1}-', 'd/\u{1F600}-', { x: '\u{1F600}' }],
    ['d/{x:2}/{x}', 'd/ab/ab', { x: 'ab' }],
    ['d/{x}/{x}1.csv', 'd/a/a1.csv', { x: 'a' }],
    ['d/{x}/{x}1.csv', 'd/a/b1.csv', undefined],
    ['d/{t:%Y-%m-%d}', 'd/2024-02-29', { t: '2024-02-29' }],
    ['d/{t:%Y-%m-%d}', 'd/2023-02-29', undefined],
    ['d/{t:%Y-%m-%d}', 'd/2024-2-9', undefined],
    ['d/{t:%Y-%j}', 'd/2024-060', { t: '2024-02-29' }],
    ['d/{t:%Y-%j}', 'd/2023-366', undefined],
    ['d/{t:%G-W%V}', 'd/2020-W53', { t: '2020-W53' }],
    ['d/{t:%G-W%V}', 'd/2021-W53', undefined],
    ['d/{t:%Y%m%d%H}', 'd/2024022924', undefined],
    ['d/{t:year=%Y/month=%m}/x', 'd/year=2024/month=05/x', { t: '2024-05' }],
    ['d/{t:%Y-%m-%d}/{s}/{t:%H}', 'd/2024-05-01/k/06', { t: '2024-05-01T06', s: 'k' }],
    ['d/{t:%Y}/{t:%Y-%m}', 'd/2024/2024-05', { t: '2024-05' }],
    ['d/{t:%Y}/{t:%Y-%m}', 'd/2024/2023-05', undefined],
    ['d/{t:%Y%m%d}-{t:%j}', 'd/20240229-060', { t: '2024-02-29' }],
    ['d/{t:%Y%m%d}-{t:%j}', 'd/20240229-061', undefined],
    ['d/{t:%Y%m%d}-{t:%G-W%V}', 'd/20240101-2024-W01', { t: '2024-01-01' }],
    ['d/{t:%Y%m%d}-{t:%G-W%V}', 'd/20240101-2024-W02', undefined],
    ['d/*', 'd/a', {}],
    ['d/*', 'd/a/b', undefined],
    ['d/*.csv', 'd/.csv', {}],
    ['d/**', 'd/a/b', {}],
    ['d/**', 'd/a', {}],
    ['d/**/x', 'd/x', {}],
    ['d/**/x', 'd/a/b/x', {}],
    ['d/**/x', 'd/ax', undefined],
    ['d/**/{s}.csv', 'd/a/b/c.csv', { s: 'c' }],
    ['d/', 'd/a/b', {}],
    ['d/', 'd', undefined],
    ['d/', 'dx/a', undefined],
    ['d/{x}/', 'd/a/b/c', { x: 'a' }],
    ['d/{x}/', 'd/a', undefined],
    ['d/a.csv', 'd/a.csv', {}],
    ['d/a.csv', 'd/a.csv/b', undefined],
    ['d/', 'd/.DS_Store', undefined],
    ['d/*', 'd/._x', undefined],
    ['d/**', 'd/a/Thumbs.db', undefined],
    ['d/{x}+(1).csv', 'd/a+(1).csv', { x: 'a' }],
    ['d/{a}-{b}', 'd/x-y', { a: 'x', b: 'y' }],
    ['d/{a}_{a}', 'd/x_x', { a: 'x' }],
    ['d/*-{t:%Y}', 'd/a-b-2024', { t: '2024' }],
    ['d/*{t:%Y%m%d}*', 'd/x20240230y20240229z', { t: '2024-02-29' }],
    ['d/**/k/**/{s}', 'd/k/k/a', { s: 'a' }],
  ])('%s on %s gives %o', (pattern, path, expected) => {
    expect(match(pattern, path)).toEqual(expected);
  });

  test.each([
    ['d/{a}-{b}', 'd/x-y-z', 'a=x b=y-z', 'a=x-y b=z'],
    ['d/*-{a}-*', 'd/p-q-r-q-s', 'a=q', 'a=q-r'],
    ['d/**/{a}/**', 'd/p/q/r', 'a=p', 'a=q'],
    ['d/**/{a}/', 'd/p/q/r', 'a=p', 'a=q'],
    ['d/*{t:%Y}*', 'd/20240', 't=2024', 't=0240'],
  ])('%s on %s is refused with both readings', (pattern, path, one, other) => {
    expect(() => match(pattern, path)).toThrow(expect.objectContaining({ code: 'ambiguous-path', exit: 2 }));
    expect(() => match(pattern, path)).toThrow(one);
    expect(() => match(pattern, path)).toThrow(other);
  });
});

describe('rendering', () => {
  test.each([
    ['d/{x}/{t:%Y/%j}.csv', { x: 'a', t: '2024-02-29' }, 'd/a/2024/060.csv'],
    ['d/{t:%G-W%V}/', { t: '2021-W01' }, 'd/2021-W01'],
    ['d/{t:%Y-%m}/{t:%d}T{t:%H%M%S}', { t: '2024-05-01T06:07:08' }, 'd/2024-05/01T060708'],
    ['d/{t:%Y-%m}', { t: '2024-05-01' }, 'd/2024-05'],
  ])('%s of %o is %s', (pattern, captures, expected) => {
    expect(renderPath(parsePattern(pattern, ''), new Map(Object.entries(captures)))).toBe(expected);
  });

  test('what values leave open is a star in a sketch', () => {
    const sketch = (pattern: string, captures: Record<string, string>): string =>
      sketchPath(parsePattern(pattern, ''), new Map(Object.entries(captures)));
    expect(sketch('c/*/{t:%Y-%m-%d}.csv', { t: '2024-05' })).toBe('c/*/2024-05-*.csv');
    expect(sketch('c/**/{s}/{t:%Y%m%d%H}', { t: '2024-05-01' })).toBe('c/**/*/20240501*');
    expect(sketch('c/{s}/', { s: 'a' })).toBe('c/a/');
  });
});

describe('two patterns', () => {
  test.each([
    ['d/{x}.csv', 'd/a.csv', true],
    ['d/{x}.csv', 'd/a.txt', false],
    ['d/{x}.csv', 'e/{x}.csv', false],
    ['d/{t:%Y-%m-%d}', 'd/{t:%Y-%m}', false],
    ['d/{t:%Y-%m-%d}', 'd/{x}', true],
    ['d/{t:%Y}', 'd/abcd', false],
    ['d/{x:2}', 'd/abc', false],
    ['d/', 'd/a/b', true],
    ['d/', 'd', false],
    ['d/', 'd/', true],
    ['d/{x}/', 'd/a', false],
    ['d/{x}/', 'd/*/y/{z}', true],
    ['d/a/', 'd/b/', false],
    ['d/**/x', 'd/a/{b}', true],
    ['d/**/x', 'd/a/y{b}', false],
    ['d/**', 'd/a/b/{c}/e.csv', true],
    ['d/*', 'd/a/b', false],
    ['d/*a*', 'd/b*c', true],
    ['d/{x}a', 'd/b{y}', true],
    ['d/{x}', 'd/\u{1F600}', true],
  ])('%s and %s can meet: %s', (a, b, expected) => {
    expect(canMeet(parsePattern(a, ''), parsePattern(b, ''))).toBe(expected);
    expect(canMeet(parsePattern(b, ''), parsePattern(a, ''))).toBe(expected);
  });
});
