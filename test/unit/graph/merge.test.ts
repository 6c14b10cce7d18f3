import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeAddedFiles, mergeRowFiles } from '../../../src/graph/merge-files.ts';
import { mergeRow, mergeStageFacts, mergeStages, sideToTake, type Sides } from '../../../src/graph/merge.ts';
import type { DatumRow } from '../../../src/model/datum.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import type { Lock, LockStage } from '../../../src/model/lock.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';
import { digestHex } from '../../../src/util/blake3.ts';

const digest = (text: string): Digest => digestHex(text) as Digest;

/** A row made from input `key` with the result `result`; none was ever good without a key. */
function row(key: string | undefined, { state = 'ok', result = key, code = 'c' } = {}): DatumRow {
  if (key === undefined)
    return { state: 'failed', input: undefined, code: undefined, result: undefined, captures: 'd=1' };
  return {
    state: state as DatumRow['state'],
    input: digest(key),
    code: digest(code),
    result: digest(`result ${result ?? ''}`),
    captures: 'd=1',
  };
}

const anyRow: fc.Arbitrary<DatumRow | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant(row(undefined)),
  fc
    .record({
      key: fc.constantFrom('a', 'b', 'c'),
      state: fc.constantFrom('ok', 'failed'),
      result: fc.constantFrom('x', 'y'),
      code: fc.constantFrom('1', '2'),
    })
    .map(({ key, ...rest }) => row(key, rest)),
);
const anyTable = fc.dictionary(fc.constantFrom('p', 'q', 'r', 's', 't'), anyRow);
type Table = Readonly<Record<string, DatumRow | undefined>>;

function mergeTables(base: Table, ours: Table, theirs: Table): Table {
  const merged: Record<string, DatumRow | undefined> = {};
  for (const id of ['p', 'q', 'r', 's', 't']) {
    const { row: one } = mergeRow({ base: base[id], ours: ours[id], theirs: theirs[id] });
    if (one !== undefined) merged[id] = one;
  }
  return merged;
}

const full = (table: Table): Table =>
  Object.fromEntries(Object.entries(table).filter(([, one]) => one !== undefined));

describe('merging rows', () => {
  test('gives the other side where one changed nothing, and itself where both are alike', () => {
    fc.assert(
      fc.property(anyTable, anyTable, (a, b) => {
        expect(mergeTables(a, a, b)).toEqual(full(b));
        expect(mergeTables(a, b, a)).toEqual(full(b));
        expect(mergeTables(a, b, b)).toEqual(full(b));
      }),
    );
  });

  test('gives the same from either side but where ours is kept', () => {
    fc.assert(
      fc.property(anyRow, anyRow, anyRow, (base, a, b) => {
        const here = mergeRow({ base, ours: a, theirs: b });
        const there = mergeRow({ base, ours: b, theirs: a });
        expect(here.row?.state).toBe(there.row?.state);
        expect(here.contested).toBe(there.contested);
        if (here.contested) expect([here.row?.result, there.row?.result]).toEqual([a?.result, b?.result]);
        else expect([here.row?.input, here.row?.code]).toEqual([there.row?.input, there.row?.code]);
      }),
    );
  });

  test('never invents: what is kept is what one side has, and never good is never ok', () => {
    fc.assert(
      fc.property(anyRow, anyRow, anyRow, (base, ours, theirs) => {
        const { row: merged } = mergeRow({ base, ours, theirs });
        const same = (one: DatumRow | undefined): boolean =>
          one?.result === merged?.result && one?.input === merged?.input && one?.code === merged?.code;
        expect(same(ours) || same(theirs)).toBe(true);
        if (merged?.result === undefined) expect(merged?.state).not.toBe('ok');
      }),
    );
  });

  test('changes of different rows commute, and come together in any order', () => {
    const disjoint = fc.record({
      base: anyTable,
      all: anyTable,
      owner: fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
    });
    fc.assert(
      fc.property(disjoint, ({ base, all, owner }) => {
        const edit = (who: number): Table => {
          const table: Record<string, DatumRow | undefined> = { ...base };
          ['p', 'q', 'r', 's', 't'].forEach((id, index) => {
            if (owner[index] === who) table[id] = all[id];
          });
          return table;
        };
        const [a, b, c] = [edit(0), edit(1), edit(2)];
        expect(mergeTables(base, a, b)).toEqual(mergeTables(base, b, a));
        const left = mergeTables(base, mergeTables(base, a, b), c);
        expect(left).toEqual(mergeTables(base, a, mergeTables(base, b, c)));
        expect(left).toEqual(
          full({ ...base, ...Object.fromEntries(['p', 'q', 'r', 's', 't'].map((id) => [id, all[id]])) }),
        );
      }),
    );
  });
});

