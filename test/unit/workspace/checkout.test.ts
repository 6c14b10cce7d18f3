import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { detachEditedLinks } from '../../../src/workspace/edited-link.ts';
import { readIndex } from '../../../src/workspace/stat-index.ts';
import { entryOf, HomeRig, problemOf, treeOf } from './fixture.ts';

async function rigWith(
  files: Readonly<Record<string, string>>,
): Promise<{ rig: HomeRig; entries: FileEntry[] }> {
  const rig = new HomeRig();
  const entries = await Promise.all(Object.entries(files).map(([path, text]) => rig.stored(path, text)));
  await rig.patch(entries, [], { trees: new Map([['stage:s:data', treeOf('1')]]) });
  return { rig, entries };
}

describe('checkout', () => {
  it('makes files as read-only links and records them', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a', 'data/sub/b.csv': 'bb' });
    expect(rig.read('data/sub/b.csv')).toBe('bb');
    expect(statSync(rig.at('data/a.csv')).mode & 0o222).toBe(0);
    const snapshot = await rig.snapshot();
    expect(snapshot.stale).toBe(false);
    expect(await rig.edits()).toEqual([]);
    expect(snapshot.index.listing()).toEqual(entries);
    expect([...snapshot.trees]).toEqual([['stage:s:data', treeOf('1')]]);
  });

  it('touches only what differs', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a', 'data/b.csv': 'b' });
    const before = lstatSync(rig.at('data/a.csv'));
    const changed = await rig.stored('data/b.csv', 'new');
    const result = await rig.patch([entries[0]!, changed]);
    expect(result).toEqual({ put: 1, removed: 0, kept: 1, bytes: 3 });
    const { ino, mtimeMs, ctimeMs } = lstatSync(rig.at('data/a.csv'));
    expect({ ino, mtimeMs, ctimeMs }).toEqual({
      ino: before.ino,
      mtimeMs: before.mtimeMs,
      ctimeMs: before.ctimeMs,
    });
    expect(rig.read('data/b.csv')).toBe('new');
    expect(await rig.edits()).toEqual([]);
  });

  it('writes nothing where all is as it is to be', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a' });
    const before = lstatSync(rig.indexFile);
    await rig.patch(entries, ['data/absent'], { trees: new Map([['stage:s:data', treeOf('1')]]) });
    expect(lstatSync(rig.indexFile).ino).toBe(before.ino);
    await rig.patch(entries, [], { trees: new Map([['stage:s:data', treeOf('2')]]) });
    expect(lstatSync(rig.indexFile).ino).not.toBe(before.ino);
  });

  it('removes files and the folders that this empties, and no others', async () => {
    const { rig } = await rigWith({ 'data/deep/er/a.csv': 'a', 'data/b.csv': 'b', 'data/with/c.csv': 'c' });
    rig.write('data/with/notes.txt', 'mine');
    const result = await rig.patch([], ['data/deep/er/a.csv', 'data/with/c.csv', 'data/absent.csv']);
    expect(result.removed).toBe(2);
    expect(readdirSync(rig.at('data')).sort()).toEqual(['b.csv', 'with']);
    expect(rig.read('data/with/notes.txt')).toBe('mine');
    expect(await rig.edits()).toEqual(['+ data/with/notes.txt']);
  });

  it('keeps owners that it does not name and drops those given as gone', async () => {
    const { rig } = await rigWith({ 'data/a.csv': 'a' });
    await rig.patch([], [], { trees: new Map([['pointer:data/x', treeOf('2')]]) });
    expect([...(readIndex(rig.indexFile)?.trees ?? [])]).toEqual([
      ['pointer:data/x', treeOf('2')],
      ['stage:s:data', treeOf('1')],
    ]);
    await rig.patch([], [], { trees: new Map([['stage:s:data', undefined]]) });
    expect([...(readIndex(rig.indexFile)?.trees ?? [])]).toEqual([['pointer:data/x', treeOf('2')]]);
  });

  it('records a file that is right already without touching it', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    const before = lstatSync(rig.at('data/a.csv')).mtimeMs;
    const result = await rig.patch([entryOf('data/a.csv', 'a')]);
    expect(result).toMatchObject({ put: 0, kept: 1 });
    expect(lstatSync(rig.at('data/a.csv')).mtimeMs).toBe(before);
    expect(await rig.edits()).toEqual([]);
  });

  it('continues where a crash left new files and the old index', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a', 'data/b.csv': 'b' });
    const next = await rig.stored('data/a.csv', 'next');
    const old = readFileSync(rig.indexFile);
    await rig.patch([next, entries[1]!], []);
    writeFileSync(rig.indexFile, old);
    expect(await rig.patch([next, entries[1]!])).toMatchObject({ put: 0, kept: 2 });
    expect(await rig.edits()).toEqual([]);
  });

  it('makes executables, symlinks and a home that is one file', async () => {
    const rig = new HomeRig('tool');
    await rig.patch([await rig.stored('tool', 'x', 'x')]);
    expect(statSync(rig.at('tool')).mode & 0o111).not.toBe(0);
    expect(await rig.edits()).toEqual([]);
    const other = new HomeRig();
    await other.patch([await other.stored('data/a', 'a'), await other.stored('data/l', 'a', 'l')]);
    expect(readlinkSync(other.at('data/l'))).toBe('a');
    expect(await other.edits()).toEqual([]);
  });

  it.each(['reflink', 'hardlink', 'symlink', 'copy'] as const)('leaves nothing edited by %s', async (way) => {
    const rig = new HomeRig();
    await rig.patch([await rig.stored('data/a', 'a'.repeat(100_000))], [], { links: [way] });
    expect(await rig.edits()).toEqual([]);
    expect((await rig.snapshot()).stale).toBe(false);
    expect((await rig.snapshot()).index.entry('data/a')?.size).toBe(100_000);
  });

  it('gives a writable file of its own, and links again', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a' });
    const [entry] = entries;
    await rig.patch([entry!], [], { editable: true });
    expect(statSync(rig.at('data/a.csv'))).toMatchObject({ nlink: 1 });
    expect(statSync(rig.at('data/a.csv')).mode & 0o200).toBe(0o200);
    expect(await rig.edits()).toEqual([]);
    await rig.patch([entry!], [], { relink: true });
    expect(statSync(rig.at('data/a.csv')).nlink).toBe(2);
    expect(await rig.edits()).toEqual([]);
  });
});

