import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TEMP_PREFIX } from '../../../src/disk/atomic-file.ts';
import { walkFolder } from '../../../src/disk/walk.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import { makeFolder, type TestFolder } from './folder.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

describe('a walk', () => {
  it('lists files sorted by the bytes of their paths, and folders', () => {
    const names = ['a/x', 'a-b', 'a.csv', 'b/c/d', '\ufffd', '\u{1f600}', 'a/y/z'];
    for (const name of names) folder.write(name, '');
    mkdirSync(`${folder.root}/empty`);
    const walk = walkFolder({ root: folder.root, folder: '' });
    expect(walk.files).toEqual([...names].sort(compareBytes));
    expect([...walk.folders].sort()).toEqual(['', 'a', 'a/y', 'b', 'b/c', 'empty']);
    expect(walk.faults).toEqual([]);
  });

  it('of a folder below the root answers paths relative to the root', () => {
    folder.write('a/b/c', '');
    folder.write('d', '');
    expect(walkFolder({ root: folder.root, folder: 'a' }).files).toEqual(['a/b/c']);
  });

  it('of what is not there, or a file, has nothing', () => {
    folder.write('a', '');
    expect(walkFolder({ root: folder.root, folder: 'gone' })).toEqual({ files: [], folders: [], faults: [] });
    expect(walkFolder({ root: folder.root, folder: 'a' })).toEqual({ files: [], folders: [], faults: [] });
  });

  it('lists symlinks and follows none', () => {
    folder.write('d/a', '');
    symlinkSync('d', `${folder.root}/link`);
    symlinkSync('/', `${folder.root}/top`);
    expect(walkFolder({ root: folder.root, folder: '' }).files).toEqual(['d/a', 'link', 'top']);
  });

  it('leaves out what it is told to, and unfinished files', () => {
    folder.write('a/b', '');
    folder.write('c/.DS_Store', '');
    folder.write(`c/${TEMP_PREFIX}1`, '');
    folder.write('c/d', '');
    const seen: string[] = [];
    const walk = walkFolder({
      root: folder.root,
      folder: '',
      skip: (path, name, isFolder) => {
        seen.push(`${path} ${isFolder}`);
        return name === 'a' || name === '.DS_Store';
      },
    });
    expect(walk.files).toEqual(['c/d']);
    expect(seen).toEqual(['a true', 'c true', 'c/.DS_Store false', 'c/d false']);
  });

  it('tells names that are not valid UTF-8 and things that are no files', async () => {
    folder.write('good\ufffd', '');
    writeFileSync(Buffer.concat([Buffer.from(`${folder.root}/bad`), Buffer.from([0xff])]), '');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${folder.root}/socket`, resolve));
    const walk = walkFolder({ root: folder.root, folder: '' });
    expect(walk.files).toEqual(['good\ufffd']);
    expect(walk.faults).toEqual([
      { path: 'bad\ufffd', fault: 'is not valid UTF-8' },
      { path: 'socket', fault: 'is a socket' },
    ]);
    server.close();
  });
});
