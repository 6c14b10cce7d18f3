import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';
import { filesBelow } from './story.ts';

const ODD = [
  '-n',
  '#hash',
  '$HOME',
  '*',
  '.dot',
  'a\'b"c',
  'a b',
  'a.b-c',
  'a/b/c',
  'a:b',
  'é',
  'é2',
  '[x]',
  '{name}',
  '日本',
  '🙂',
];

async function committed(rig: Rig): Promise<void> {
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', 'one');
}

test('names of every kind go into a dataset and come out again', async () => {
  const rig = await openRig();
  for (const name of ODD) rig.write(`data/raw/${name}`, `${name}\n`);
  await rig.succeed('add', 'data/raw');
  await committed(rig);
  const before = filesBelow(rig.path('data/raw'));
  rig.remove('data/raw');
  await rig.succeed('checkout');
  expect(filesBelow(rig.path('data/raw'))).toEqual(before);
  for (const name of ODD) {
    expect(rig.read(`data/raw/${name}`)).toBe(`${name}\n`);
    expect((await rig.succeed('cat', `./data/raw/${name}`)).stdout).toBe(`${name}\n`);
  }
  expect((await rig.succeed('status', '--json')).json().datasets).toMatchObject([{ state: 'clean' }]);
});

test.each(['a b', '#hash', '[x]', '*', '-n', "it's", 'a: b', 'é', ' '])(
  'a file named %j is a dataset of its own, and git ignores it alone',
  async (name) => {
    const rig = await openRig();
    rig.write(`data/${name}`, 'x\n');
    rig.write('data/other', 'y\n');
    await rig.succeed('add', '--', `data/${name}`);
    const untracked = await rig.git(
      '-c',
      'core.quotePath=false',
      'status',
      '--short',
      '--untracked-files=all',
      '-z',
    );
    expect(untracked.split('\0').filter(Boolean).sort()).toEqual(
      ['?? data/.gitignore', `?? data/${name}.datawf`, '?? data/other'].sort(),
    );
    rig.remove(`data/${name}`);
    await rig.succeed('checkout', `./data/${name}`);
    expect(rig.read(`data/${name}`)).toBe('x\n');
  },
);

test.each([
  ['a newline', 'a\nb'],
  ['a backslash', 'a\\b'],
])('a name with %s is refused with the name printable, and nothing is recorded', async (_what, name) => {
  const rig = await openRig();
  mkdirSync(rig.path('data/raw'), { recursive: true });
  writeFileSync(rig.path(`data/raw/${name}`), 'x\n');
  const { code, stderr } = await rig.datawf(['add', 'data/raw']);
  expect(code).toBe(2);
  expect(stderr).toContain(JSON.stringify(`data/raw/${name}`));
  expect(rig.has('data/raw.datawf')).toBe(false);
});

test('a name that is not UTF-8 is refused', async () => {
  const rig = await openRig();
  mkdirSync(rig.path('data/raw'), { recursive: true });
  writeFileSync(Buffer.concat([Buffer.from(`${rig.path('data/raw')}/`), Buffer.from([0x61, 0xff])]), 'x\n');
  const { code, stderr } = await rig.datawf(['add', 'data/raw']);
  expect(code).toBe(2);
  expect(stderr).toContain('not valid UTF-8');
});

test('what operating systems leave behind is no data', async () => {
  const rig = await openRig();
  for (const name of ['.DS_Store', '._a.csv', 'Thumbs.db', 'a.csv']) rig.write(`data/raw/${name}`, 'x\n');
  await rig.succeed('add', 'data/raw');
  expect((await rig.succeed('ls', 'data/raw')).stdout).toBe('data/raw/a.csv\n');
});

test('an executable file and a symlink that stays inside come back as they were', async () => {
  const rig = await openRig();
  rig.write('tools/run.sh', '#!/bin/sh\necho ran\n', 0o755);
  symlinkSync('run.sh', rig.path('tools/link'));
  await rig.succeed('add', 'tools');
  await committed(rig);
  rig.remove('tools');
  await rig.succeed('checkout');
  expect((await rig.run(['tools/run.sh'])).stdout).toBe('ran\n');
  expect((await rig.run(['readlink', 'tools/link'])).stdout).toBe('run.sh\n');
  expect((await rig.succeed('cat', 'tools/link')).stdout).toBe('#!/bin/sh\necho ran\n');
});

test('names that differ in case only get a warning', async () => {
  const rig = await openRig();
  rig.write('data/raw/a.csv', '1\n');
  rig.write('data/raw/A.csv', '2\n');
  const { stderr } = await rig.succeed('add', 'data/raw');
  expect(stderr).toContain('differ in case only');
});

test('a file may take the place of a folder and a folder that of a file', async () => {
  const rig = await openRig();
  rig.write('data/raw/x/inner.csv', '1\n');
  rig.write('data/raw/y', '2\n');
  await rig.succeed('add', 'data/raw');
  await committed(rig);
  await rig.git('checkout', '--quiet', '-b', 'other');
  rig.remove('data/raw/x');
  rig.remove('data/raw/y');
  rig.write('data/raw/x', '3\n');
  rig.write('data/raw/y/inner.csv', '4\n');
  await rig.succeed('add', 'data/raw');
  await committed(rig);
  await rig.git('checkout', '--quiet', 'main');
  await rig.succeed('checkout');
  expect(filesBelow(rig.path('data/raw'))).toEqual(['x/inner.csv', 'y']);
  await rig.git('checkout', '--quiet', 'other');
  await rig.succeed('checkout');
  expect(filesBelow(rig.path('data/raw'))).toEqual(['x', 'y/inner.csv']);
});
