import { once } from 'node:events';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { editsFile, scanHome } from '../../../src/workspace/snapshot.ts';
import { entryOf, HomeRig, problemOf, treeOf } from './fixture.ts';

describe('a home compared with its index', () => {
  it('has everything added where there is no index', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    rig.write('data/deep/er/b.csv', 'b');
    const snapshot = await rig.snapshot();
    expect(snapshot.known).toBe(false);
    expect(snapshot.edits.added).toEqual([entryOf('data/a.csv', 'a'), entryOf('data/deep/er/b.csv', 'b')]);
  });

  it('has no edits where the home was never there', async () => {
    expect(await new HomeRig().edits()).toEqual([]);
  });

  it('has no edits after recording, and tells what was recorded', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    rig.write('data/sub/b.csv', 'bb');
    await rig.add();
    const { edits, index, trees, files, known, stale } = await rig.snapshot();
    expect(edits).toEqual({ added: [], changed: [], deleted: [], editedLinks: [] });
    expect({ known, files, stale }).toEqual({ known: true, files: 2, stale: false });
    expect([...trees]).toEqual([['pointer:data', treeOf('pointer:data')]]);
    expect(index.listing()).toEqual([entryOf('data/a.csv', 'a'), entryOf('data/sub/b.csv', 'bb')]);
    expect(index.entry('data/sub/b.csv')).toEqual(entryOf('data/sub/b.csv', 'bb'));
    expect(index.entry('data/sub/c.csv')).toBeUndefined();
    expect(index.entry('elsewhere/c.csv')).toBeUndefined();
  });

  it('finds added, changed and deleted files', async () => {
    const rig = new HomeRig();
    for (const name of ['a', 'b', 'c', 'sub/d']) rig.write(`data/${name}.csv`, name);
    await rig.add();
    rmSync(rig.at('data/b.csv'));
    rmSync(rig.at('data/sub'), { recursive: true });
    rmSync(rig.at('data/c.csv'));
    rig.write('data/c.csv', 'edited');
    rig.write('data/new/e.csv', 'e');
    rig.write('data/f.csv', 'f');
    expect(await rig.edits()).toEqual([
      '+ data/f.csv',
      '+ data/new/e.csv',
      '~ data/c.csv',
      '- data/b.csv',
      '- data/sub/d.csv',
    ]);
  });

  it('finds a change that keeps size and mtime', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'old');
    await rig.add();
    const { atime, mtime } = statSync(rig.at('data/a.csv'));
    rig.write('elsewhere', 'new');
    utimesSync(rig.at('elsewhere'), atime, mtime);
    renameSync(rig.at('elsewhere'), rig.at('data/a.csv'));
    expect(await rig.edits()).toEqual(['~ data/a.csv']);
  });

  it('takes a touched file with the same bytes for the same, and remembers it on refresh', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    utimesSync(rig.at('data/a.csv'), 1, 1);
    const snapshot = await rig.snapshot();
    expect(snapshot.edits.changed).toEqual([]);
    expect(snapshot.stale).toBe(true);
    expect(snapshot.refresh()).toBe(true);
    expect((await rig.snapshot()).stale).toBe(false);
  });

  it('remembers the digests of edits on refresh, so that they are not read again', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    rig.write('data/b.csv', 'b');
    utimesSync(rig.at('data/b.csv'), 1, 1);
    const first = await rig.snapshot();
    expect(first.stale).toBe(true);
    expect(first.refresh()).toBe(true);
    const second = await rig.snapshot();
    expect(second.edits.added).toEqual([entryOf('data/b.csv', 'b')]);
    expect(second.stale).toBe(false);
  });

  it('saves nothing where the index was replaced in the meantime', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    utimesSync(rig.at('data/a.csv'), 1, 1);
    const snapshot = await rig.snapshot();
    rig.write('data/b.csv', 'b');
    await rig.add();
    snapshot.refresh();
    expect(await rig.edits()).toEqual([]);
    expect((await rig.snapshot()).files).toBe(2);
  });

  it('writes nothing into the home or the index', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    const before = [
      readFileSync(rig.indexFile),
      statSync(rig.indexFile).mtimeMs,
      statSync(rig.at('data')).mtimeMs,
    ];
    await rig.snapshot();
    expect([
      readFileSync(rig.indexFile),
      statSync(rig.indexFile).mtimeMs,
      statSync(rig.at('data')).mtimeMs,
    ]).toEqual(before);
  });

  it('finds a mode that became executable', async () => {
    const rig = new HomeRig();
    rig.write('data/run.sh', 'x');
    await rig.add();
    chmodSync(rig.at('data/run.sh'), 0o755);
    expect((await rig.snapshot()).edits.changed).toEqual([entryOf('data/run.sh', 'x', 'x')]);
  });

  it('is not disturbed by another name of the same inode that comes or goes', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    linkSync(rig.at('data/a.csv'), rig.at('other'));
    const snapshot = await rig.snapshot();
    expect(snapshot.stale).toBe(false);
  });

  it('names an edit through a hard link into the store', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    chmodSync(rig.at('data/a.csv'), 0o644);
    writeFileSync(rig.at('data/a.csv'), 'edited');
    const { edits } = await rig.snapshot();
    expect(edits.changed).toEqual([entryOf('data/a.csv', 'edited')]);
    expect(edits.editedLinks).toEqual(['data/a.csv']);
  });
});

