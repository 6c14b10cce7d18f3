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
import { digestAt, kindAt, WAY } from '../../../src/disk/file-columns.ts';
import { hashFiles, ingestFiles, type IngestOptions } from '../../../src/disk/hash-pool.ts';
import { isSealed } from '../../../src/disk/object-file.ts';
import { digestOf, makeFolder, type TestFolder } from './folder.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

type Mode = IngestOptions['mode'];

function ingest(
  paths: string[],
  mode: Mode,
  more: Partial<IngestOptions> = {},
): ReturnType<typeof ingestFiles> {
  return ingestFiles({
    root: folder.root,
    paths,
    storeFolder: folder.store,
    mode,
    links: ['hardlink', 'copy'],
    ...more,
  });
}

describe('hashing files', () => {
  it('gives digest, kind and stat of each', async () => {
    folder.write('a/one.csv', 'one');
    folder.write('run.sh', 'two', 0o755);
    const columns = await hashFiles({ root: folder.root, paths: ['a/one.csv', 'run.sh'] });
    const stat = lstatSync(`${folder.root}/a/one.csv`);
    expect([digestAt(columns, 0), digestAt(columns, 1)]).toEqual([digestOf('one'), digestOf('two')]);
    expect([kindAt(columns, 0), kindAt(columns, 1)]).toEqual(['f', 'x']);
    expect([columns.sizes[0], columns.mtimes[0], columns.inos[0]]).toEqual([3, stat.mtimeMs, stat.ino]);
  });

  it.each([0, 1, 4095, 1 << 20, (1 << 20) + 1, 3 << 20])('hashes %i bytes', async (size) => {
    folder.write('file', 'x'.repeat(size));
    const columns = await hashFiles({ root: folder.root, paths: ['file'] });
    expect(digestAt(columns, 0)).toBe(digestOf('x'.repeat(size)));
  });

  it('says of what is gone or no file that there is none', async () => {
    mkdirSync(`${folder.root}/folder`);
    const columns = await hashFiles({ root: folder.root, paths: ['folder', 'gone', 'folder/gone'] });
    expect([0, 1, 2].map((index) => kindAt(columns, index))).toEqual([undefined, undefined, undefined]);
  });

  it('takes a symlink that stays inside as its text', async () => {
    symlinkSync('../one', `${folder.write('a/x', '')}.link`);
    const columns = await hashFiles({ root: folder.root, paths: ['a/x.link'] });
    expect([kindAt(columns, 0), digestAt(columns, 0), columns.sizes[0]]).toEqual([
      'l',
      digestOf('../one'),
      6,
    ]);
  });

  it.each(['../../outside', '/etc/passwd', '..'])('refuses a symlink to %s', async (target) => {
    symlinkSync(target, `${folder.root}/link`);
    const hashing = hashFiles({ root: folder.root, paths: ['link'] });
    await expect(hashing).rejects.toMatchObject({ code: 'outside-link', exit: 2 });
  });

  it('gives the same in several threads', async () => {
    const paths = Array.from({ length: 500 }, (_, index) => `d${index % 9}/f${index}`);
    for (const path of paths) folder.write(path, path);
    const progress: number[] = [];
    const columns = await hashFiles({
      root: folder.root,
      paths,
      threads: 2,
      onProgress: (files) => progress.push(files),
    });
    expect(paths.map((_, index) => digestAt(columns, index))).toEqual(paths.map(digestOf));
    expect(progress.at(-1)).toBe(500);
  });

  it('tells a problem of another thread as it is', async () => {
    symlinkSync('/etc/passwd', `${folder.root}/link`);
    const hashing = hashFiles({ root: folder.root, paths: ['link', 'gone', 'gone'], threads: 2 });
    await expect(hashing).rejects.toMatchObject({ name: 'Problem', code: 'outside-link', exit: 2 });
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(hashFiles({ root: folder.root, paths: ['a'], signal })).rejects.toThrow('stopped');
  });
});

