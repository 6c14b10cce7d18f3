import { lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';

/** The end event of a command with `--json`. */
async function end(rig: Rig, ...args: string[]): Promise<Record<string, unknown>> {
  const result = await rig.succeed(...args, '--json');
  return result.events().at(-1) as unknown as Record<string, unknown>;
}

/** The error of a command that fails. */
async function failure(
  rig: Rig,
  ...args: string[]
): Promise<{ error: string; exit: number; message: string; hint: string }> {
  const { stderr } = await rig.datawf([...args, '--json']);
  return JSON.parse(stderr.split('\n')[0]!) as { error: string; exit: number; message: string; hint: string };
}

async function withRaw(): Promise<Rig> {
  const rig = await openRig();
  for (const name of ['a', 'b', 'c']) rig.write(`data/raw/${name}.csv`, `${name}\n`);
  return rig;
}

describe('a folder', () => {
  test('becomes one dataset with a pointer, and git ignores its files', async () => {
    const rig = await withRaw();
    expect(await end(rig, 'add', 'data/raw')).toMatchObject({
      files: 3,
      bytes: 6,
      added: 3,
      changed: 0,
      deleted: 0,
      exit: 0,
    });
    expect(rig.read('data/raw.datawf')).toMatch(
      /^version: 1\npath: raw\ntree: [0-9a-f]{64}\nfiles: 3\nbytes: 6\n$/,
    );
    expect(await rig.git('status', '--short', '--untracked-files=all')).toBe(
      '?? data/.gitignore\n?? data/raw.datawf\n',
    );
  });

  test('has the same pointer wherever and in whatever order its files came', async () => {
    const one = await withRaw();
    await one.succeed('add', 'data/raw');
    const other = await openRig();
    other.write('data/raw/c.csv', 'c\n');
    await other.succeed('add', 'data/raw');
    for (const name of ['b', 'a']) {
      other.write(`data/raw/${name}.csv`, `${name}\n`);
      await other.succeed('add', `data/raw/${name}.csv`);
    }
    expect(other.read('data/raw.datawf')).toBe(one.read('data/raw.datawf'));
  });

  test('that did not change is told so, and nothing is written', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    const before = lstatSync(rig.path('data/raw.datawf')).mtimeMs;
    const { stderr } = await rig.succeed('add', 'data/raw');
    expect(stderr).toContain('nothing changed');
    expect(lstatSync(rig.path('data/raw.datawf')).mtimeMs).toBe(before);
  });

  test('is recorded with its edits and deletions', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    rig.write('data/raw/a.csv', 'other\n');
    rig.remove('data/raw/b.csv');
    rig.write('data/raw/sub/d.csv', 'd\n');
    expect(await end(rig, 'add', 'data/raw')).toMatchObject({ files: 3, added: 1, changed: 1, deleted: 1 });
  });

  test('whose last file is deleted is recorded as empty, and can be filled again', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    for (const name of ['a.csv', 'b.csv', 'sub'])
      if (rig.has(`data/raw/${name}`)) rig.remove(`data/raw/${name}`);
    for (const { path } of (await rig.succeed('ls', '-R', 'data/raw', '--json')).json<{ path: string }[]>())
      if (rig.has(path)) rig.remove(path);
    expect(await end(rig, 'add', 'data/raw')).toMatchObject({ files: 0 });
    expect(rig.read('data/raw.datawf')).toContain('files: 0\n');
    expect((await rig.succeed('status', '--check', '--json')).json()).toMatchObject({ clean: true });
    rig.write('data/raw/new.csv', 'new\n');
    expect(await end(rig, 'add', 'data/raw')).toMatchObject({ files: 1, added: 1 });
    await rig.succeed('verify');
  });

  test('without files is refused', async () => {
    const rig = await openRig();
    mkdirSync(rig.path('empty'));
    expect(await failure(rig, 'add', 'empty')).toMatchObject({ error: 'empty-folder', exit: 2 });
    expect(rig.has('empty.datawf')).toBe(false);
  });
});

describe('a file', () => {
  test('alone is a dataset of its own', async () => {
    const rig = await openRig();
    rig.write('model.bin', 'weights');
    expect(await end(rig, 'add', 'model.bin')).toMatchObject({ files: 1, added: 1 });
    expect(rig.read('model.bin.datawf')).toMatch(/^version: 1\npath: model\.bin\ndigest: [0-9a-f]{64}\n/);
  });

  test('of a dataset is recorded without the other edits there', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    rig.write('data/raw/new.csv', 'new\n');
    rig.write('data/raw/a.csv', 'other\n');
    expect(await end(rig, 'add', 'data/raw/new.csv')).toMatchObject({ files: 4, added: 1, changed: 0 });
    const { datasets } = (await rig.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([
      { path: 'data/raw', state: 'modified', added: 0, changed: 1, deleted: 0 },
    ]);
  });

  test('of a dataset that is gone is recorded as deleted', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    rig.remove('data/raw/b.csv');
    expect(await end(rig, 'add', 'data/raw/b.csv')).toMatchObject({ files: 2, deleted: 1 });
  });

  test('that is a dataset and is gone is not recorded as it was', async () => {
    const rig = await openRig();
    rig.write('model.bin', 'weights');
    await rig.succeed('add', 'model.bin');
    rig.remove('model.bin');
    expect(await failure(rig, 'add', 'model.bin')).toMatchObject({ error: 'empty-dataset', exit: 6 });
  });

  test('is named relative to the current folder', async () => {
    const rig = await withRaw();
    const { code } = await rig.datawf(['add', 'raw'], { cwd: 'data' });
    expect(code).toBe(0);
    expect(rig.has('data/raw.datawf')).toBe(true);
  });
});

