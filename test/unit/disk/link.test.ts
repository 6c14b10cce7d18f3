import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WAY } from '../../../src/disk/file-columns.ts';
import { ingestFiles } from '../../../src/disk/hash-pool.ts';
import {
  materialiseFiles,
  removeFiles,
  type MaterialiseOptions,
  type PlaceEntry,
} from '../../../src/disk/link.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { digestOf, makeFolder, type TestFolder } from './folder.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

/** Stores a text and answers an entry for it. */
async function stored(path: string, text: string, kind: PlaceEntry['kind'] = 'f'): Promise<PlaceEntry> {
  mkdirSync(`${folder.path}/aside`, { recursive: true });
  writeFileSync(`${folder.path}/aside/file`, text);
  await ingestFiles({
    root: `${folder.path}/aside`,
    paths: ['file'],
    storeFolder: folder.store,
    mode: 'move',
  });
  return { path, kind, digest: digestOf(text), size: Buffer.byteLength(text) };
}

function place(
  entries: PlaceEntry[],
  more: Partial<MaterialiseOptions> = {},
): ReturnType<typeof materialiseFiles> {
  return materialiseFiles({
    root: folder.root,
    storeFolder: folder.store,
    entries,
    links: ['hardlink', 'copy'],
    ...more,
  });
}

describe('materialising', () => {
  it('links a file to its object, in folders that it makes', async () => {
    const columns = await place([await stored('a/b/one', 'one')]);
    const stat = lstatSync(`${folder.root}/a/b/one`);
    expect(stat.ino).toBe(lstatSync(folder.object(digestOf('one'))).ino);
    expect([columns.inos[0], columns.mtimes[0], columns.ways[0]]).toEqual([
      stat.ino,
      stat.mtimeMs,
      WAY.hardlink,
    ]);
  });

  it('replaces a file, a symlink and an empty folder', async () => {
    folder.write('a', 'old');
    symlinkSync('a', `${folder.root}/b`);
    mkdirSync(`${folder.root}/c`);
    const one = await stored('a', 'new');
    await place([one, { ...one, path: 'b' }, { ...one, path: 'c' }]);
    expect(['a', 'b', 'c'].map((name) => lstatSync(`${folder.root}/${name}`).isFile())).toEqual([
      true,
      true,
      true,
    ]);
    expect(readdirSync(folder.root)).toEqual(['a', 'b', 'c']);
  });

  it('again changes nothing', async () => {
    const one = await stored('a', 'new');
    await place([one]);
    await place([one]);
    expect(lstatSync(`${folder.root}/a`).nlink).toBe(2);
    expect(readdirSync(`${folder.store}/tmp`)).toEqual([]);
  });

  it('copies read-only, executables too', async () => {
    const entries = [await stored('a', 'plain'), await stored('b', 'script', 'x')];
    const columns = await place(entries, { links: ['copy'] });
    expect(lstatSync(`${folder.root}/a`).mode & 0o777).toBe(0o444);
    expect(lstatSync(`${folder.root}/b`).mode & 0o777).toBe(0o555);
    expect([...columns.ways]).toEqual([WAY.copy, WAY.copy]);
  });

  it('never links an executable', async () => {
    await place([await stored('b', 'script', 'x')]);
    expect(lstatSync(`${folder.root}/b`)).toMatchObject({ nlink: 1 });
  });

  it('makes writable files when asked for', async () => {
    await place([await stored('a', 'plain'), await stored('b', 'script', 'x')], { editable: true });
    expect(lstatSync(`${folder.root}/a`)).toMatchObject({ nlink: 1 });
    expect(lstatSync(`${folder.root}/a`).mode & 0o777).toBe(0o644);
    expect(lstatSync(`${folder.root}/b`).mode & 0o777).toBe(0o755);
  });

  it('makes symlinks to the store when told to', async () => {
    const columns = await place([await stored('a', 'plain')], { links: ['symlink'] });
    expect(readlinkSync(`${folder.root}/a`)).toBe(folder.object(digestOf('plain')));
    expect(columns.ways[0]).toBe(WAY.symlink);
  });

  it('falls back to the next way where one cannot be had', async () => {
    const large = await stored('a', 'x'.repeat(100_000));
    await place([large], { links: ['reflink', 'hardlink'] });
    expect(folder.read('a')).toHaveLength(100_000);
  });

  it('makes the symlinks of a tree', async () => {
    await place([await stored('d/link', '../a', 'l')]);
    expect(readlinkSync(`${folder.root}/d/link`)).toBe('../a');
  });

  it('refuses symlinks of a tree that lead outside', async () => {
    const link = await stored('d/link', '../../a', 'l');
    await expect(place([link])).rejects.toMatchObject({ code: 'outside-link', exit: 2 });
    await expect(place([link], { inside: folder.path })).resolves.toBeDefined();
  });

  it('refuses to write through a symlinked folder that leads outside', async () => {
    mkdirSync(`${folder.path}/elsewhere`);
    symlinkSync('../elsewhere', `${folder.root}/d`);
    const one = await stored('d/one', 'one');
    await expect(place([one])).rejects.toMatchObject({ code: 'folder-outside', exit: 2 });
    expect(readdirSync(`${folder.path}/elsewhere`)).toEqual([]);
  });

  it('names the path whose object is missing', async () => {
    const placing = place([{ path: 'a', kind: 'f', digest: 'f'.repeat(64) as Digest, size: 1 }]);
    await expect(placing).rejects.toMatchObject({
      code: 'missing-object',
      exit: 4,
      message: expect.stringMatching(/^a needs/),
    });
  });

  it('refuses to replace a folder with something in it', async () => {
    folder.write('a/b', 'mine');
    await expect(place([await stored('a', 'x')])).rejects.toMatchObject({
      code: 'folder-in-the-way',
      exit: 6,
    });
    expect(folder.read('a/b')).toBe('mine');
  });

  it('refuses to make a folder of a file', async () => {
    folder.write('a', 'mine');
    await expect(place([await stored('a/b', 'x')])).rejects.toMatchObject({
      code: 'file-in-the-way',
      exit: 6,
    });
    expect(folder.read('a')).toBe('mine');
  });

  it('works in several threads', async () => {
    const one = await stored('x', 'one');
    const entries = Array.from({ length: 700 }, (_, index) => ({ ...one, path: `d${index % 8}/f${index}` }));
    const columns = await place(entries, { threads: 2 });
    expect(entries.every((entry) => folder.read(entry.path) === 'one')).toBe(true);
    expect(columns.inos.every((ino) => ino === columns.inos[0])).toBe(true);
  });
});

