import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';
import { filesBelow, openStory } from './story.ts';

async function committed(): Promise<Rig> {
  const rig = await openRig();
  for (const name of ['a', 'b', 'c']) rig.write(`data/raw/${name}.csv`, `${name}\n`);
  await rig.succeed('add', 'data/raw');
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', 'one');
  return rig;
}

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

describe('missing files', () => {
  test('come back', async () => {
    const rig = await committed();
    rig.remove('data/raw/a.csv');
    await rig.succeed('checkout');
    expect(rig.read('data/raw/a.csv')).toBe('a\n');
  });

  test('come back in another work tree of the repository', async () => {
    const rig = await committed();
    await rig.git('worktree', 'add', '--quiet', '../other', '-b', 'other');
    const result = await rig.datawf(['checkout'], { cwd: '../other' });
    expect(result.code).toBe(0);
    expect((await rig.run(['cat', '../other/data/raw/b.csv'])).stdout).toBe('b\n');
  });

  test('of one path only, where it is named', async () => {
    const rig = await committed();
    rig.remove('data/raw');
    await rig.succeed('checkout', 'data/raw/b.csv');
    expect(filesBelow(rig.path('data/raw'))).toEqual(['b.csv']);
  });

  test('that the store lacks are named with the cure, and all others come', async () => {
    const rig = await committed();
    const files = (await rig.succeed('ls', '-R', '--json', 'data/raw')).json();
    const digest = String(files[0].digest);
    rig.remove(`.git/datawf/objects/${digest.slice(0, 2)}/${digest}`);
    rig.remove('data/raw');
    const { code, stderr } = await rig.datawf(['checkout']);
    expect(code).toBe(4);
    expect(stderr).toContain('data/raw/a.csv');
    expect(stderr).toContain('datawf pull');
    expect(filesBelow(rig.path('data/raw'))).toEqual(['b.csv', 'c.csv']);
  });
});

describe('edits', () => {
  test('that are saved nowhere stop it before anything is touched', async () => {
    const rig = await committed();
    rig.write('data/raw/a.csv', 'unsaved\n');
    rig.remove('data/raw/b.csv');
    const { code, stderr } = await rig.datawf(['checkout', '--json']);
    expect(code).toBe(6);
    expect(JSON.parse(stderr.split('\n')[0]!)).toMatchObject({
      error: 'unsaved-data',
      message: expect.stringContaining('data/raw/a.csv'),
    });
    expect(rig.read('data/raw/a.csv')).toBe('unsaved\n');
    expect(rig.has('data/raw/b.csv')).toBe(false);
  });

  test('go with --force', async () => {
    const rig = await committed();
    rig.write('data/raw/a.csv', 'unsaved\n');
    await rig.succeed('checkout', '--force');
    expect(rig.read('data/raw/a.csv')).toBe('a\n');
  });

  test('elsewhere do not stop the checkout of one path', async () => {
    const rig = await committed();
    rig.write('data/raw/a.csv', 'unsaved\n');
    rig.remove('data/raw/b.csv');
    await rig.succeed('checkout', 'data/raw/b.csv');
    expect(rig.read('data/raw/b.csv')).toBe('b\n');
    expect(rig.read('data/raw/a.csv')).toBe('unsaved\n');
  });

  test('of added data that are new files stay', async () => {
    const rig = await committed();
    rig.write('data/raw/new.csv', 'new\n');
    await rig.succeed('checkout');
    expect(rig.read('data/raw/new.csv')).toBe('new\n');
  });
});

describe('outs', () => {
  test('that are missing come back by the name of their stage', async () => {
    const story = await openStory(PIPELINE);
    story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
    await story.succeed('repro');
    story.remove('data/clean');
    await story.succeed('checkout', 'clean');
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
  });

  test('that were edited or put there by hand stop it, and --force takes them back', async () => {
    const story = await openStory(PIPELINE);
    story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
    await story.succeed('repro');
    story.files({ 'data/clean/a.csv': 'by hand\n', 'data/clean/z.csv': 'stray\n' });
    expect((await story.datawf(['checkout'])).code).toBe(6);
    await story.succeed('checkout', '--force', 'data/clean');
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
  });
});

test('files at the place of an out that was never made are left alone, also by --force', async () => {
  const story = await openStory(PIPELINE);
  story.files({ 'data/raw/a.csv': 'a\n', 'data/clean/a.csv': 'made elsewhere\n' });
  await story.succeed('checkout', '--force');
  expect(story.texts('data/clean')).toEqual(['a.csv: made elsewhere']);
});

test('where all is in place nothing is written', async () => {
  const rig = await committed();
  const { stderr } = await rig.succeed('checkout');
  expect(stderr).toContain('everything is in place');
});

test('a dry run says what would change and changes nothing', async () => {
  const rig = await committed();
  rig.remove('data/raw/a.csv');
  const events = (await rig.succeed('checkout', '--dry-run', '--json')).events();
  expect(events).toContainEqual(expect.objectContaining({ event: 'dataset', path: 'data/raw', added: 1 }));
  expect(rig.has('data/raw/a.csv')).toBe(false);
});

test.each(['hardlink', 'symlink', 'copy'])(
  '--relink makes the files anew as cache.links says: %s',
  async (way) => {
    const rig = await committed();
    await rig.succeed('config', 'set', 'cache.links', way);
    await rig.succeed('checkout', '--relink');
    const { stdout } = await rig.run(['stat', '-c', '%h %F', 'data/raw/a.csv']);
    expect(stdout.trim()).toBe(
      { hardlink: '2 regular file', symlink: '1 symbolic link', copy: '1 regular file' }[way],
    );
    expect((await rig.succeed('status', '--json')).json().datasets).toMatchObject([{ state: 'clean' }]);
  },
);

test('a path of no dataset is named with the nearest one', async () => {
  const rig = await committed();
  const { code, stderr } = await rig.datawf(['checkout', 'data/rew']);
  expect(code).toBe(4);
  expect(stderr).toContain('Did you mean "data/raw"?');
});