test('a dry run says the same and writes nothing', async () => {
  const rig = await withRaw();
  expect(await end(rig, 'add', '--dry-run', 'data/raw')).toMatchObject({ files: 3, added: 3 });
  expect(rig.has('data/raw.datawf')).toBe(false);
  expect(rig.has('data/.gitignore')).toBe(false);
});

describe('refused with a cure', () => {
  test('what git tracks', async () => {
    const rig = await withRaw();
    await rig.git('add', '.');
    expect(await failure(rig, 'add', 'data/raw')).toMatchObject({
      error: 'tracked-by-git',
      exit: 6,
      hint: expect.stringContaining('git rm -r --cached data/raw'),
    });
  });

  test('a path that is not there, with the nearest name', async () => {
    const rig = await withRaw();
    expect(await failure(rig, 'add', 'data/rw')).toMatchObject({
      error: 'no-path',
      exit: 4,
      hint: 'Did you mean "data/raw"?',
    });
  });

  test('an out of a stage', async () => {
    const rig = await withRaw();
    rig.write(
      'datawf.yaml',
      'stages:\n  copy:\n    cmd: cp "$a" "$b"\n    deps: {a: data/raw/a.csv}\n    outs: {b: out/b.csv}\n',
    );
    rig.write('out/b.csv', 'x\n');
    expect(await failure(rig, 'add', 'out/b.csv')).toMatchObject({ error: 'stage-output', exit: 6 });
  });

  test('a dataset around a dataset', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    expect(await failure(rig, 'add', 'data')).toMatchObject({ error: 'nested-datasets', exit: 6 });
  });

  test.each([
    ['the repository itself', '.', 'whole-repository'],
    ["git's folder", '.git/config', 'inside-git-folder'],
    ['another place', '../elsewhere', 'outside-repository'],
    ['a pointer', 'data/raw.datawf', 'never-data'],
  ])('%s', async (_name, path, error) => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    expect(await failure(rig, 'add', path)).toMatchObject({ error, exit: 2 });
  });

  test('a symlink that leaves the repository', async () => {
    const rig = await withRaw();
    symlinkSync('/etc/hostname', rig.path('data/raw/host'));
    expect(await failure(rig, 'add', 'data/raw')).toMatchObject({ error: 'outside-link', exit: 2 });
    expect(rig.has('data/raw.datawf')).toBe(false);
  });
});

describe('remove', () => {
  test('keeps the files as ordinary ones', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    await rig.succeed('remove', 'data/raw');
    expect(rig.has('data/raw.datawf')).toBe(false);
    expect(rig.read('data/raw/a.csv')).toBe('a\n');
    expect(lstatSync(rig.path('data/raw/a.csv')).mode & 0o200).toBe(0o200);
    expect(await rig.git('status', '--short')).toBe('?? data/\n');
  });

  test('--files deletes them, but not what is saved nowhere else', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    rig.write('data/raw/a.csv', 'unsaved\n');
    expect(await failure(rig, 'remove', '--files', 'data/raw')).toMatchObject({
      error: 'unsaved-data',
      exit: 6,
    });
    expect(rig.read('data/raw/b.csv')).toBe('b\n');
    await rig.succeed('remove', '--files', '--force', 'data/raw');
    expect(rig.has('data/raw')).toBe(false);
  });

  test('takes one file out of a dataset', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    await rig.succeed('remove', 'data/raw/b.csv');
    expect((await rig.succeed('ls', 'data/raw')).stdout).toBe('data/raw/a.csv\ndata/raw/c.csv\n');
    expect(rig.has('data/raw/b.csv')).toBe(false);
  });
});

describe('move', () => {
  test('renames a dataset with its record', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    const tree = /tree: (\w+)/.exec(rig.read('data/raw.datawf'))?.[1];
    await rig.succeed('move', 'data/raw', 'source/all');
    expect(rig.read('source/all.datawf')).toContain(`tree: ${tree}`);
    expect(rig.has('data/raw.datawf')).toBe(false);
    expect(rig.read('source/all/a.csv')).toBe('a\n');
    const { datasets } = (await rig.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([{ path: 'source/all', state: 'clean' }]);
  });

  test('renames a file inside a dataset', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    await rig.succeed('move', 'data/raw/a.csv', 'data/raw/z.csv');
    expect((await rig.succeed('ls', 'data/raw')).stdout).toBe(
      'data/raw/b.csv\ndata/raw/c.csv\ndata/raw/z.csv\n',
    );
  });

  test('keeps edits as edits', async () => {
    const rig = await withRaw();
    await rig.succeed('add', 'data/raw');
    rig.write('data/raw/a.csv', 'other\n');
    await rig.succeed('move', 'data/raw', 'data/new');
    const { datasets } = (await rig.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([
      { path: 'data/new', state: 'modified', added: 0, changed: 1, deleted: 0 },
    ]);
  });
});

test('unlock gives an editable copy, whose edit leaves the recorded bytes alone', async () => {
  const rig = await withRaw();
  await rig.succeed('config', 'set', 'cache.links', 'hardlink');
  await rig.succeed('add', 'data/raw');
  expect(lstatSync(rig.path('data/raw/a.csv')).mode & 0o222).toBe(0);
  await rig.succeed('unlock', 'data/raw/a.csv');
  expect(lstatSync(rig.path('data/raw/a.csv')).mode & 0o200).toBe(0o200);
  expect((await rig.run(['sh', '-c', 'echo more >> data/raw/a.csv'])).code).toBe(0);
  expect((await rig.succeed('cat', 'data/raw/a.csv')).stdout).toBe('a\n');
});
