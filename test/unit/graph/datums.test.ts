import { describe, expect, test } from 'vitest';
import { datumTimes, deriveDatums, labelPeriod, type DatumSet } from '../../../src/graph/datums.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import { stageOf, type StageText } from './stage-of.ts';

const CLOCK = { now: Date.UTC(2024, 0, 5, 13), zone: 'UTC' };

/** Derives datums of a stage whose deps see these files, in the order of the deps. */
function derive(text: StageText, ...files: readonly (readonly string[])[]): DatumSet {
  return deriveDatums(
    stageOf(text),
    files.map((paths) => [...paths].sort(compareBytes)),
    CLOCK,
  );
}

const ids = (set: DatumSet): string[] => set.datums.map(({ id }) => id);
const waiting = (set: DatumSet): string[] => set.waiting.map(({ id }) => id);
const days = (...numbers: number[]): string[] =>
  numbers.map((day) => `2024-01-${String(day).padStart(2, '0')}`);
const below = (folder: string, ...names: string[]): string[] => names.map((name) => `${folder}/${name}.csv`);

describe('which datums there are', () => {
  test('one file in, one file out is a map', () => {
    const set = derive({ deps: { raw: 'r/{x}.csv' }, outs: { out: 'o/{x}.csv' } }, ['r/b.csv', 'r/a.csv']);
    expect(ids(set)).toEqual(['x=a', 'x=b']);
    expect(set.datums.map(({ files }) => files)).toEqual([[[0]], [[1]]]);
  });

  test('a stage with neither captures nor matrix has one datum', () => {
    expect(ids(derive({ outs: { out: 'report.html' } }))).toEqual(['-']);
  });

  test('a plain directory is a full reduce, seen as a broadcast', () => {
    const set = derive({ deps: { all: 'data/' }, outs: { out: 'report.html' } }, [
      'data/a',
      'data/b/c',
      'data/.DS_Store',
    ]);
    expect(ids(set)).toEqual(['-']);
    expect(set.broadcast).toEqual(new Map([[0, [1, 2]]]));
    expect(set.datums[0]?.files).toEqual([undefined]);
    expect(set.usage.get('all')).toMatchObject({ files: 2, used: 2 });
  });

  test('two deps that share a name are a join', () => {
    const set = derive(
      { deps: { a: 'a/{x}.csv', b: 'b/{x}.csv' }, outs: { out: 'o/{x}' } },
      below('a', 'p', 'q'),
      below('b', 'q', 'r'),
    );
    expect(ids(set)).toEqual(['x=q']);
    expect(set.datums[0]?.files).toEqual([[1], [0]]);
    expect(set.usage.get('a')).toMatchObject({
      used: 1,
      unpaired: 1,
      unpairedPaths: ['a/p.csv'],
      unpairedWith: ['b'],
    });
    expect(set.usage.get('b')).toMatchObject({
      used: 1,
      unpaired: 1,
      unpairedPaths: ['b/r.csv'],
      unpairedWith: ['a'],
    });
  });

  test('two deps that share nothing give every combination', () => {
    const set = derive(
      { deps: { a: 'a/{x}.csv', b: 'b/{y}.csv' }, outs: { out: 'o/{x}/{y}' } },
      below('a', 'p', 'q'),
      below('b', '1', '2'),
    );
    expect(ids(set)).toEqual(['x=p&y=1', 'x=p&y=2', 'x=q&y=1', 'x=q&y=2']);
  });

  test('a coarser out collects the days of its month', () => {
    const set = derive(
      { deps: { clean: 'c/{date:%Y-%m-%d}.csv' }, outs: { month: 'm/{date:%Y-%m}.csv' } },
      below('c', '2024-01-01', '2024-01-31', '2024-02-01'),
    );
    expect(set.datums.map(({ id, files }) => [id, files[0]])).toEqual([
      ['date=2024-01', [0, 1]],
      ['date=2024-02', [2]],
    ]);
  });

  test('a coarser dep is seen by each of its days and brings none', () => {
    const set = derive(
      { deps: { day: 'd/{t:%Y-%m-%d}.csv', month: 'm/{t:%Y-%m}.csv' }, outs: { out: 'o/{t:%Y-%m-%d}' } },
      below('d', '2024-01-01', '2024-01-02', '2024-02-01'),
      below('m', '2024-01', '2024-03'),
    );
    expect(set.datums.map(({ id, files }) => [id, files])).toEqual([
      ['t=2024-01-01', [[0], [0]]],
      ['t=2024-01-02', [[1], [0]]],
    ]);
    expect(set.usage.get('month')).toMatchObject({ used: 1, unpaired: 1, unpairedWith: ['day'] });
  });

  test('a star collects whatever stands in its place', () => {
    const set = derive({ deps: { clean: 'c/*/{t:%Y-%m}.csv' }, outs: { out: 'o/{t:%Y-%m}' } }, [
      'c/a/2024-01.csv',
      'c/b/2024-01.csv',
      'c/b/2024-02.csv',
    ]);
    expect(set.datums.map(({ files }) => files[0])).toEqual([[0, 1], [2]]);
  });

  test('a directory per datum brings all its files', () => {
    const set = derive({ deps: { parts: 'p/{t:%Y-%m-%d}/' }, outs: { out: 'o/{t:%Y-%m-%d}.csv' } }, [
      'p/2024-01-01/a',
      'p/2024-01-01/b/c',
      'p/2024-01-02/a',
      'p/notes',
    ]);
    expect(set.datums.map(({ files }) => files[0])).toEqual([[0, 1], [2]]);
    expect(set.usage.get('parts')).toMatchObject({
      files: 4,
      used: 3,
      unmatched: 1,
      unmatchedPaths: ['p/notes'],
    });
  });

  test('a required broadcast dep without files leaves no datum and says which dep is absent', () => {
    const set = derive(
      { deps: { a: 'a/{x}.csv', cfg: 'c.csv' }, outs: { out: 'o/{x}' } },
      below('a', 'p'),
      [],
    );
    expect(ids(set)).toEqual([]);
    expect(set.waiting).toEqual([]);
    expect(set.absent).toEqual([{ dep: 'cfg', pattern: 'c.csv' }]);
    expect(set.usage.get('a')).toMatchObject({ files: 1, used: 0, unpaired: 1, unpairedWith: ['cfg'] });
  });

  test('ids are sorted by bytes and encode only what must be', () => {
    const set = derive({ deps: { a: 'a/{x}' }, outs: { o: 'o/{x}' } }, ['a/ü', 'a/a b', 'a/a&b=c%', 'a/Z']);
    expect(ids(set)).toEqual(['x=Z', 'x=a%20b', 'x=a%26b%3Dc%25', 'x=ü']);
  });
});