describe('an object whose stat is not as it was stored', () => {
  it.each([
    ['and was written to as root may, with its mode kept', (file: string) => rewrite(file, 'onE')],
    ['and was made longer', (file: string) => rewrite(file, 'one more')],
  ])('%s is put aside and never linked', async (_, damage) => {
    const one = await stored('a', 'one');
    damage(folder.object(one.digest));
    await expect(place([one])).rejects.toMatchObject({ code: 'corrupt-object', exit: 7 });
    expect(existsSync(`${folder.root}/a`)).toBe(false);
    expect(existsSync(folder.object(one.digest))).toBe(false);
    expect(readdirSync(`${folder.store}/quarantine`)).toHaveLength(1);
  });

  it('but has the right bytes is sealed again and used', async () => {
    const one = await stored('a', 'one');
    const object = folder.object(one.digest);
    chmodSync(object, 0o644);
    utimesSync(object, 1_700_000_000, 1_700_000_000);
    await place([one]);
    expect(folder.read('a')).toBe('one');
    expect(lstatSync(object).mode & 0o777).toBe(0o444);
    const { mtimeMs } = lstatSync(object);
    await place([{ ...one, path: 'b' }]);
    expect(lstatSync(object).mtimeMs).toBe(mtimeMs);
  });

  it('and has another size than the tree says is told apart', async () => {
    const one = await stored('a', 'one');
    await expect(place([{ ...one, size: 4 }])).rejects.toMatchObject({ code: 'wrong-size', exit: 7 });
    expect(existsSync(folder.object(one.digest))).toBe(true);
  });
});

describe('removing', () => {
  it('removes files and the folders that it empties, never the root', async () => {
    folder.write('a/b/c', '');
    folder.write('a/d', '');
    folder.write('e/f', '');
    await removeFiles({ root: folder.root, paths: ['a/b/c', 'e/f', 'gone', 'gone/too'] });
    expect(readdirSync(folder.root)).toEqual(['a']);
    expect(readdirSync(`${folder.root}/a`)).toEqual(['d']);
    await removeFiles({ root: folder.root, paths: ['a/d'] });
    expect(readdirSync(folder.root)).toEqual([]);
  });

  it('leaves folders alone that have the name of a file', async () => {
    folder.write('a/b', 'mine');
    await removeFiles({ root: folder.root, paths: ['a'] });
    expect(folder.read('a/b')).toBe('mine');
  });

  it('removes a symlink, not what it leads to', async () => {
    folder.write('a', 'mine');
    symlinkSync('a', `${folder.root}/b`);
    await removeFiles({ root: folder.root, paths: ['b'] });
    expect(readdirSync(folder.root)).toEqual(['a']);
  });

  it('refuses to go through a symlinked folder that leads outside', async () => {
    mkdirSync(`${folder.path}/elsewhere`);
    writeFileSync(`${folder.path}/elsewhere/a`, 'mine');
    symlinkSync('../elsewhere', `${folder.root}/d`);
    const removing = removeFiles({ root: folder.root, paths: ['d/a'] });
    await expect(removing).rejects.toMatchObject({ code: 'folder-outside' });
    expect(readFileSync(`${folder.path}/elsewhere/a`, 'utf8')).toBe('mine');
  });
});

function rewrite(file: string, text: string): void {
  const { mode } = lstatSync(file);
  chmodSync(file, 0o644);
  writeFileSync(file, text);
  chmodSync(file, mode & 0o777);
}
