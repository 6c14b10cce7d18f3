import { appendFileSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openStory, type Story } from './story.ts';

const UPPER = `
stages:
  up:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

/** A workflow with one committed version, pushed to a second store. */
async function workflow(): Promise<Story> {
  const story = await openStory(UPPER);
  story.files({ 'data/raw/a.csv': 'a\n' });
  await story.succeed('add', 'data/raw');
  await story.succeed('config', 'set', 'stores.nas.url', story.path('../nas'));
  await story.repro();
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  await story.succeed('push');
  return story;
}

const CLEAN = { clean: true, stages: [{ state: 'current' }] };

async function statusAt(story: Story, cwd: string): Promise<unknown> {
  const { code, stdout, stderr } = await story.datawf(['status', '--json'], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

test('without a commit everything works', async () => {
  const story = await openStory(UPPER);
  story.files({ 'data/raw/a.csv': 'a\n' });
  await story.succeed('add', 'data/raw');
  expect((await story.repro()).ran).toEqual(['up name=a']);
  expect((await story.succeed('status', '--json')).json()).toMatchObject({ ...CLEAN, commit: null });
  for (const command of ['gc', 'verify', 'log', 'diff']) await story.succeed(command);
  expect(story.texts('data/clean')).toEqual(['a.csv: A']);
});

test('in a dirty tree a run records that it was', async () => {
  const story = await workflow();
  appendFileSync(story.path('datawf.yaml'), '# a remark\n');
  story.files({ 'data/raw/b.csv': 'b\n' });
  await story.repro();
  expect((await story.succeed('log', '--json', '--limit', '1')).json()).toMatchObject([{ dirty: true }]);
  expect(await story.git('diff', '--name-only')).toContain('datawf.lock');
});

test('at a detached HEAD everything works, and push says that it needs a branch', async () => {
  const story = await workflow();
  await story.git('checkout', '--quiet', '--detach');
  story.files({ 'data/raw/b.csv': 'b\n' });
  expect((await story.repro()).ran).toEqual(['up name=b']);
  await story.git('commit', '--quiet', '--all', '-m', 'two');
  await story.succeed('gc', '--grace', '0d');
  expect((await story.succeed('status', '--json')).json()).toMatchObject({ ...CLEAN, branch: null });
  await story.succeed('config', 'set', 'stores.nas.url', story.path('../nas/{branch}'));
  const { code, stderr } = await story.datawf(['push']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('git switch')]);
});

test('a shallow clone works, and says how older commits come', async () => {
  const story = await workflow();
  await story.git('clone', '--quiet', '--depth', '1', `file://${story.root}`, '../shallow');
  const at = { cwd: '../shallow' };
  expect((await story.datawf(['pull'], at)).code).toBe(0);
  expect(await statusAt(story, '../shallow')).toMatchObject(CLEAN);
  expect((await story.reproWith(at)).counts).toEqual({ skipped: 1 });
  expect((await story.datawf(['gc'], at)).code).toBe(0);
  for (const args of [
    ['diff', 'HEAD~1'],
    ['ls', 'HEAD~1:data/raw'],
  ]) {
    const { code, stderr } = await story.datawf(args, at);
    expect([code, stderr]).toEqual([4, expect.stringContaining('git fetch --unshallow')]);
  }
});

describe('a bare repository', () => {
  test('has no place for data, and says so', async () => {
    const story = await workflow();
    await story.git('clone', '--quiet', '--bare', '.', '../bare.git');
    const { code, stderr } = await story.datawf(['status'], { cwd: '../bare.git' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('git worktree add')]);
  });

  test('keeps the data of its work trees', async () => {
    const story = await workflow();
    await story.git('clone', '--quiet', '--bare', '.', '../bare.git');
    await story.git('-C', '../bare.git', 'worktree', 'add', '--quiet', '../tree', 'main');
    const at = { cwd: '../tree' };
    expect((await story.datawf(['pull'], at)).code).toBe(0);
    writeFileSync(story.path('../tree/data/raw/b.csv'), 'b\n');
    expect((await story.reproWith(at)).ran).toEqual(['up name=b']);
    expect(existsSync(story.path('../bare.git/datawf/objects'))).toBe(true);
    expect((await story.datawf(['gc', '--grace', '0d'], at)).code).toBe(0);
    expect(await statusAt(story, '../tree')).toMatchObject(CLEAN);
  });
});

test.each([
  ['no repository', (): void => undefined, 'git init'],
  [
    'an empty .git',
    (folder: string): void => {
      mkdirSync(`${folder}/.git`);
    },
    'git init',
  ],
  [
    'a .git file that leads nowhere',
    (folder: string): void => {
      writeFileSync(`${folder}/.git`, 'gitdir: /nowhere\n');
    },
    'git worktree repair',
  ],
])('with %s a command says what to do', async (_name, prepare, cure) => {
  const story = await openStory();
  const folder = story.path('../elsewhere');
  mkdirSync(folder);
  prepare(folder);
  const { code, stderr } = await story.datawf(['status'], { cwd: '../elsewhere' });
  expect([code, stderr]).toEqual([2, expect.stringContaining(cure)]);
});