describe('ingesting by link', () => {
  it('makes the file and the object one read-only inode', async () => {
    const file = folder.write('one.csv', 'one');
    const columns = await ingest(['one.csv'], 'link');
    const [stat, object] = [lstatSync(file), lstatSync(folder.object(digestOf('one')))];
    expect(stat.ino).toBe(object.ino);
    expect(stat.mode & 0o777).toBe(0o444);
    expect([columns.ways[0], columns.inos[0], columns.mtimes[0]]).toEqual([
      WAY.hardlink,
      stat.ino,
      stat.mtimeMs,
    ]);
  });

  it('keeps the second of the time and never moves it ahead', async () => {
    const file = folder.write('one.csv', 'one');
    utimesSync(file, 1_700_000_000, 1_700_000_000.25);
    await ingest(['one.csv'], 'link');
    expect(lstatSync(file).mtimeMs).toBeLessThanOrEqual(1_700_000_000_250);
    expect(lstatSync(file).mtimeMs).toBeGreaterThan(1_699_999_999_250);
  });

  it('makes a file of bytes that are held already a link to them', async () => {
    folder.write('one', 'same');
    folder.write('two', 'same');
    const columns = await ingest(['one', 'two'], 'link');
    expect(columns.inos[1]).toBe(columns.inos[0]);
    expect(lstatSync(`${folder.root}/two`).nlink).toBe(3);
  });

  it('again changes nothing', async () => {
    folder.write('one', 'same');
    const first = await ingest(['one'], 'link');
    const second = await ingest(['one'], 'link');
    expect(second.mtimes[0]).toBe(first.mtimes[0]);
    expect(lstatSync(`${folder.root}/one`).nlink).toBe(2);
  });

  it('keeps an executable apart from its object', async () => {
    folder.write('plain', 'bytes');
    folder.write('run.sh', 'bytes', 0o755);
    const columns = await ingest(['plain', 'run.sh'], 'link');
    expect(kindAt(columns, 1)).toBe('x');
    expect(lstatSync(`${folder.root}/run.sh`).mode & 0o777).toBe(0o555);
    expect(columns.inos[1]).not.toBe(columns.inos[0]);
    expect(lstatSync(folder.object(digestOf('bytes'))).mode & 0o777).toBe(0o444);
  });

  it('puts a damaged object aside and stores the file', async () => {
    folder.write('one', 'good');
    await ingest(['one'], 'copy');
    const object = folder.object(digestOf('good'));
    chmodSync(object, 0o644);
    writeFileSync(object, 'evil');
    await ingest(['one'], 'link');
    expect(readFileSync(object, 'utf8')).toBe('good');
    expect(readdirSync(`${folder.store}/quarantine`)).toHaveLength(1);
  });

  it('copies where links are not wanted, and makes the file read-only', async () => {
    const file = folder.write('one', 'one');
    const columns = await ingest(['one'], 'link', { links: ['copy'] });
    expect(columns.ways[0]).toBe(WAY.copy);
    expect(lstatSync(file).nlink).toBe(1);
    expect(lstatSync(file).mode & 0o777).toBe(0o444);
  });

  it('can leave a symlink to the object, which counts as the file', async () => {
    const file = folder.write('one', 'one');
    await ingest(['one'], 'link', { links: ['symlink'] });
    expect(readlinkSync(file)).toBe(folder.object(digestOf('one')));
    const columns = await hashFiles({ root: folder.root, paths: ['one'], storeFolder: folder.store });
    expect([kindAt(columns, 0), digestAt(columns, 0), columns.ways[0]]).toEqual([
      'f',
      digestOf('one'),
      WAY.symlink,
    ]);
  });

  it('stores the text of a symlink', async () => {
    symlinkSync('one', `${folder.root}/link`);
    await ingest(['link'], 'link');
    expect(readFileSync(folder.object(digestOf('one')), 'utf8')).toBe('one');
    expect(lstatSync(`${folder.root}/link`).isSymbolicLink()).toBe(true);
  });

  it('works in several threads, also on equal files', async () => {
    const paths = Array.from({ length: 600 }, (_, index) => `d${index % 7}/f${index}`);
    for (const [index, path] of paths.entries()) folder.write(path, `content ${index % 50}`);
    const columns = await ingest(paths, 'link', { threads: 2 });
    expect(paths.map((_, index) => digestAt(columns, index))).toEqual(
      paths.map((_, index) => digestOf(`content ${index % 50}`)),
    );
    expect(new Set(columns.inos).size).toBe(50);
    expect(readdirSync(`${folder.store}/tmp`)).toEqual([]);
  });
});

describe('ingesting by move and by copy', () => {
  it('moves the file into the store', async () => {
    const file = folder.write('out', 'made', 0o755);
    const columns = await ingest(['out'], 'move');
    expect([existsSync(file), kindAt(columns, 0)]).toEqual([false, 'x']);
    const object = lstatSync(folder.object(digestOf('made')));
    expect(object.mode & 0o777).toBe(0o444);
    expect(isSealed(object, digestOf('made'))).toBe(true);
  });

  it('drops a moved file whose bytes are held', async () => {
    folder.write('a', 'made');
    folder.write('b', 'made');
    await ingest(['a', 'b'], 'move');
    expect(readdirSync(folder.root)).toEqual([]);
  });

  it('leaves a copied file as it is', async () => {
    const file = folder.write('a', 'mine');
    const before = lstatSync(file);
    await ingest(['a'], 'copy');
    const after = lstatSync(file);
    expect([after.ino, after.mode, after.mtimeMs, after.nlink]).toEqual([
      before.ino,
      before.mode,
      before.mtimeMs,
      1,
    ]);
    expect(readFileSync(folder.object(digestOf('mine')), 'utf8')).toBe('mine');
  });

  it('copies what is larger than the buffer', async () => {
    const text = 'large'.repeat(400_000);
    folder.write('a', text);
    await ingest(['a'], 'copy');
    expect(readFileSync(folder.object(digestOf(text)), 'utf8')).toBe(text);
  });
});