describe('a row', () => {
  const merge = (base: DatumRow | undefined, ours: DatumRow | undefined, theirs: DatumRow | undefined) =>
    mergeRow({ base, ours, theirs });

  test('with equal keys and other bytes keeps ours', () => {
    const ours = row('k', { result: 'one' });
    expect(merge(row('old'), ours, row('k', { result: 'two' }))).toEqual({
      row: ours,
      files: 'ours',
      contested: false,
    });
  });

  test('that both made from different inputs keeps ours, for the next plan to judge', () => {
    const ours = row('a');
    expect(merge(row('old'), ours, row('b'))).toEqual({ row: ours, files: 'ours', contested: true });
    expect(merge(undefined, ours, row('b'))).toMatchObject({ row: ours, contested: true });
  });

  test('that one side changed and the other removed stays', () => {
    expect(merge(row('old'), row('new'), undefined)).toMatchObject({ row: row('new'), files: 'ours' });
    expect(merge(row('old'), undefined, row('new'))).toMatchObject({ row: row('new'), files: 'theirs' });
  });

  test('that one side removed and the other left alone goes', () => {
    expect(merge(row('old'), undefined, row('old'))).toMatchObject({ row: undefined, files: 'ours' });
    expect(merge(row('old'), row('old'), undefined)).toMatchObject({ row: undefined, files: 'theirs' });
  });

  test('that was good on one side alone takes the good one, to be tried again', () => {
    expect(merge(undefined, row(undefined), row('k')).row).toEqual(row('k', { state: 'failed' }));
    expect(merge(undefined, row('k'), row(undefined)).row).toEqual(row('k', { state: 'failed' }));
  });

  test('that failed on one side keeps the mark and takes the new result of the other', () => {
    const base = row('old');
    expect(merge(base, row('old', { state: 'failed' }), row('new'))).toEqual({
      row: row('new', { state: 'failed' }),
      files: 'theirs',
      contested: false,
    });
  });

  test('that one side repaired loses its mark', () => {
    const base = row('old', { state: 'failed' });
    expect(merge(base, row('new'), base).row).toEqual(row('new'));
    expect(merge(base, row('new'), row('newer', { state: 'failed' })).row).toEqual(row('new'));
  });
});

const STAGE: LockStage = {
  code: digest('code'),
  inputs: new Map([['raw', digest('raw')]]),
  datums: { table: digest('table'), count: 1, failed: 0 },
  outs: new Map(),
  accepted: new Map(),
};
const lock = (stages: Readonly<Record<string, LockStage>>): Lock => ({
  stages: new Map(Object.entries(stages)),
});
const other: LockStage = { ...STAGE, code: digest('other') };
const third: LockStage = { ...STAGE, code: digest('third') };