describe('a submodule', () => {
  async function superproject(): Promise<Story> {
    const story = await workflow();
    await story.git('init', '--quiet', '../super');
    const allow = ['-c', 'protocol.file.allow=always'];
    await story.git('-C', '../super', ...allow, 'submodule', '--quiet', 'add', story.root, 'sub');
    return story;
  }

  test('is a project of its own, with a store of its own', async () => {
    const story = await superproject();
    const at = { cwd: '../super/sub' };
    expect((await story.datawf(['pull'], at)).code).toBe(0);
    writeFileSync(story.path('../super/sub/data/raw/b.csv'), 'b\n');
    expect((await story.reproWith(at)).ran).toEqual(['up name=b']);
    expect(await statusAt(story, '../super/sub')).toMatchObject(CLEAN);
    expect(existsSync(story.path('../super/.git/modules/sub/datawf/objects'))).toBe(true);
    expect((await story.datawf(['gc', '--grace', '0d'], at)).code).toBe(0);
    expect(await statusAt(story, '../super/sub')).toMatchObject(CLEAN);
  });

  test('is left alone by the project around it, which says where its data belongs', async () => {
    const story = await superproject();
    writeFileSync(story.path('../super/sub/x.csv'), 'x\n');
    for (const path of ['sub', 'sub/x.csv']) {
      const { code, stderr } = await story.datawf(['add', path], { cwd: '../super' });
      expect([code, stderr]).toEqual([6, expect.stringContaining('datawf -C sub add')]);
    }
    expect(existsSync(story.path('../super/sub/x.csv.datawf'))).toBe(false);
    expect(await statusAt(story, '../super')).toMatchObject({ clean: true, stages: [], datasets: [] });
  });
});

test('a project in a subfolder of its repository works from anywhere', async () => {
  const story = await openStory();
  story.write('deep/proj/datawf.yaml', UPPER);
  story.write('deep/proj/data/raw/a.csv', 'a\n');
  expect((await story.datawf(['add', 'data/raw'], { cwd: 'deep/proj' })).code).toBe(0);
  expect((await story.reproWith({ cwd: 'deep/proj' })).ran).toEqual(['deep/proj:up name=a']);
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  expect(await story.git('ls-files')).not.toContain('.csv\n');
  for (const cwd of ['.', 'deep', 'deep/proj/data']) expect(await statusAt(story, cwd)).toMatchObject(CLEAN);
  await story.succeed('gc', '--grace', '0d');
  expect((await story.datawf(['cat', 'raw/a.csv'], { cwd: 'deep/proj/data' })).stdout).toBe('a\n');
});

test('a repository in a subfolder is no part of the project', async () => {
  const story = await workflow();
  await story.git('init', '--quiet', 'vendor/inner');
  story.write('vendor/inner/datawf.yaml', 'not: {a pipeline\n');
  story.write('vendor/inner/data.csv.datawf', 'broken\n');
  expect(await statusAt(story, '.')).toMatchObject(CLEAN);
  expect((await story.repro()).counts).toEqual({ skipped: 1 });
});

test('linked work trees share the store, and each has its own state', async () => {
  const story = await workflow();
  await story.git('worktree', 'add', '--quiet', '-b', 'side', '../side');
  const at = { cwd: '../side' };
  expect((await story.datawf(['checkout'], at)).code).toBe(0);
  writeFileSync(story.path('../side/data/raw/b.csv'), 'b\n');
  expect((await story.reproWith(at)).ran).toEqual(['up name=b']);
  expect(readdirSync(story.path('data/clean'))).toEqual(['a.csv']);
  story.files({ 'data/raw/b.csv': 'b\n' });
  expect((await story.repro()).counts).toMatchObject({ cached: 1 });
  await story.succeed('gc', '--grace', '0d');
  expect(await statusAt(story, '../side')).toMatchObject(CLEAN);
  await story.git('worktree', 'remove', '--force', '../side');
  await story.succeed('gc', '--grace', '0d');
  expect((await story.succeed('verify', '--json')).json()).toMatchObject({ damaged: [] });
});

test('a branch may have an odd name', async () => {
  const story = await workflow();
  await story.succeed('config', 'set', 'stores.nas.url', story.path('../nas-of/{branch}'));
  for (const branch of ['feat/ümläut#1+"q"', 'x%20y', '日本/データ']) {
    await story.git('switch', '--quiet', '-c', branch);
    expect((await story.succeed('status', '--json')).json()).toMatchObject({ ...CLEAN, branch });
    await story.succeed('push');
    await story.succeed('gc', '--grace', '0d');
    expect((await story.succeed('verify', '--all', '--json')).json()).toMatchObject({
      damaged: [],
      stores: [{ damaged: [] }],
    });
  }
  expect(readdirSync(story.path('../nas-of'))).toHaveLength(3);
});

test('core.autocrlf changes nothing for datawf', async () => {
  const story = await openStory(UPPER);
  await story.git('config', 'core.autocrlf', 'true');
  story.files({ 'data/raw/a.csv': 'a\n' });
  await story.succeed('add', 'data/raw');
  await story.repro();
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  for (const file of ['datawf.yaml', 'datawf.lock', 'data/raw.datawf']) story.remove(file);
  await story.git('checkout', '--quiet', '--', '.');
  expect(story.read('datawf.lock')).toContain('\r\n');
  expect(await statusAt(story, '.')).toMatchObject(CLEAN);
  expect((await story.repro()).counts).toEqual({ skipped: 1 });
  await story.succeed('gc', '--grace', '0d');
  expect((await story.succeed('verify', '--json')).json()).toMatchObject({ damaged: [] });
  expect((await story.succeed('cat', 'HEAD:data/clean/a.csv')).stdout).toBe('A\n');
});

test.runIf(process.getuid?.() === 0)('a repository that git refuses is named with the cure', async () => {
  const story = await openStory(UPPER);
  story.files({ 'data/raw/a.csv': 'a\n' });
  chownSync(story.root, 65_534, 65_534);
  const { code, stderr } = await story.datawf(['repro']);
  expect(code).toBe(2);
  expect(stderr).toContain(`git config --global --add safe.directory ${story.root}`);
});
