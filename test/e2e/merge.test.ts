import { cpSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import { dropKept, keepRig, type Result } from './rig.ts';
import { openStory, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
  count:
    cmd: wc -l < "$notes" > "$count"
    deps: {notes: notes.txt}
    outs: {count: count.txt}
`;

const COLLECT = `
stages:
  all:
    cmd: cat "$raw"/*.csv > "$all"
    deps: {raw: data/raw/}
    outs: {all: all.txt}
`;

type Edit = (story: Story) => void;

async function commit(story: Story, message: string): Promise<void> {
  await story.git('add', '.');
  await story.git('commit', '--quiet', '--allow-empty', '-m', message);
}

/** Branch `main`, checked out, and branch `other`: each with its edit, run and committed. */
async function branches(
  pipeline: string,
  edits: { readonly here: Edit; readonly there: Edit },
): Promise<Story> {
  const story = await openBase(pipeline);
  await story.git('checkout', '--quiet', '-b', 'other');
  await runEdit(story, edits.there);
  await story.git('checkout', '--quiet', 'main');
  await story.succeed('checkout');
  await runEdit(story, edits.here);
  return story;
}

/** Two raw files, run and committed; made once for each pipeline. */
async function openBase(pipeline: string): Promise<Story> {
  const from = bases.get(pipeline);
  if (from !== undefined) return await openStory(undefined, { from });
  const story = await openStory(pipeline);
  await story.succeed('init');
  story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n', 'notes.txt': 'x\n' });
  await story.succeed('add', 'data/raw');
  await story.succeed('repro');
  await commit(story, 'base');
  bases.set(pipeline, keepRig(story));
  return story;
}

const bases = new Map<string, string>();
afterAll(dropKept);

async function runEdit(story: Story, edit: Edit): Promise<void> {
  edit(story);
  await story.succeed('repro');
  await commit(story, 'an edit');
}

const merge = (story: Story): Promise<Result> => story.run(['git', 'merge', '--quiet', '--no-edit', 'other']);

/** Takes the drivers out of the clone's configuration: git then merges by lines, as a host does. */
async function forgetDrivers(story: Story): Promise<void> {
  await story.git('config', '--local', '--remove-section', 'merge.datawf');
  await story.git('config', '--local', '--remove-section', 'diff.datawf');
}

test('branch creation makes nothing stale; switching and checkout restores', async () => {
  const story = await openStory(PIPELINE);
  story.files({ 'data/raw/a.csv': 'a\n', 'notes.txt': 'x\n' });
  await story.succeed('add', 'data/raw');
  await story.succeed('repro');
  await commit(story, 'base');
  await story.git('checkout', '--quiet', '-b', 'trial');
  expect((await story.datawf(['status', '--check'])).code).toBe(0);
  await runEdit(story, ({ write }) => {
    write('data/raw/a.csv', 'other\n');
  });
  await story.git('checkout', '--quiet', 'main');
  await story.succeed('checkout');
  expect([story.read('data/raw/a.csv'), story.read('data/clean/a.csv')]).toEqual(['a\n', 'A\n']);
  expect((await story.datawf(['status', '--check'])).code).toBe(0);
});

describe('git merge by itself', () => {
  test('takes results of different stages', async () => {
    const story = await branches(PIPELINE, {
      here: ({ write }) => write('notes.txt', 'x\ny\n'),
      there: ({ write }) => write('data/raw/a.csv', 'changed\n'),
    });
    expect(await merge(story)).toMatchObject({ code: 0, stderr: '' });
    const run = await story.repro();
    expect([run.code, run.ran, run.counts.cached]).toEqual([0, [], undefined]);
    expect([story.read('data/clean/a.csv'), story.read('count.txt').trim()]).toEqual(['CHANGED\n', '2']);
    expect(await story.git('status', '--short')).toBe('');
  });

  test('takes different datums of one stage, and added files', async () => {
    const story = await branches(PIPELINE, {
      here: ({ write, remove }) => {
        write('data/raw/a.csv', 'changed\n');
        remove('data/raw/b.csv');
      },
      there: ({ write }) => write('data/raw/c.csv', 'c\n'),
    });
    expect(await merge(story)).toMatchObject({ code: 0, stderr: '' });
    await story.succeed('checkout');
    expect(story.texts('data/raw')).toEqual(['a.csv: changed', 'c.csv: c']);
    expect(story.texts('data/clean')).toEqual(['a.csv: CHANGED', 'c.csv: C']);
    expect((await story.datawf(['status', '--check'])).code).toBe(0);
    const run = await story.repro();
    expect([run.ran, run.counts.cached]).toEqual([[], undefined]);
  });

  test('leaves a datum that both made from different inputs to the next repro', async () => {
    const story = await branches(COLLECT, {
      here: ({ write }) => write('data/raw/c.csv', 'c\n'),
      there: ({ write }) => write('data/raw/d.csv', 'd\n'),
    });
    expect(await merge(story)).toMatchObject({
      code: 0,
      stderr:
        'datawf: datawf.lock: stage all: both sides made 1 datum from different inputs; ours stay, and the next repro runs what is stale\n',
    });
    const run = await story.repro();
    expect(run.ran).toEqual(['all']);
    expect(story.read('all.txt')).toBe('a\nb\nc\nd\n');
  });

  test.each([
    ['rebase', ['rebase', '--quiet', 'other']],
    ['cherry-pick', ['cherry-pick', 'other']],
  ])('and %s come to the same through the driver', async (_, command) => {
    const story = await branches(PIPELINE, {
      here: ({ write }) => write('data/raw/c.csv', 'c\n'),
      there: ({ write }) => write('data/raw/d.csv', 'd\n'),
    });
    await story.git(...command);
    await story.succeed('checkout');
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B', 'c.csv: C', 'd.csv: D']);
    expect(await story.git('status', '--short')).toBe('');
    const run = await story.repro();
    expect([run.ran, run.counts.cached]).toEqual([[], undefined]);
  });

  test('of several branches at once is refused by git, which calls no driver for it, and changes nothing', async () => {
    const story = await branches(PIPELINE, {
      here: ({ write }) => write('data/raw/c.csv', 'c\n'),
      there: ({ write }) => write('data/raw/d.csv', 'd\n'),
    });
    await story.git('checkout', '--quiet', '-b', 'third', 'main~1');
    await story.succeed('checkout');
    await runEdit(story, ({ write }) => write('data/raw/e.csv', 'e\n'));
    await story.git('checkout', '--quiet', 'main');
    await story.succeed('checkout');
    const octopus = await story.run(['git', 'merge', 'other', 'third']);
    expect([octopus.code, octopus.stdout + octopus.stderr]).toEqual([
      2,
      expect.stringContaining('Should not be doing an octopus.'),
    ]);
    expect(await story.git('status', '--short')).toBe('');
    expect((await story.datawf(['status', '--check'])).code).toBe(0);
    for (const each of ['other', 'third']) await story.git('merge', '--quiet', '--no-edit', each);
    await story.succeed('checkout');
    expect(story.texts('data/raw').map((text) => text[0])).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('keeps ignored paths of both sides', async () => {
    const story = await branches(COLLECT, {
      here: ({ write }) => write('data/raw/c.csv', 'c\n'),
      there: ({ write }) => write('data/raw/c.csv', 'c\n'),
    });
    for (const [branch, name] of [
      ['other', 'more'],
      ['main', 'most'],
    ] as const) {
      await story.git('checkout', '--quiet', branch);
      story.write(`data/${name}/x.csv`, 'x\n');
      await story.succeed('add', `data/${name}`);
      await commit(story, name);
    }
    expect((await merge(story)).code).toBe(0);
    expect(story.read('data/.gitignore').split('\n').sort()).toEqual(['', '/more', '/most', '/raw']);
  });
});

describe('one path changed twice', () => {
  const TWICE = {
    here: ({ files }: Story) => files({ 'data/raw/a.csv': 'ours\n', 'data/raw/c.csv': 'c\n' }),
    there: ({ files }: Story) => files({ 'data/raw/a.csv': 'theirs\n', 'data/raw/d.csv': 'd\n' }),
  };

  test('is a conflict that names it, and lock resolve takes the side that is wanted', async () => {
    const story = await branches(PIPELINE, TWICE);
    const merged = await merge(story);
    expect(merged.code).toBe(1);
    expect(merged.stderr).toContain(
      'datawf: data/raw.datawf: data/raw/a.csv was changed by both sides, each otherwise\n' +
        'datawf: Choose a side for what conflicts (the rest is merged): datawf lock resolve --ours data/raw.datawf, or --theirs\n',
    );
    expect(await story.git('diff', '--name-only', '--diff-filter=U')).toBe('data/raw.datawf\n');
    const refused = await story.datawf(['lock', 'resolve', '--json']);
    expectSchema('lock-resolve', refused.json());
    expect([refused.code, refused.json().files]).toMatchObject([
      6,
      [{ file: 'data/raw.datawf', state: 'conflict', conflicts: [{ message: expect.any(String) }] }],
    ]);
    expect(await story.datawf(['lock', 'resolve', '--theirs', 'raw.datawf'], { cwd: 'data' })).toMatchObject({
      code: 0,
      stderr: 'merged data/raw.datawf\nNext: git commit, then datawf checkout\n',
    });
    await story.git('commit', '--quiet', '--no-edit');
    const run = await story.repro();
    expect([run.code, run.ran, run.ended('cached')]).toEqual([0, [], ['clean name=a']]);
    expect(story.texts('data/clean')).toEqual(['a.csv: THEIRS', 'b.csv: B', 'c.csv: C', 'd.csv: D']);
  });
});

describe('lock resolve', () => {
  const EDITS = {
    here: ({ write }: Story) => write('data/raw/c.csv', 'c\n'),
    there: ({ write }: Story) => write('data/raw/d.csv', 'd\n'),
  };
  const BOTH = ['a.csv: A', 'b.csv: B', 'c.csv: C', 'd.csv: D'];

  test('finishes a merge made by a host, whether its markers are in the index or committed', async () => {
    const story = await branches(PIPELINE, EDITS);
    await forgetDrivers(story);
    expect((await merge(story)).code).toBe(1);
    expect(await story.datawf(['status'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('hint: Run: datawf lock resolve\n') as string,
    });
    const dry = await story.succeed('lock', 'resolve', '--dry-run');
    expect(dry.stderr).toBe('would merge data/raw.datawf\nwould merge datawf.lock\n');
    await story.git('commit', '--quiet', '-am', 'markers and all');
    await story.succeed('lock', 'resolve');
    const committed = [story.read('datawf.lock'), story.read('data/raw.datawf')];
    await story.git('reset', '--quiet', '--hard', 'HEAD^1');
    expect((await merge(story)).code).toBe(1);
    await story.succeed('lock', 'resolve');
    expect([story.read('datawf.lock'), story.read('data/raw.datawf')]).toEqual(committed);
    expect(await story.git('diff', '--name-only', '--diff-filter=U')).toBe('');
    await story.git('commit', '--quiet', '--no-edit');
    await story.succeed('checkout');
    expect(story.texts('data/clean')).toEqual(BOTH);
    expect((await story.datawf(['status', '--check'])).code).toBe(0);
    expect((await story.succeed('lock', 'resolve')).stderr).toBe('no merge has left anything open\n');
  });

  test('waits for what a merge in an empty clone had not, and then finishes it', async () => {
    const story = await branches(PIPELINE, EDITS);
    await story.git('clone', '--quiet', '.', '../clone');
    await story.run(['git', 'fetch', '--quiet', 'origin', 'other:other'], { cwd: '../clone' });
    const here = { cwd: '../clone' };
    expect((await story.datawf(['doctor'], here)).stdout).toMatch(
      /^warn +drivers +this clone has no merge driver.*\n +Run: datawf init$/m,
    );
    expect((await story.datawf(['init'], here)).code).toBe(0);
    const merged = await story.run(['git', 'merge', '--no-edit', 'other'], here);
    expect(merged.code).toBe(1);
    expect(merged.stderr).toMatch(/datawf: datawf\.lock: stage clean: .* doesn't have tree [0-9a-f]{64}\n/);
    expect(merged.stderr).toMatch(
      /Get what is missing with `datawf pull`, then: datawf lock resolve datawf\.lock/,
    );
    expect((await story.datawf(['lock', 'resolve'], here)).code).toBe(6);
    cpSync(story.path('.git/datawf'), story.path('../clone/.git/datawf'), { recursive: true });
    expect((await story.datawf(['lock', 'resolve'], here)).code).toBe(0);
    expect((await story.datawf(['checkout'], here)).code).toBe(0);
    expect(story.texts('../clone/data/clean')).toEqual(BOTH);
  });

  test('leaves to git what it is not for, and refuses two sides', async () => {
    const story = await openStory();
    expect(await story.datawf(['lock', 'resolve', 'notes.txt'])).toMatchObject({ code: 2 });
    expect(await story.datawf(['lock', 'resolve', '--ours', '--theirs'])).toMatchObject({ code: 2 });
    story.write('datawf.lock', '<<<<<<< ours\n=======\n>>>>>>> theirs\n');
    await story.git('add', '.');
    const unknown = await story.datawf(['lock', 'resolve']);
    expect([unknown.code, unknown.stderr]).toEqual([
      6,
      expect.stringContaining("the merge they are from isn't known here"),
    ]);
  });
});

test('git diff shows files added, changed and deleted, also from a subfolder', async () => {
  const story = await openBase(COLLECT);
  story.files({ 'data/raw/a.csv': 'changed\n', 'data/raw/c.csv': 'c\n' });
  story.remove('data/raw/b.csv');
  await story.succeed('repro');
  const shown = `diff --datawf data/raw.datawf
data/raw: 1 added, 1 changed, 1 deleted
  added    data/raw/c.csv
  changed  data/raw/a.csv
  deleted  data/raw/b.csv

diff --datawf datawf.lock
stage all: 1 datum made anew
all.txt: 1 changed
  changed  all.txt

`;
  expect(await story.git('diff')).toBe(shown);
  expect((await story.run(['git', 'diff'], { cwd: 'data' })).stdout).toBe(shown);
  rmSync(story.path('.git/datawf/trees'), { recursive: true });
  expect(await story.git('diff', 'data/raw.datawf')).toBe(`diff --datawf data/raw.datawf
data/raw: 2 files instead of 2 (their listing is not in the local store)

`);
});

test('worktrees share the store', async () => {
  const story = await branches(PIPELINE, {
    here: () => undefined,
    there: ({ write }) => write('data/raw/a.csv', 'other\n'),
  });
  await story.git('worktree', 'add', '--quiet', '../tree', 'other');
  const there = { cwd: '../tree' };
  const run = await story.reproWith(there);
  expect([run.code, run.ran]).toEqual([0, []]);
  expect(story.texts('../tree/data/clean')).toEqual(['a.csv: OTHER', 'b.csv: B']);
  expect(story.has('../tree/.git/datawf')).toBe(false);
  story.write('../tree/data/raw/c.csv', 'c\n');
  expect((await story.reproWith(there)).ran).toEqual(['clean name=c']);
  await story.run(['git', 'add', '.'], there);
  await story.run(['git', 'commit', '--quiet', '-m', 'c'], there);
  expect((await merge(story)).code).toBe(0);
  await story.succeed('checkout');
  expect(story.texts('data/clean')).toEqual(['a.csv: OTHER', 'b.csv: B', 'c.csv: C']);
});

describe('conflict markers get a clear message with the cure', () => {
  test.each([
    ['datawf.yaml', 'Edit the file: keep what is right, delete the marker lines, git add it.'],
    ['datawf.lock', 'Run: datawf lock resolve'],
    ['data/raw.datawf', 'Run: datawf lock resolve'],
    ['.datawf/config.yaml', 'Edit the file: keep what is right, delete the marker lines, git add it.'],
  ])('in %s', async (file, cure) => {
    const story = await openStory('stages: {}\n');
    story.write(file, 'version: 1\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n');
    const { code, stderr } = await story.datawf(['status']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*conflict markers from a merge$/m);
    expect(stderr).toContain(`${file}:2:1`);
    expect(stderr).toContain(`hint: ${cure}`);
  });
});

describe('hooks', () => {
  test('bring the data of a branch, warn before a push, and never stop git', async () => {
    const story = await branches(PIPELINE, {
      here: () => undefined,
      there: ({ write }) => write('data/raw/a.csv', 'other\n'),
    });
    story.write('.git/hooks/post-merge', '#!/bin/sh\necho mine\n', 0o755);
    const { stderr } = await story.succeed('init', '--hooks');
    expect(stderr).toContain(`wrote ${story.path('.git/hooks/post-checkout')}\n`);
    expect(stderr).toContain(`left ${story.path('.git/hooks/post-merge')} as it is: it isn't datawf's.`);
    expect(story.read('.git/hooks/post-merge')).toContain('echo mine');
    await story.git('checkout', '--quiet', 'other');
    expect(story.texts('data/clean')).toEqual(['a.csv: OTHER', 'b.csv: B']);
    await story.git('init', '--quiet', '--bare', '../host.git');
    const quiet = await story.run(['git', 'push', '--quiet', '../host.git', 'other']);
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    rmSync(story.path('.git/datawf'), { recursive: true });
    const warned = await story.run(['git', 'push', '--quiet', '../host.git', 'other:again']);
    expect(warned.code).toBe(0);
    expect(warned.stderr).toContain('datawf: data/raw: its listing is not in the local store');
    expect((await story.run(['git', 'checkout', 'main'])).code).toBe(0);
  });
});

describe('works, or says why not,', () => {
  const ONE = `
stages:
  count:
    cmd: wc -l < "$notes" > "$count"
    deps: {notes: notes.txt}
    outs: {count: count.txt}
`;

  test('in a dirty tree, with a detached HEAD, and in a shallow clone', async () => {
    const story = await openStory(ONE);
    story.write('notes.txt', 'x\n');
    await commit(story, 'one');
    story.write('notes.txt', 'dirty\n');
    expect((await story.repro()).ran).toEqual(['count']);
    await commit(story, 'two');
    await story.git('checkout', '--quiet', '--detach');
    expect((await story.succeed('status', '--json')).json()).toMatchObject({ branch: null, clean: true });
    story.write('notes.txt', 'detached\n');
    expect((await story.repro()).ran).toEqual(['count']);
    await story.git('clone', '--quiet', '--depth=1', `file://${story.root}`, '../shallow');
    const there = { cwd: '../shallow' };
    expect((await story.datawf(['status'], there)).code).toBe(0);
    const beyond = await story.datawf(['diff', 'HEAD~1'], there);
    expect([beyond.code, beyond.stderr]).toEqual([4, expect.stringContaining('HEAD~1')]);
  });

  test('in a bare repository, without one, and in one whose git folder is gone', async () => {
    const story = await openStory();
    await story.git('init', '--quiet', '--bare', '../bare.git');
    const said = async (cwd: string): Promise<readonly unknown[]> => {
      const { code, stderr } = await story.datawf(['status', '--json'], { cwd });
      return [code, (JSON.parse(stderr) as { error: string }).error];
    };
    expect(await said('../bare.git')).toEqual([2, 'bare-repository']);
    expect(await said('..')).toEqual([2, 'no-repository']);
    expect(await said('.git')).toEqual([2, 'inside-git-folder']);
    await story.git('-c', 'user.name=x', 'commit', '--quiet', '--allow-empty', '-m', 'x');
    await story.git('worktree', 'add', '--quiet', '../tree');
    rmSync(story.path('.git'), { recursive: true });
    expect(await said('../tree')).toEqual([2, 'broken-repository']);
  });

  test('in a submodule, whose data are its own, and in a repository inside another', async () => {
    const story = await openStory(ONE);
    story.write('notes.txt', 'x\n');
    await commit(story, 'one');
    const outer = await openStory();
    const allow = ['-c', 'protocol.file.allow=always'];
    await outer.git(...allow, 'submodule', '--quiet', 'add', story.root, 'part');
    const part = { cwd: 'part' };
    expect((await outer.datawf(['init'], part)).code).toBe(0);
    expect((await outer.datawf(['doctor'], part)).stdout).toMatch(/^ok +drivers /m);
    expect((await outer.reproWith(part)).ran).toEqual(['count']);
    expect([outer.has('.git/modules/part/datawf/FORMAT'), outer.has('.git/datawf')]).toEqual([true, false]);
    outer.files({ 'inner/datawf.yaml': ONE, 'inner/notes.txt': 'x\n' });
    await outer.git('init', '--quiet', 'inner');
    expect((await outer.reproWith({ cwd: 'inner' })).ran).toEqual(['count']);
    expect((await outer.succeed('status', '--json')).json()).toMatchObject({ stages: [], datasets: [] });
  });

  test('with a datawf.yaml in a subfolder, whose lock merges like any other', async () => {
    const story = await openStory();
    await story.succeed('init');
    story.files({ 'sub/datawf.yaml': PIPELINE.replace('data/raw/{', '/data/raw/{'), 'sub/notes.txt': 'x\n' });
    story.write('data/raw/a.csv', 'a\n');
    await story.succeed('add', 'data/raw');
    await story.succeed('repro');
    await commit(story, 'base');
    await story.git('checkout', '--quiet', '-b', 'other');
    await runEdit(story, ({ write }) => write('data/raw/b.csv', 'b\n'));
    await story.git('checkout', '--quiet', 'main');
    await runEdit(story, ({ write }) => write('data/raw/c.csv', 'c\n'));
    expect(await merge(story)).toMatchObject({ code: 0, stderr: '' });
    await story.succeed('checkout');
    expect(story.texts('sub/data/clean')).toEqual(['a.csv: A', 'b.csv: B', 'c.csv: C']);
    expect((await story.datawf(['status', '--check'])).code).toBe(0);
  });
});