describe('what is and is not data', () => {
  it('leaves out what systems, git and datawf put beside data', async () => {
    const rig = new HomeRig();
    const others = [
      '.DS_Store',
      '._a',
      'Thumbs.db',
      '.gitignore',
      '.gitattributes',
      'datawf.yaml',
      'datawf.lock',
      'sub.datawf',
    ];
    for (const name of others) rig.write(`data/${name}`, 'x');
    rig.write('data/.git/config', 'x');
    rig.write('data/.hidden', 'h');
    expect(await rig.edits()).toEqual(['+ data/.hidden']);
  });

  it('records a symlink that stays inside by its target', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    symlinkSync('a.csv', rig.at('data/link'));
    expect((await rig.snapshot()).edits.added).toContainEqual(entryOf('data/link', 'a.csv', 'l'));
    await rig.add();
    expect(await rig.edits()).toEqual([]);
  });

  it('refuses a symlink that leaves the repository', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    symlinkSync('/etc/passwd', rig.at('data/link'));
    const problem = await problemOf(() => rig.snapshot());
    expect([problem.code, problem.exit]).toEqual(['outside-link', 2]);
    expect(problem.message).toContain('data/link');
  });

  it.each([
    ['a newline', 'a\nb', 'newline'],
    ['a backslash', 'a\\b', 'backslash'],
  ])('refuses a name with %s', async (_, name, word) => {
    const rig = new HomeRig();
    rig.write(`data/${name}`, 'a');
    const problem = await problemOf(() => rig.snapshot());
    expect([problem.code, problem.exit]).toEqual(['bad-path', 2]);
    expect(problem.message).toContain(word);
  });

  it('refuses a name that is not UTF-8, in a known folder too', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    writeFileSync(Buffer.concat([Buffer.from(rig.at('data/')), Buffer.from([0x61, 0xff])]), 'x');
    const problem = await problemOf(() => rig.snapshot());
    expect(problem.message).toContain('is not valid UTF-8');
  });

  it('refuses a socket', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    const server = createServer().listen(rig.at('data/socket'));
    await once(server, 'listening');
    const problem = await problemOf(() => rig.snapshot());
    server.close();
    expect(problem.message).toContain('is a socket');
  });

  it.skipIf(process.getuid?.() === 0)('names a folder that it may not list', async () => {
    const rig = new HomeRig();
    rig.write('data/sub/a.csv', 'a');
    chmodSync(rig.at('data/sub'), 0);
    const problem = await problemOf(() => rig.snapshot());
    chmodSync(rig.at('data/sub'), 0o755);
    expect(problem.message).toContain('data/sub');
  });
});

