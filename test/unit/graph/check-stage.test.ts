import { describe, expect, test } from 'vitest';
import { checkProducers, checkStage } from '../../../src/graph/check-stage.ts';
import { stageOf, type StageText } from './stage-of.ts';

const faultsOf = (text: StageText): string[] =>
  checkStage(stageOf(text)).map(
    ({ field, problem }) => `${field.join('.')}: ${problem.code}: ${problem.message}`,
  );

describe('a sound stage has no fault', () => {
  const sound: [string, StageText][] = [
    ['a report', { deps: { months: 'data/monthly/' }, outs: { report: 'report.html' } }],
    ['neither deps nor matrix', { outs: { list: 'list.txt' } }],
    ['no outs', { deps: { a: 'a.csv' } }],
    ['a map', { deps: { a: 'a/{x}' }, outs: { o: 'o/{x}' } }],
    [
      'a range alone',
      {
        matrix: { d: { since: '2020-01-01', until: 'today', every: '1d' } },
        outs: { o: 'o/{d:%Y-%m-%d}' },
      },
    ],
    ['days into months', { deps: { a: 'a/{d:%Y-%m-%d}' }, outs: { o: 'o/{d:%Y-%m}' } }],
    ['days into weeks', { deps: { a: 'a/{d:%Y-%m-%d}' }, outs: { o: 'o/{d:%G-W%V}' } }],
    [
      'months seen by days',
      { deps: { m: 'm/{d:%Y-%m}', a: 'a/{d:%Y-%m-%d}' }, outs: { o: 'o/{d:%Y-%m-%d}' } },
    ],
    [
      'a window with a range',
      {
        deps: { a: { path: 'a/{d:%Y-%m-%d}', window: ['-6d', '0d'] } },
        matrix: { d: { since: '2020-01-01', until: 'today', every: '1d' } },
        outs: { o: 'o/{d:%Y-%m-%d}' },
      },
    ],
    [
      'a complete month',
      {
        deps: { a: 'a/{d:%Y-%m-%d}' },
        matrix: { d: { since: '2020-01-01', until: 'today', every: '1d' } },
        outs: { o: 'o/{d:%Y-%m}' },
      },
    ],
    [
      'a required value',
      { deps: { a: 'a/{d:%Y}/{model}' }, matrix: { model: ['a', 'b'] }, outs: { o: 'o/{d:%Y}' } },
    ],
    [
      'all binding deps optional',
      { deps: { a: { path: 'a/{x}', optional: true }, c: 'c.csv' }, outs: { o: 'o/{x}' } },
    ],
    ['listed periods', { matrix: { d: ['2024-01', '2024-02'] }, outs: { o: 'o/{d:%Y-%m}' } }],
  ];
  test.each(sound)('%s', (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });
});