describe('unsaved data', () => {
  it.each<[string, (rig: HomeRig) => Promise<unknown>]>([
    ['overwrite', async (rig) => rig.patch([await rig.stored('data/a.csv', 'other')])],
    ['remove', (rig) => rig.patch([], ['data/a.csv'])],
    [
      'put a folder in place of',
      async (rig) => rig.patch([await rig.stored('data/a.csv/x', 'x')], ['data/a.csv']),
    ],
  ])('is refused when it would %s an edit', async (_, act) => {
    const { rig } = await rigWith({ 'data/a.csv': 'a' });
    rmSync(rig.at('data/a.csv'));
    rig.write('data/a.csv', 'edited');
    const problem = await problemOf(() => act(rig));
    expect([problem.code, problem.exit]).toEqual(['unsaved-data', 6]);
    expect(problem.message).toContain('data/a.csv');
    expect(problem.hint).toContain('--force');
    expect(rig.read('data/a.csv')).toBe('edited');
  });

  it('is given up with force', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a', 'data/b.csv': 'b' });
    rmSync(rig.at('data/a.csv'));
    rig.write('data/a.csv', 'edited');
    await rig.patch(entries, [], { force: true });
    expect(rig.read('data/a.csv')).toBe('a');
    expect(await rig.edits()).toEqual([]);
  });

  it('is nothing whose bytes the store has', async () => {
    const { rig, entries } = await rigWith({ 'data/a.csv': 'a' });
    await rig.stored('anywhere', 'edited');
    rmSync(rig.at('data/a.csv'));
    rig.write('data/a.csv', 'edited');
    await rig.patch(entries);
    expect(rig.read('data/a.csv')).toBe('a');
  });

  it('is named up to twenty times, and nothing is touched', async () => {
    const rig = new HomeRig();
    const wanted: FileEntry[] = [await rig.stored('data/fine.csv', 'fine')];
    for (let number = 10; number < 40; number++) {
      rig.write(`data/${number}.csv`, `mine ${number}`);
      wanted.push(await rig.stored(`data/${number}.csv`, `theirs ${number}`));
    }
    const problem = await problemOf(() => rig.patch(wanted));
    expect(problem.message).toContain('30 files');
    expect(problem.details).toHaveLength(20);
    expect(existsSync(rig.at('data/fine.csv'))).toBe(false);
  });

  it('is a file below a folder that stands where a file has to be', async () => {
    const rig = new HomeRig();
    rig.write('data/a/mine.txt', 'mine');
    const problem = await problemOf(async () => rig.patch([await rig.stored('data/a', 'a')]));
    expect(problem.message).toContain('data/a/mine.txt');
    await rig.patch([entryOf('data/a', 'a')], [], { force: true });
    expect(rig.read('data/a')).toBe('a');
    expect(await rig.edits()).toEqual([]);
  });

  it('is a symlink put in place of a folder', async () => {
    const { rig, entries } = await rigWith({ 'data/sub/a.csv': 'a' });
    rmSync(rig.at('data/sub'), { recursive: true });
    rig.write('elsewhere/a.csv', 'not yours');
    symlinkSync('../elsewhere', rig.at('data/sub'));
    expect((await problemOf(() => rig.patch(entries))).code).toBe('unsaved-data');
    await rig.patch(entries, [], { force: true });
    expect(rig.read('elsewhere/a.csv')).toBe('not yours');
    expect(rig.read('data/sub/a.csv')).toBe('a');
  });
});

