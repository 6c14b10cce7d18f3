import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';

/** Tag v1 has a, b and sub/c; the work tree's record has a changed, b renamed to z, and d new. */
async function twoVersions(): Promise<Rig> {
  const rig = await openRig();
  for (const name of ['a', 'b', 'sub/c']) rig.write(`data/raw/${name}.csv`, `${name}\n`);
  rig.write('model.bin', 'weights');
  await rig.succeed('add', 'data/raw', 'model.bin');
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', 'one');
  await rig.git('tag', 'v1');
  rig.write('data/raw/a.csv', 'other\n');
  await rig.run(['mv', 'data/raw/b.csv', 'data/raw/z.csv']);
  rig.write('data/raw/d.csv', 'd\n');
  await rig.succeed('add', 'data/raw');
  return rig;
}

const DIFFERENCE = {
  path: 'data/raw',
  added: ['data/raw/d.csv'],
  changed: ['data/raw/a.csv'],
  deleted: [],
  renamed: [{ from: 'data/raw/b.csv', to: 'data/raw/z.csv' }],
};

describe('diff', () => {
  const json = async (rig: Rig, ...args: string[]): Promise<unknown> =>
    (await rig.succeed('diff', '--json', ...args)).json();

  test('shows what the workspace has over the last commit, recorded or not', async () => {
    const rig = await twoVersions();
    rig.write('data/raw/e.csv', 'e\n');
    expect(await json(rig)).toEqual({
      datasets: [{ ...DIFFERENCE, added: ['data/raw/d.csv', 'data/raw/e.csv'] }],
    });
  });

  test('compares two commits', async () => {
    const rig = await twoVersions();
    await rig.git('commit', '--quiet', '-am', 'two');
    expect(await json(rig, 'v1', 'HEAD')).toEqual({ datasets: [DIFFERENCE] });
    expect(await json(rig)).toEqual({ datasets: [] });
  });

  test('is limited by paths', async () => {
    const rig = await twoVersions();
    expect(await json(rig, 'data/raw/a.csv')).toMatchObject({
      datasets: [{ added: [], changed: ['data/raw/a.csv'], renamed: [] }],
    });
    expect(await json(rig, 'model.bin')).toEqual({ datasets: [] });
  });

  test('before the first commit shows everything as added', async () => {
    const rig = await openRig();
    rig.write('data/raw/a.csv', 'a\n');
    await rig.succeed('add', 'data/raw');
    expect(await json(rig)).toMatchObject({ datasets: [{ added: ['data/raw/a.csv'] }] });
  });

  test('shows one file that is a dataset', async () => {
    const rig = await twoVersions();
    rig.write('model.bin', 'better');
    expect(await json(rig, 'model.bin')).toMatchObject({ datasets: [{ changed: ['model.bin'] }] });
  });

  test('of a ref that is none exits 4', async () => {
    const rig = await twoVersions();
    expect((await rig.datawf(['diff', 'nowhere'])).code).toBe(4);
  });
});

describe('ls', () => {
  test('without a path lists the datasets', async () => {
    const rig = await twoVersions();
    expect((await rig.succeed('ls')).stdout).toBe('data/raw/\nmodel.bin\n');
  });

  test('of a folder lists what is right below it', async () => {
    const rig = await twoVersions();
    expect((await rig.succeed('ls', 'data/raw')).stdout).toBe(
      'data/raw/a.csv\ndata/raw/d.csv\ndata/raw/sub/\ndata/raw/z.csv\n',
    );
    expect((await rig.succeed('ls', 'data')).stdout).toBe('data/raw/\n');
  });

  test('-R lists files, here or not, with their digests', async () => {
    const rig = await twoVersions();
    rig.remove('data/raw/sub/c.csv');
    const files = (await rig.succeed('ls', '-R', '--json', 'data/raw/sub')).json();
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(files).toEqual([{ path: 'data/raw/sub/c.csv', size: 6, digest, kind: 'file' }]);
  });

  test('of a ref lists that version', async () => {
    const rig = await twoVersions();
    expect((await rig.succeed('ls', '-R', 'v1:data/raw')).stdout).toBe(
      'data/raw/a.csv\ndata/raw/b.csv\ndata/raw/sub/c.csv\n',
    );
  });

  test('of a path that nothing records exits 4', async () => {
    const rig = await twoVersions();
    const { code, stderr } = await rig.datawf(['ls', 'data/row']);
    expect(code).toBe(4);
    expect(stderr).toContain('Did you mean "data/raw"?');
  });
});

describe('cat', () => {
  test('prints the recorded bytes, whatever lies in the workspace', async () => {
    const rig = await twoVersions();
    rig.write('data/raw/a.csv', 'edited\n');
    expect((await rig.succeed('cat', 'data/raw/a.csv')).stdout).toBe('other\n');
    expect((await rig.succeed('cat', 'v1:data/raw/a.csv')).stdout).toBe('a\n');
    expect((await rig.succeed('cat', 'v1:model.bin')).stdout).toBe('weights');
  });

  test('takes the bytes from the workspace where the store lost them', async () => {
    const rig = await twoVersions();
    await rig.run(['rm', '-rf', '.git/datawf/objects']);
    expect((await rig.succeed('cat', 'model.bin')).stdout).toBe('weights');
    expect((await rig.datawf(['cat', 'v1:data/raw/a.csv'])).code).toBe(4);
  });

  test('names the nearest file where there is none', async () => {
    const rig = await twoVersions();
    const { code, stderr } = await rig.datawf(['cat', 'data/raw/aa.csv']);
    expect(code).toBe(4);
    expect(stderr).toContain('Did you mean "data/raw/a.csv"?');
  });

  test('of a folder says so', async () => {
    const rig = await twoVersions();
    const { code, stderr } = await rig.datawf(['cat', 'data/raw/sub']);
    expect(code).toBe(4);
    expect(stderr).toContain('datawf ls data/raw/sub');
  });

  test('prints every byte of a large file', async () => {
    const rig = await openRig();
    rig.write('big.bin', '0123456789abcdef'.repeat(200_000));
    await rig.succeed('add', 'big.bin');
    const { stdout } = await rig.succeed('cat', 'big.bin');
    expect(stdout === rig.read('big.bin')).toBe(true);
  });
});

test('du tells the size of datasets, what of them is here, and the size of the store', async () => {
  const rig = await twoVersions();
  rig.remove('data/raw/d.csv');
  // Six files of two versions, and the texts of three pointers, which the store's own ref named.
  expect((await rig.succeed('du', '--json')).json()).toEqual({
    datasets: [
      { path: 'data/raw', files: 4, bytes: 16, here: 3 },
      { path: 'model.bin', files: 1, bytes: 7, here: 1 },
    ],
    store: { objects: 9, bytes: 365 },
  });
});