describe('a fault is named with its place', () => {
  const faulty: [string, StageText, string][] = [
    [
      'a capture of a dep that nobody knows',
      { deps: { raw: 'r/{station}/{x}' }, outs: { o: 'o/{x}' } },
      'deps.raw: unknown-capture: stage work: "station" of dep raw is neither in the outs nor in matrix',
    ],
    [
      'a capture that nothing brings',
      { outs: { o: 'o/{x}' } },
      'outs.o: unbound-capture: stage work: nothing brings values of {x} in the outs: no dep and no matrix has it',
    ],
    [
      'only a coarser dep',
      { deps: { a: 'a/{d:%Y-%m}' }, outs: { o: 'o/{d:%Y-%m-%d}' } },
      'outs.o: unbound-capture: stage work: nothing brings values of {d} in the outs: dep a has it by month only',
    ],
    [
      'only a window',
      { deps: { a: { path: 'a/{d:%Y-%m}', window: ['-1mo', '0d'] } }, outs: { o: 'o/{d:%Y-%m}' } },
      'outs.o: unbound-capture: stage work: nothing brings values of {d} in the outs: dep a has a window, which brings no datums into being',
    ],
    [
      'only an optional dep beside required ones',
      { deps: { a: 'a/{x}', b: { path: 'b/{y}', optional: true } }, outs: { o: 'o/{x}/{y}' } },
      'outs.o: unbound-capture: stage work: nothing brings values of {y} in the outs: dep b is optional, which adds files, never datums',
    ],
    [
      'a matrix coarser than the outs, alone',
      { matrix: { d: ['2024-01'] }, outs: { o: 'o/{d:%Y-%m-%d}' } },
      'outs.o: unbound-capture: stage work: nothing brings values of {d} in the outs: matrix has it coarser',
    ],
    [
      'a wildcard in an out',
      { deps: { a: 'a/{x}' }, outs: { o: 'o/{x}/*' } },
      'outs.o: out-wildcard: stage work: out o (o/{x}/*) has a wildcard',
    ],
    [
      'an out without a capture of another',
      { matrix: { x: ['1'], y: ['2'] }, outs: { o: 'o/{x}/{y}', p: 'p/{x}' } },
      'outs.p: out-captures: stage work: out p (p/{x}) lacks {y} of the other outs',
    ],
    [
      'a time at two grains in outs',
      { matrix: { d: ['2024-01-01'] }, outs: { o: 'o/{d:%Y-%m}', p: 'p/{d:%Y-%m-%d}' } },
      'outs.o: out-captures: stage work: out o (o/{d:%Y-%m}) has d by month, another out by day',
    ],
    [
      'weeks with months',
      { deps: { a: 'a/{d:%G-W%V}' }, outs: { o: 'o/{d:%Y-%m}' } },
      "deps.a: grains-dont-nest: stage work: {d} is a week in dep a and a month in out o, which don't nest",
    ],
    [
      'a time here, plain text there',
      { deps: { a: 'a/{d}' }, outs: { o: 'o/{d:%Y}' } },
      'deps.a: mixed-capture: stage work: {d} of dep a is a time in one pattern and plain text in another',
    ],
    [
      'a range of plain text',
      { matrix: { x: { since: '2020', until: '2021', every: '1y' } }, outs: { o: 'o/{x}' } },
      'matrix.x: bad-matrix: stage work: matrix x is a range, but {x} is no time',
    ],
    [
      'a matrix of weeks for months',
      { matrix: { d: { since: '2020', until: '2021', every: '1w' } }, outs: { o: 'o/{d:%Y-%m}' } },
      "matrix.d: grains-dont-nest: stage work: matrix lists d by week, a pattern has it by month, and these don't nest",
    ],
    [
      'a listed time that is none',
      { matrix: { d: ['20240101'] }, outs: { o: 'o/{d:%Y%m%d}' } },
      'matrix.d: bad-matrix: stage work: "20240101" of matrix d is no time',
    ],
    [
      'listed periods of two lengths',
      { matrix: { d: ['2024', '2024-01'] }, outs: { o: 'o/{d:%Y}' } },
      'matrix.d: bad-matrix: stage work: matrix d lists a year and a month',
    ],
    [
      'a value with a slash',
      { matrix: { x: ['a/b'] }, outs: { o: 'o/{x}' } },
      'matrix.x: bad-matrix: stage work: "a/b" of matrix x can\'t be part of one name',
    ],
    [
      'a value of another width',
      { matrix: { x: ['abc'] }, outs: { o: 'o/{x:2}' } },
      'matrix.x: bad-matrix: stage work: "abc" of matrix x is not 2 characters long, as {x:2} says',
    ],
    [
      'a matrix of nothing',
      { matrix: { y: ['a'] }, outs: { o: 'o.csv' } },
      'matrix.y: bad-matrix: stage work: matrix has y, but no out and no dep has {y}',
    ],
    [
      'a window without a time',
      { deps: { a: { path: 'a/{x}', window: ['-1d', '0d'] } }, matrix: { x: ['1'] }, outs: { o: 'o/{x}' } },
      'deps.a.window: bad-window: stage work: the window of dep a has no time to move',
    ],
    [
      'a window that ends before it begins',
      {
        deps: { a: { path: 'a/{d:%Y-%m-%d}', window: ['0d', '-6d'] } },
        matrix: { d: ['2024-01-01'] },
        outs: { o: 'o/{d:%Y-%m-%d}' },
      },
      'deps.a.window: bad-window: stage work: the window of dep a ends before it begins',
    ],
    [
      'an out in .datawf',
      { outs: { o: '.datawf/x' } },
      'outs.o: out-reserved: stage work: out o (.datawf/x) lies in .datawf',
    ],
  ];
  test.each(faulty)('%s', (_, text, expected) => {
    expect(faultsOf(text)).toEqual([expected]);
  });

  test('and every fault has a cure', () => {
    for (const [, text] of faulty) {
      for (const { problem } of checkStage(stageOf(text))) expect(problem.hint).toMatch(/\.$|\]|%d|\//);
    }
  });
});