describe('entries', () => {
  test('of different stages merge without a look at their rows', () => {
    const { settled, open } = mergeStages({
      base: lock({ a: STAGE, b: STAGE, c: STAGE }),
      ours: lock({ a: other, b: STAGE, c: STAGE, new: STAGE }),
      theirs: lock({ b: third, a: STAGE }),
    });
    expect([...open]).toEqual([]);
    expect(new Map([...settled].sort())).toEqual(
      new Map([
        ['a', other],
        ['b', third],
        ['new', STAGE],
      ]),
    );
  });

  test('that both sides changed alike are settled, those changed otherwise are open', () => {
    const { settled, open } = mergeStages({
      base: lock({ a: STAGE, b: STAGE }),
      ours: lock({ a: other, b: other }),
      theirs: lock({ b: third, a: { ...other } }),
    });
    expect([...settled.keys()]).toEqual(['a']);
    expect([...open]).toEqual([['b', { base: STAGE, ours: other, theirs: third }]]);
  });

  test('that one side deleted and the other changed stay', () => {
    const { settled } = mergeStages({ base: lock({ a: STAGE }), ours: lock({}), theirs: lock({ a: other }) });
    expect(settled.get('a')).toEqual(other);
  });

  test('take the code of the side that changed it, and keep inputs only where both agree', () => {
    expect(mergeStageFacts({ base: STAGE, ours: STAGE, theirs: other })).toMatchObject({
      code: other.code,
      inputs: undefined,
    });
    expect(mergeStageFacts({ base: undefined, ours: STAGE, theirs: STAGE }).inputs).toEqual(STAGE.inputs);
    const elsewhere = { ...STAGE, inputs: new Map([['raw', digest('more')]]) };
    expect(mergeStageFacts({ base: undefined, ours: STAGE, theirs: elsewhere }).inputs).toBeUndefined();
  });

  test('have what either side accepted', () => {
    const accept = (as: string) => ({ as: digest(as), by: 'Ada <ada@example.org>', reason: 'moved' });
    const one = { ...STAGE, accepted: new Map([[digest('1'), accept('x')]]) };
    const two = {
      ...STAGE,
      accepted: new Map([
        [digest('2'), accept('y')],
        [digest('1'), accept('z')],
      ]),
    };
    expect(mergeStageFacts({ base: STAGE, ours: one, theirs: two }).accepted).toEqual(
      new Map([
        [digest('1'), accept('x')],
        [digest('2'), accept('y')],
      ]),
    );
  });
});

const file = (path: string, text = path): FileEntry => ({ path, kind: 'f', digest: digest(text), size: 1 });

describe('files of rows', () => {
  /** `sides`: o where ours has it, t where theirs has. */
  const change = (path: string, sides: string) => ({
    path: `data/${path}`,
    treePath: path,
    ours: sides.includes('o'),
    theirs: sides.includes('t'),
  });
  /** The first folder below data names the row. */
  const rules =
    (sides: Readonly<Record<string, 'ours' | 'theirs' | 'both'>>) =>
    (_: string, path: string): 'ours' | 'theirs' | 'both' | undefined =>
      sides[path.split('/')[1]!];

  test('go with their row', () => {
    const merged = mergeRowFiles(
      [change('a/1', 'ot'), change('a/2', 'o'), change('b/1', 'ot'), change('b/2', 't'), change('c/1', 't')],
      rules({ a: 'theirs', b: 'ours', c: 'theirs' }),
    );
    expect(merged).toEqual({
      put: [change('a/1', 'ot'), change('c/1', 't')],
      remove: [change('a/2', 'o')],
      conflicts: [],
    });
  });

  test('that differ although no row does are a conflict that names them', () => {
    expect(mergeRowFiles([change('a/1', 'ot')], rules({ a: 'both' })).conflicts).toContain(
      'data/a/1 differs, and no datum that made it does',
    );
    expect(mergeRowFiles([change('a/1', 'o')], rules({})).conflicts).toHaveLength(1);
  });

  test('of two rows at one path are a conflict', () => {
    const merged = mergeRowFiles([change('a', 'ot')], (side) => side);
    expect(merged.conflicts).toEqual(['data/a belongs to two datums']);
  });

  test('of which one side has a folder where the other has a file are a conflict', () => {
    const merged = mergeRowFiles([change('a', 'o'), change('a/b', 't')], (side) => side);
    expect(merged.conflicts).toEqual(['data/a/b lies in "a", which is a file']);
  });
});