describe('folders', () => {
  it('finds a file that comes into an empty folder', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    mkdirSync(rig.at('data/empty'));
    await rig.add();
    rig.write('data/empty/b.csv', 'b');
    expect(await rig.edits()).toEqual(['+ data/empty/b.csv']);
  });

  it('finds a folder in place of a file, and a file in place of a folder', async () => {
    const rig = new HomeRig();
    rig.write('data/a', 'a');
    rig.write('data/b/c', 'c');
    await rig.add();
    rmSync(rig.at('data/a'));
    rmSync(rig.at('data/b'), { recursive: true });
    rig.write('data/a/d', 'd');
    rig.write('data/b', 'b');
    expect(await rig.edits()).toEqual(['+ data/a/d', '+ data/b', '- data/a', '- data/b/c']);
  });

  it('finds a home that became a file', async () => {
    const rig = new HomeRig();
    rig.write('data/a', 'a');
    await rig.add();
    rmSync(rig.at('data'), { recursive: true });
    rig.write('data', 'file');
    expect(await rig.edits()).toEqual(['+ data', '- data/a']);
  });

  it('has everything deleted where the home is gone', async () => {
    const rig = new HomeRig();
    rig.write('data/a', 'a');
    rig.write('data/sub/b', 'b');
    await rig.add();
    rmSync(rig.at('data'), { recursive: true });
    expect(await rig.edits()).toEqual(['- data/a', '- data/sub/b']);
  });
});

describe('a home that is one file', () => {
  it('is recorded, changed, deleted and becomes a folder', async () => {
    const rig = new HomeRig('report.html');
    rig.write('report.html', 'r');
    rig.write('other', 'o');
    expect(await rig.edits()).toEqual(['+ report.html']);
    await rig.add('stage:report');
    expect(await rig.edits()).toEqual([]);
    rmSync(rig.at('report.html'));
    expect(await rig.edits()).toEqual(['- report.html']);
    rig.write('report.html', 'new');
    expect(await rig.edits()).toEqual(['~ report.html']);
    rmSync(rig.at('report.html'));
    rig.write('report.html/index', 'i');
    expect(await rig.edits()).toEqual(['+ report.html/index', '- report.html']);
  });
});

describe('an index that can not be trusted', () => {
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is cut short', (bytes) => bytes.subarray(0, bytes.length - 7)],
    ['has a flipped byte among its names', (bytes) => flip(bytes, 300)],
    ['has a flipped byte in a digest', (bytes) => flip(bytes, bytes.length - 3)],
    ['is of another version', (bytes) => flip(bytes, 4)],
    ['is empty', () => Buffer.alloc(0)],
    ['is text', () => Buffer.from('no index at all, but longer than a header '.repeat(9))],
  ])('counts as absent where it %s', async (_, damage) => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    rig.write('data/bbbbbbbbbbbbbbbbbbbbbbbbb.csv', 'b');
    await rig.add();
    writeFileSync(rig.indexFile, damage(readFileSync(rig.indexFile)));
    const snapshot = await rig.snapshot();
    expect(snapshot.known).toBe(false);
    expect(snapshot.edits.added.map(({ path }) => path)).toEqual([
      'data/a.csv',
      'data/bbbbbbbbbbbbbbbbbbbbbbbbb.csv',
    ]);
  });

  it('survives a damaged memory of edits', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    await rig.add();
    rig.write('data/b.csv', 'b');
    (await rig.snapshot()).refresh();
    writeFileSync(editsFile(rig), 'nonsense');
    expect(await rig.edits()).toEqual(['+ data/b.csv']);
  });
});

describe('a scan', () => {
  it('tells what differs by its stat without reading it', async () => {
    const rig = new HomeRig();
    rig.write('data/a.csv', 'a');
    rig.write('data/b.csv', 'b');
    await rig.add();
    utimesSync(rig.at('data/a.csv'), 1, 1);
    rmSync(rig.at('data/b.csv'));
    rig.write('data/c.csv', 'c');
    const { candidates, deleted } = await scanHome(rig.request());
    expect({ candidates, deleted }).toEqual({
      candidates: ['data/a.csv', 'data/c.csv'],
      deleted: ['data/b.csv'],
    });
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