describe('optional deps', () => {
  const overlay: StageText = {
    deps: { raw: 'r/{x}.csv', fix: { path: 'f/{x}.csv', optional: true } },
    outs: { out: 'o/{x}.csv' },
  };

  test('add files, never datums', () => {
    const set = derive(overlay, below('r', 'a', 'b'), below('f', 'b', 'c'));
    expect(set.datums.map(({ id, files }) => [id, files])).toEqual([
      ['x=a', [[0], []]],
      ['x=b', [[1], [0]]],
    ]);
    expect(set.usage.get('fix')).toMatchObject({ files: 2, used: 1, unpaired: 1, unpairedWith: ['raw'] });
  });

  test('any one suffices where all binding deps are optional', () => {
    const set = derive(
      {
        deps: { a: { path: 'a/{x}', optional: true }, b: { path: 'b/{x}', optional: true }, c: 'c.csv' },
        outs: { out: 'o/{x}' },
      },
      ['a/1', 'a/2'],
      ['b/2', 'b/3'],
      ['c.csv'],
    );
    expect(ids(set)).toEqual(['x=1', 'x=2', 'x=3']);
  });
});

describe('matrix', () => {
  test('alone it brings its datums: the days of a half-open range', () => {
    const set = derive({
      matrix: { date: { since: '2024-01-02', until: 'today', every: '1d' } },
      outs: { raw: 'r/{date:%Y-%m-%d}.csv' },
    });
    expect(ids(set)).toEqual(days(2, 3, 4).map((day) => `date=${day}`));
  });

  test('a range names only periods wholly inside', () => {
    const set = derive({
      matrix: { date: { since: '2023-11-02', until: '2024-01-31', every: '1mo' } },
      outs: { raw: 'r/{date:%Y-%m}.csv' },
    });
    expect(ids(set)).toEqual(['date=2023-12']);
  });

  test('list and list give every combination, items as written', () => {
    const set = derive({ matrix: { a: ['0.10', 'x'], b: ['1'] }, outs: { o: 'o/{a}/{b}' } });
    expect(ids(set)).toEqual(['a=0.10&b=1', 'a=x&b=1']);
  });

  test('a named datum whose required dep lacks a file waits and says for what', () => {
    const set = derive(
      {
        deps: { raw: 'r/{t:%Y-%m-%d}.csv' },
        matrix: { t: { since: '2024-01-01', until: '2024-01-04', every: '1d' } },
        outs: { o: 'o/{t:%Y-%m-%d}' },
      },
      below('r', '2023-12-31', '2024-01-01', '2024-01-03'),
    );
    expect(ids(set)).toEqual(['t=2024-01-01', 't=2024-01-03']);
    expect(set.waiting).toEqual([
      {
        id: 't=2024-01-02',
        captures: new Map([['t', '2024-01-02']]),
        missing: ['r/2024-01-02.csv'],
        missingDeps: ['raw'],
      },
    ]);
    expect(set.usage.get('raw')).toMatchObject({
      files: 3,
      used: 2,
      outside: 1,
      outsidePaths: ['r/2023-12-31.csv'],
    });
  });

  test('finer than the datum it makes a month wait for each day', () => {
    const stage: StageText = {
      deps: { day: 'd/{t:%Y-%m-%d}.csv' },
      matrix: { t: { since: '2024-01-30', until: '2024-02-02', every: '1d' } },
      outs: { month: 'm/{t:%Y-%m}.csv' },
    };
    const set = derive(stage, below('d', '2024-01-30', '2024-01-31', '2024-02-01'));
    expect(ids(set)).toEqual(['t=2024-01', 't=2024-02']);
    const short = derive(stage, below('d', '2024-01-29', '2024-01-30', '2024-02-01'));
    expect(ids(short)).toEqual(['t=2024-02']);
    expect(short.waiting[0]).toMatchObject({
      id: 't=2024-01',
      missing: ['d/2024-01-31.csv'],
      missingDeps: ['day'],
    });
    expect(short.usage.get('day')).toMatchObject({ files: 3, used: 2, unpaired: 0, outside: 1 });
  });

  test('a capture that only a dep has is required for each listed value', () => {
    const stage: StageText = {
      deps: { run: 'r/{t:%Y-%m-%d}/{model}.grib' },
      matrix: { model: ['arpege', 'icon'] },
      outs: { o: 'o/{t:%Y-%m-%d}' },
    };
    const set = derive(stage, [
      'r/2024-01-01/arpege.grib',
      'r/2024-01-01/icon.grib',
      'r/2024-01-02/icon.grib',
      'r/2024-01-02/other.grib',
    ]);
    expect(set.datums.map(({ id, files }) => [id, files[0]])).toEqual([['t=2024-01-01', [0, 1]]]);
    expect(set.waiting).toMatchObject([{ id: 't=2024-01-02', missing: ['r/2024-01-02/arpege.grib'] }]);
    expect(set.usage.get('run')).toMatchObject({ used: 3, outside: 1 });
  });

  test('values of one capture with days that deps bring: each day needs each value', () => {
    const set = derive(
      { deps: { r: 'r/{t:%Y-%m-%d}/{s}' }, matrix: { s: ['a', 'b'] }, outs: { o: 'o/{t:%Y-%m-%d}/{s}' } },
      ['r/2024-01-01/a', 'r/2024-01-01/b', 'r/2024-01-02/a'],
    );
    expect(ids(set)).toEqual(['s=a&t=2024-01-01', 's=a&t=2024-01-02', 's=b&t=2024-01-01']);
    expect(waiting(set)).toEqual(['s=b&t=2024-01-02']);
  });

  test('coarser than the datum it says only which files count', () => {
    const set = derive(
      { deps: { r: 'r/{t:%Y-%m-%d}' }, matrix: { t: ['2024-01'] }, outs: { o: 'o/{t:%Y-%m-%d}' } },
      ['r/2023-12-31', 'r/2024-01-01'],
    );
    expect(ids(set)).toEqual(['t=2024-01-01']);
    expect(set.waiting).toEqual([]);
    expect(set.usage.get('r')).toMatchObject({ used: 1, outside: 1 });
  });

  test('a file whose datum waits for another dep is without partner there', () => {
    const set = derive(
      { deps: { a: 'a/{x}', b: 'b/{x}' }, matrix: { x: ['1', '2'] }, outs: { o: 'o/{x}' } },
      ['a/1', 'a/2'],
      ['b/1'],
    );
    expect(waiting(set)).toEqual(['x=2']);
    expect(set.usage.get('a')).toMatchObject({ used: 1, unpaired: 1, unpairedWith: ['b'] });
  });

  test('today is the day of the zone', () => {
    const stage = stageOf({
      matrix: { t: { since: '2024-01-04', until: 'today', every: '1d' } },
      outs: { o: 'o/{t:%Y-%m-%d}' },
    });
    const late = { now: Date.UTC(2024, 0, 5, 23, 30), zone: 'Europe/Vienna' };
    expect(ids(deriveDatums(stage, [], late))).toEqual(['t=2024-01-04', 't=2024-01-05']);
  });
});