describe('two producers', () => {
  const collide = (...texts: StageText[]): string[] =>
    checkProducers(texts.map((text, index) => stageOf({ name: `s${index}`, ...text }))).map(
      ({ stage, field, problem }) => `${stage}.${field.join('.')}: ${problem.message}`,
    );
  const alone = (out: string, more: StageText = {}): StageText => ({ outs: { o: out }, ...more });

  test('are named both, at the later one', () => {
    expect(collide(alone('data/x'), alone('data/x'))).toEqual([
      's1.outs.o: out o of stage s1 (data/x) and out o of stage s0 (data/x) write the same path',
    ]);
  });

  const proved: [StageText, StageText][] = [
    [alone('a/{x}.csv'), alone('a/{y}.csv')],
    [alone('a/{d:%Y-%m}'), alone('a/{d:%Y}-{d:%m}')],
    [alone('a/'), alone('a/{x}')],
    [alone('a/b/c'), alone('a/')],
    [alone('a/b/'), alone('a/')],
    [alone('a/{x}/'), alone('a/{y}/b')],
    [alone('a/b'), alone('a/b/{x}')],
    [alone('a/{x}', { matrix: { x: ['b', 'c'] } }), alone('a/b')],
    [alone('a/{x}', { matrix: { x: ['b', 'c'] } }), alone('a/{y}', { matrix: { y: ['c', 'd'] } })],
    [alone('a/{d:%Y}', { matrix: { d: { since: '2020', until: '2022', every: '1y' } } }), alone('a/2021')],
  ];
  test.each(proved)('%j and %j are', (a, b) => {
    expect(collide(a, b)).toHaveLength(1);
    expect(collide(b, a)).toHaveLength(1);
  });

  test('within one stage are, too', () => {
    expect(collide({ outs: { o: 'a/', p: 'a/b' } })).toHaveLength(1);
  });

  const open: [StageText, StageText][] = [
    [alone('a/{x}.csv'), alone('a/b.csv')],
    [alone('a/{x}.csv'), alone('a/{y}.txt')],
    [alone('a/{x}'), alone('a/{y:2}')],
    [alone('a/b'), alone('a/bc')],
    [alone('a/{x}', { matrix: { x: ['b'] } }), alone('a/{x}', { matrix: { x: ['c'] } })],
    [alone('a/{x}', { matrix: { x: ['b'] }, deps: { d: 'd/{x}' } }), alone('a/b')],
    [
      alone('a/{d:%Y}', { matrix: { d: { since: '2010', until: '2020', every: '1y' } } }),
      alone('a/{d:%Y}', { matrix: { d: { since: '2020', until: 'today', every: '1y' } } }),
    ],
  ];
  test.each(open)('%j and %j are seen only when they happen', (a, b) => {
    expect(collide(a, b)).toEqual([]);
    expect(collide(b, a)).toEqual([]);
  });
});
