import { chmodSync, lstatSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';
import { openStory } from './story.ts';

const COPY = `
stages:
  copy:
    cmd: cp "$raw" "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

/** Changes one byte of a file as a rotting disk does: neither its size nor its times tell. */
function flipByte(file: string): void {
  const { mode, atime, mtimeMs } = lstatSync(file);
  const bytes = readFileSync(file);
  bytes[0] = bytes[0]! ^ 1;
  chmodSync(file, 0o644);
  writeFileSync(file, bytes);
  chmodSync(file, mode);
  // Node cuts what it is given to whole microseconds.
  utimesSync(file, atime, mtimeMs / 1000 + 4e-7);
}

async function objectOf(rig: Rig, path: string): Promise<string> {
  const [file] = (await rig.succeed('ls', '-R', '--json', path)).json();
  const digest = String(file.digest);
  return rig.path(`.git/datawf/objects/${digest.slice(0, 2)}/${digest}`);
}

async function added(links: string): Promise<Rig> {
  const rig = await openRig();
  await rig.succeed('config', 'set', 'cache.links', links);
  for (const name of ['a', 'b']) rig.write(`data/raw/${name}.csv`, `${name}\n`);
  await rig.succeed('add', 'data/raw');
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', 'one');
  return rig;
}

describe('verify', () => {
  test('of a sound store counts what it read', async () => {
    const rig = await added('copy');
    // Two files, and the texts of the pointer and of the configuration, which the store's own ref names.
    expect((await rig.succeed('verify', '--json')).json()).toMatchObject({
      objects: 4,
      bytes: 4 + rig.read('data/raw.datawf').length + rig.read('.datawf/config.yaml').length,
      trees: 1,
      damaged: [],
    });
  });

  test('mends an object whose right bytes the workspace has', async () => {
    const rig = await added('copy');
    flipByte(await objectOf(rig, 'data/raw/a.csv'));
    const report = (await rig.succeed('verify', '--json')).json();
    expect(report).toMatchObject({ damaged: [], repaired: [{ paths: ['data/raw/a.csv'] }] });
    expect((await rig.succeed('cat', 'data/raw/a.csv')).stdout).toBe('a\n');
  });

  test('puts a damaged object aside and names the files it hits with the cure', async () => {
    const rig = await added('copy');
    flipByte(await objectOf(rig, 'data/raw/a.csv'));
    rig.remove('data/raw');
    const { code, stdout } = await rig.datawf(['verify', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      damaged: [{ paths: ['data/raw/a.csv'], cure: expect.stringContaining('datawf pull') }],
    });
    expect(readdirSync(rig.path('.git/datawf/quarantine'))).toHaveLength(1);
    expect((await rig.datawf(['checkout'])).code).toBe(4);
    expect(rig.read('data/raw/b.csv')).toBe('b\n');
  });

  test('takes away a workspace file that is the damaged object itself, without calling it deleted', async () => {
    const rig = await added('hardlink');
    flipByte(await objectOf(rig, 'data/raw/a.csv'));
    const { code, stdout } = await rig.datawf(['verify', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout).damaged[0].fault).toContain('hard link');
    expect(rig.has('data/raw/a.csv')).toBe(false);
    const { datasets } = (await rig.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([{ path: 'data/raw', state: 'missing', deleted: 0, changed: 0 }]);
  });

  test('tells which stage makes a damaged out again, and repro does', async () => {
    const story = await openStory(COPY);
    await story.succeed('config', 'set', 'cache.links', 'hardlink');
    // The input has other bytes than the out: else the object would be mended from it.
    story.pipeline(COPY.replace('cp "$raw" "$clean"', 'tr a-z A-Z < "$raw" > "$clean"'));
    story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
    await story.succeed('repro');
    flipByte(await objectOf(story, 'data/clean/a.csv'));
    const { code, stdout } = await story.datawf(['verify', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      damaged: [{ cure: expect.stringContaining('datawf repro copy') }],
    });
    const run = await story.repro();
    expect(run.code).toBe(0);
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
  });

  test('writes a damaged tree again from what lies here', async () => {
    const rig = await added('copy');
    const tree = /tree: (\w+)/.exec(rig.read('data/raw.datawf'))![1]!;
    const file = rig.path(`.git/datawf/trees/${tree.slice(0, 2)}/${tree}`);
    chmodSync(file, 0o644);
    writeFileSync(file, readFileSync(file).subarray(0, 40));
    const report = (await rig.succeed('verify', '--json')).json();
    expect(report).toMatchObject({ damaged: [], repaired: [{ digest: tree }] });
    expect((await rig.succeed('ls', '-R', 'data/raw')).stdout).toBe('data/raw/a.csv\ndata/raw/b.csv\n');
  });
});

describe('a damaged object that its stat gives away', () => {
  test('never comes into the workspace', async () => {
    const rig = await added('copy');
    const object = await objectOf(rig, 'data/raw/a.csv');
    chmodSync(object, 0o644);
    writeFileSync(object, 'x\n');
    rig.remove('data/raw');
    const { code, stderr } = await rig.datawf(['checkout']);
    expect(code).toBe(7);
    expect(stderr).toContain('data/raw/a.csv');
    expect(stderr).not.toMatch(/^ +at /m);
    expect(rig.has('data/raw/a.csv')).toBe(false);
    expect(rig.read('data/raw/b.csv')).toBe('b\n');
  });

  test('is not printed by cat', async () => {
    const rig = await added('copy');
    const object = await objectOf(rig, 'data/raw/a.csv');
    chmodSync(object, 0o644);
    writeFileSync(object, 'x\n');
    const { code, stdout } = await rig.datawf(['cat', 'data/raw/a.csv']);
    expect([code, stdout]).toEqual([7, '']);
  });
});

describe('an edit through a hard link into the store', () => {
  test('is recorded by add, and the damaged version before is put aside', async () => {
    const rig = await added('hardlink');
    chmodSync(rig.path('data/raw/a.csv'), 0o644);
    writeFileSync(rig.path('data/raw/a.csv'), 'edited in place\n');
    const { stderr } = await rig.succeed('add', 'data/raw');
    expect(stderr).toContain('edited through its link into the store');
    expect((await rig.succeed('cat', 'data/raw/a.csv')).stdout).toBe('edited in place\n');
    expect((await rig.datawf(['cat', 'HEAD:data/raw/a.csv'])).code).toBe(4);
    const { code, stdout } = await rig.datawf(['verify', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      damaged: [{ fault: 'it is missing', branches: [{ branch: 'main', paths: ['data/raw/a.csv'] }] }],
    });
  });
});

describe('an edit through a hard link', () => {
  async function edited(): Promise<Rig> {
    const rig = await added('hardlink');
    chmodSync(rig.path('data/raw/a.csv'), 0o644);
    writeFileSync(rig.path('data/raw/a.csv'), 'edited in place\n');
    return rig;
  }

  test('is shown by status, and kept by verify, which names file, branch and way back', async () => {
    const rig = await edited();
    const { datasets } = (await rig.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([{ state: 'modified', paths: { changed: ['data/raw/a.csv'] } }]);
    const { code, stdout } = await rig.datawf(['verify', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      damaged: [
        {
          fault: expect.stringContaining('data/raw/a.csv, which keeps the edit'),
          paths: ['data/raw/a.csv'],
          branches: [{ branch: 'main' }],
          cure: expect.stringContaining('datawf pull'),
        },
      ],
    });
    expect(rig.read('data/raw/a.csv')).toBe('edited in place\n');
    expect(lstatSync(rig.path('data/raw/a.csv')).nlink).toBe(1);
  });

  test('loses nothing where another store has the version before', async () => {
    const rig = await added('hardlink');
    await rig.succeed('config', 'set', 'stores.nas.url', rig.path('../nas'));
    await rig.succeed('push');
    chmodSync(rig.path('data/raw/a.csv'), 0o644);
    writeFileSync(rig.path('data/raw/a.csv'), 'edited in place\n');
    expect((await rig.succeed('verify', '--json')).json()).toMatchObject({
      damaged: [],
      repaired: [{ from: 'nas', paths: ['data/raw/a.csv'] }],
    });
    expect(rig.read('data/raw/a.csv')).toBe('edited in place\n');
    expect((await rig.succeed('cat', 'HEAD:data/raw/a.csv')).stdout).toBe('a\n');
  });

  test('is recorded by repro as any other', async () => {
    const rig = await edited();
    rig.write('datawf.yaml', COPY);
    const { stderr } = await rig.succeed('repro');
    expect(stderr).toContain('edited through its link into the store');
    expect(rig.read('data/clean/a.csv')).toBe('edited in place\n');
    expect((await rig.succeed('cat', 'data/raw/a.csv')).stdout).toBe('edited in place\n');
  });

  test('is not overwritten by a checkout', async () => {
    const rig = await edited();
    const { code, stderr } = await rig.datawf(['checkout']);
    expect([code, stderr]).toEqual([6, expect.stringContaining('data/raw/a.csv')]);
    expect(rig.read('data/raw/a.csv')).toBe('edited in place\n');
  });
});

test('a truncated tree is named, with exit 7', async () => {
  const rig = await added('copy');
  const tree = /tree: (\w+)/.exec(rig.read('data/raw.datawf'))![1]!;
  const file = rig.path(`.git/datawf/trees/${tree.slice(0, 2)}/${tree}`);
  chmodSync(file, 0o644);
  writeFileSync(file, readFileSync(file).subarray(0, 40));
  const { code, stderr } = await rig.datawf(['ls', '-R', 'data/raw']);
  expect(code).toBe(7);
  expect(stderr).toContain(tree);
  expect(stderr).toMatch(/hint: /);
});

test('a tree that is not here is named by its dataset, with exit 4', async () => {
  const rig = await added('copy');
  await rig.run(['rm', '-rf', '.git/datawf/trees']);
  const { code, stderr } = await rig.datawf(['ls', '-R', 'data/raw']);
  expect(code).toBe(4);
  expect(stderr).toContain('data/raw');
  expect(stderr).toContain('datawf pull');
});

test('a list of outs that is gone is made again by repro, from the run cache', async () => {
  const story = await openStory(COPY.replace('cp "$raw" "$clean"', 'tr a-z A-Z < "$raw" > "$clean"'));
  story.files({ 'data/raw/a.csv': 'a\n' });
  await story.succeed('add', 'data/raw');
  await story.repro();
  const tree = /data\/clean: \{tree: "?(\w+)/.exec(story.read('datawf.lock'))![1]!;
  await story.run([
    'rm',
    '-r',
    `.git/datawf/trees/${tree.slice(0, 2)}/${tree}`,
    '.git/datawf/index',
    'data/clean',
  ]);
  const run = await story.repro();
  expect([run.code, run.ended('cached')]).toEqual([0, ['copy name=a']]);
  expect(story.texts('data/clean')).toEqual(['a.csv: A']);
  expect((await story.succeed('verify', '--json')).json()).toMatchObject({ damaged: [] });
});