describe('a version with folders where files were', () => {
  it('comes and goes', async () => {
    const { rig, entries } = await rigWith({ 'data/a': 'a', 'data/b/c': 'c' });
    await rig.patch(
      [await rig.stored('data/a/x', 'x'), await rig.stored('data/b', 'b')],
      ['data/a', 'data/b/c'],
    );
    expect([rig.read('data/a/x'), rig.read('data/b')]).toEqual(['x', 'b']);
    expect(await rig.edits()).toEqual([]);
    mkdirSync(rig.at('data/a/empty'));
    await rig.patch(entries, ['data/a/x', 'data/b']);
    expect([rig.read('data/a'), rig.read('data/b/c')]).toEqual(['a', 'c']);
    expect(await rig.edits()).toEqual([]);
  });
});

describe('objects', () => {
  it('are missed by their digest', async () => {
    const rig = new HomeRig();
    const problem = await problemOf(() => rig.patch([entryOf('data/a', 'nowhere')]));
    expect([problem.code, problem.exit]).toEqual(['missing-object', 4]);
  });

  it('damaged by an edit through a link give way to it as a file of its own', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    chmodSync(rig.at('data/a.csv'), 0o644);
    writeFileSync(rig.at('data/a.csv'), 'edited');
    const { edits, index } = await rig.snapshot();
    const digest = index.entry('data/a.csv')!.digest;
    const gone = detachEditedLinks({
      root: rig.root,
      storeFolder: rig.store.folder,
      files: new Map(edits.editedLinks.map((path) => [path, digest])),
    });
    expect(gone).toEqual([digest]);
    expect(rig.store.hasObjectSync(digest)).toBe(false);
    expect(statSync(rig.at('data/a.csv'))).toMatchObject({ nlink: 1 });
    await rig.add();
    expect(rig.read('data/a.csv')).toBe('edited');
    expect(await rig.edits()).toEqual([]);
  });
});

describe('recording', () => {
  it('forgets files without touching them', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    rig.write('data/b.csv', 'b');
    await rig.add();
    rmSync(rig.at('data/b.csv'));
    await rig.add();
    expect((await rig.snapshot()).files).toBe(1);
    expect(await rig.edits()).toEqual([]);
  });

  it('vouches for no file that may still change within the clock’s tick', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'aaaa');
    const future = 4_000_000_000;
    utimesSync(rig.at('data/a.csv'), future, future);
    await rig.patch([entryOf('data/a.csv', 'aaaa')]);
    const { mtimeMs } = statSync(rig.at('data/a.csv'));
    writeFileSync(rig.at('data/a.csv'), 'bbbb');
    utimesSync(rig.at('data/a.csv'), mtimeMs / 1000, mtimeMs / 1000);
    expect(await rig.edits()).toEqual(['~ data/a.csv']);
  });
});