describe('files added by hand', () => {
  const anyFiles = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3'));
  type Files = Readonly<Record<string, string>>;
  const merge = (versions: { base: Files; ours: Files; theirs: Files }, prefer?: 'ours' | 'theirs') => {
    const { base, ours, theirs } = versions;
    const at = (files: Files, path: string): FileEntry | undefined =>
      files[path] === undefined ? undefined : file(path, files[path]);
    const changes = ['a', 'b', 'c', 'd'].map((path) => ({
      path: `data/${path}` as RepoPath,
      base: at(base, path),
      ours: at(ours, path),
      theirs: at(theirs, path),
    }));
    const { put, remove, conflicts } = mergeAddedFiles(changes, prefer);
    const merged = new Map(
      ['a', 'b', 'c', 'd'].flatMap((path) => (ours[path] === undefined ? [] : [[path, digest(ours[path])]])),
    );
    for (const path of remove) merged.delete(path);
    for (const entry of put) merged.set(entry.path, entry.digest);
    return { files: new Map([...merged].sort()), conflicts };
  };
  const listed = (files: Files) =>
    new Map(
      Object.entries(files)
        .map(([path, text]) => [path, digest(text)] as const)
        .sort(),
    );

  test('give the other side where one changed nothing', () => {
    fc.assert(
      fc.property(anyFiles, anyFiles, (a, b) => {
        expect(merge({ base: a, ours: a, theirs: b })).toEqual({ files: listed(b), conflicts: [] });
        expect(merge({ base: a, ours: b, theirs: a })).toEqual({ files: listed(b), conflicts: [] });
      }),
    );
  });

  test('conflict alike from either side, and else give the same', () => {
    fc.assert(
      fc.property(anyFiles, anyFiles, anyFiles, (base, a, b) => {
        const here = merge({ base, ours: a, theirs: b });
        const there = merge({ base, ours: b, theirs: a });
        expect(here.conflicts.length).toBe(there.conflicts.length);
        if (here.conflicts.length === 0) expect(here.files).toEqual(there.files);
        expect(merge({ base, ours: a, theirs: b }, 'theirs').files).toEqual(
          merge({ base, ours: b, theirs: a }, 'ours').files,
        );
      }),
    );
  });

  test('say for each conflict what both sides did', () => {
    const { conflicts } = merge({
      base: { a: '1', b: '1', c: '1' },
      ours: { a: '2', c: '2', d: '1' },
      theirs: { a: '3', b: '2', d: '2' },
    });
    expect(conflicts).toEqual([
      'data/a was changed by both sides, each otherwise',
      'data/b was deleted by ours and changed by theirs',
      'data/c was changed by ours and deleted by theirs',
      'data/d was added by both sides, each with other content',
    ]);
  });

  test('a file on one side that is a folder on the other is a conflict', () => {
    const none: Sides<FileEntry> = { base: undefined, ours: undefined, theirs: undefined };
    const { conflicts } = mergeAddedFiles(
      [
        { ...none, path: 'data/a', ours: file('a') },
        { ...none, path: 'data/a/b', theirs: file('a/b') },
      ],
      undefined,
    );
    expect(conflicts).toEqual(['data/a/b lies in "a", which is a file']);
  });
});

test('a side is taken where the other changed nothing', () => {
  const take = (base?: string, ours?: string, theirs?: string) =>
    sideToTake({ base, ours, theirs }, Object.is);
  expect([take('a', 'a', 'b'), take('a', 'b', 'a'), take('a', 'b', 'b'), take('a', 'b', 'c')]).toEqual([
    'theirs',
    'ours',
    'both',
    undefined,
  ]);
  expect([take(undefined, 'a', 'b'), take('a', undefined, 'a')]).toEqual([undefined, 'ours']);
});