describe('window', () => {
  const smooth = (window: readonly [string, string], more: StageText = {}): StageText => ({
    deps: { c: { path: 'c/{t:%Y-%m-%d}', window } },
    matrix: { t: { since: '2024-01-03', until: '2024-01-05', every: '1d' } },
    outs: { o: 'o/{t:%Y-%m-%d}' },
    ...more,
  });
  const files = (...numbers: number[]): string[] => days(...numbers).map((day) => `c/${day}`);

  test('shows the day and those before, also from before the range', () => {
    const set = derive(smooth(['-2d', '0d']), files(1, 2, 3, 4));
    expect(set.datums.map(({ id, files: [seen] }) => [id, seen])).toEqual([
      ['t=2024-01-03', [0, 1, 2]],
      ['t=2024-01-04', [1, 2, 3]],
    ]);
    expect(set.usage.get('c')).toMatchObject({ used: 4, outside: 0 });
  });

  test('waits while any period of it lacks a file', () => {
    const set = derive(smooth(['-2d', '0d']), files(2, 3, 4));
    expect(ids(set)).toEqual(['t=2024-01-04']);
    expect(set.waiting).toMatchObject([{ id: 't=2024-01-03', missing: ['c/2024-01-01'] }]);
  });

  test('without a matrix a datum that lacks a day of it does not exist', () => {
    const set = derive(
      {
        deps: { a: 'a/{t:%Y-%m-%d}', c: { path: 'c/{t:%Y-%m-%d}', window: ['-1d', '-1d'] } },
        outs: { o: 'o/{t:%Y-%m-%d}' },
      },
      days(2, 3, 5).map((day) => `a/${day}`),
      files(1, 2, 3),
    );
    expect(set.datums.map(({ id, files: seen }) => [id, seen[1]])).toEqual([
      ['t=2024-01-02', [0]],
      ['t=2024-01-03', [1]],
    ]);
    expect(set.waiting).toEqual([]);
    expect(set.usage.get('a')).toMatchObject({ unpaired: 1, unpairedWith: ['c'] });
    expect(set.usage.get('c')).toMatchObject({ used: 2, unpaired: 1, unpairedWith: ['a'] });
  });

  test('optional it takes what is there', () => {
    const set = derive(
      smooth(['-2d', '0d'], {
        deps: { c: { path: 'c/{t:%Y-%m-%d}', window: ['-2d', '0d'], optional: true } },
      }),
      files(2, 4),
    );
    expect(set.datums.map(({ files: [seen] }) => seen)).toEqual([[0], [0, 1]]);
  });

  test('of months sees whole months, whatever their length', () => {
    const set = derive(
      {
        deps: { d: { path: 'd/{t:%Y-%m}', window: ['-1mo', '-1mo'] } },
        matrix: { t: ['2024-03'] },
        outs: { o: 'o/{t:%Y-%m}' },
      },
      ['d/2024-01', 'd/2024-02', 'd/2024-03'],
    );
    expect(set.datums[0]?.files).toEqual([[1]]);
  });

  test('counts hours at their own grain and keeps other captures apart', () => {
    const hours = ['a', 'b'].flatMap((s) =>
      Array.from(
        { length: s === 'a' ? 24 : 23 },
        (_, hour) => `h/${s}/2024-01-01T${String(hour).padStart(2, '0')}`,
      ),
    );
    const set = derive(
      {
        deps: { h: { path: 'h/{s}/{t:%Y-%m-%dT%H}', window: ['0d', '0d'] } },
        matrix: { t: ['2024-01-01'], s: ['a', 'b'] },
        outs: { o: 'o/{s}/{t:%Y-%m-%d}' },
      },
      hours,
    );
    expect(ids(set)).toEqual(['s=a&t=2024-01-01']);
    expect(set.waiting).toMatchObject([{ id: 's=b&t=2024-01-01', missing: ['h/b/2024-01-01T23'] }]);
  });
});

describe('outs', () => {
  test('must read back: a value that the path hides is refused', () => {
    expect(() => derive({ deps: { a: 'a/x{x}' }, outs: { o: 'o/{x}' } }, ['a/x..'])).toThrow(/x=\.\./);
    expect(() => derive({ deps: { a: 'a/{x}/{y}' }, outs: { o: 'o/{x}-{y}' } }, ['a/1-2/3'])).toThrow(
      /two readings/,
    );
    expect(() => derive({ deps: { a: 'a/{x}' }, outs: { o: 'o/{x:2}' } }, ['a/abc'])).toThrow(
      /doesn't read back/,
    );
    expect(() => derive({ deps: { a: 'a/x{x}' }, outs: { o: 'o/{x}' } }, ['a/x._y'])).toThrow(
      /doesn't read back/,
    );
  });

  test('have times by which datums can be selected', () => {
    expect(datumTimes(stageOf({ outs: { o: 'o/{s}/{b:%Y}/{a:%Y-%m}' } }))).toEqual(['a', 'b']);
    expect(labelPeriod('2024-02')).toEqual({ start: Date.UTC(2024, 1, 1), end: Date.UTC(2024, 2, 1) });
  });
});
