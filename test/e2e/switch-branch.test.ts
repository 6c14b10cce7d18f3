import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { filesBelow, openStory, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

async function commit(rig: Rig, message: string): Promise<void> {
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', message);
}

/** Branch `main` with a and b, branch `other` with a changed, c new and b gone; `other` is checked out. */
async function twoBranches(): Promise<Story> {
  const story = await openStory(PIPELINE);
  story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
  await story.succeed('add', 'data/raw');
  await story.succeed('repro');
  await commit(story, 'one');
  await story.git('checkout', '--quiet', '-b', 'other');
  story.files({ 'data/raw/a.csv': 'changed\n', 'data/raw/c.csv': 'c\n' });
  story.remove('data/raw/b.csv');
  await story.succeed('repro');
  await commit(story, 'two');
  return story;
}

describe('after git switch', () => {
  test('nothing counts as edited: the record wins', async () => {
    const story = await twoBranches();
    await story.git('checkout', '--quiet', 'main');
    const { datasets } = (await story.succeed('status', '--json')).json();
    expect(datasets).toMatchObject([
      { path: 'data/raw', state: 'missing', added: 0, changed: 0, deleted: 0 },
      { path: 'data/clean', state: 'missing', added: 0, changed: 0, deleted: 0 },
    ]);
  });

  test('checkout brings the data of that branch, and back', async () => {
    const story = await twoBranches();
    await story.git('checkout', '--quiet', 'main');
    await story.succeed('checkout');
    expect(story.texts('data/raw')).toEqual(['a.csv: a', 'b.csv: b']);
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
    await story.git('checkout', '--quiet', 'other');
    await story.succeed('checkout');
    expect(story.texts('data/raw')).toEqual(['a.csv: changed', 'c.csv: c']);
    expect(story.texts('data/clean')).toEqual(['a.csv: CHANGED', 'c.csv: C']);
  });

  test('repro runs nothing and leaves the lock as it is', async () => {
    const story = await twoBranches();
    await story.git('checkout', '--quiet', 'main');
    const run = await story.repro();
    expect([run.code, run.ran]).toEqual([0, []]);
    expect(await story.git('status', '--short')).toBe('');
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
  });

  test('an edit that came along is still an edit, and add records it on top of the record', async () => {
    const story = await twoBranches();
    story.files({ 'data/raw/mine.csv': 'mine\n' });
    await story.git('checkout', '--quiet', 'main');
    const { datasets } = (await story.succeed('status', '--json')).json();
    expect(datasets[0]).toMatchObject({
      path: 'data/raw',
      state: 'modified',
      added: 1,
      changed: 0,
      deleted: 0,
    });
    await story.succeed('add', 'data/raw');
    await story.succeed('checkout');
    expect(story.texts('data/raw')).toEqual(['a.csv: a', 'b.csv: b', 'mine.csv: mine']);
  });

  test('add records nothing of the other branch, not even files that were touched', async () => {
    const story = await twoBranches();
    await story.git('checkout', '--quiet', 'main');
    await story.run(['touch', 'data/raw/a.csv']);
    await story.succeed('add', 'data/raw');
    expect(await story.git('status', '--short')).toBe('');
  });

  test('a deletion that came along is still one', async () => {
    const story = await twoBranches();
    story.remove('data/raw/a.csv');
    await story.git('checkout', '--quiet', 'main');
    const { datasets } = (await story.succeed('status', '--json')).json();
    expect(datasets[0]).toMatchObject({
      path: 'data/raw',
      state: 'modified',
      added: 0,
      changed: 0,
      deleted: 1,
    });
  });
});

test('one file that another branch has otherwise is no edit', async () => {
  const story = await openStory();
  story.write('model.bin', 'one');
  await story.succeed('add', 'model.bin');
  await commit(story, 'one');
  await story.git('checkout', '--quiet', '-b', 'other');
  story.write('model.bin', 'two');
  await story.succeed('add', 'model.bin');
  await commit(story, 'two');
  await story.git('checkout', '--quiet', 'main');
  await story.run(['touch', 'model.bin']);
  await story.succeed('add', 'model.bin');
  expect(await story.git('status', '--short')).toBe('');
  await story.succeed('checkout');
  expect(story.read('model.bin')).toBe('one');
});

test('data of a branch that this one has not at all goes, and comes back with it', async () => {
  const story = await openStory();
  story.write('README', 'x\n');
  await commit(story, 'nothing');
  await story.git('checkout', '--quiet', '-b', 'data');
  story.files({ 'data/raw/a.csv': 'a\n' });
  await story.succeed('add', 'data/raw');
  await commit(story, 'data');
  await story.git('checkout', '--quiet', 'main');
  await story.succeed('checkout');
  expect(story.has('data/raw')).toBe(false);
  await story.git('checkout', '--quiet', 'data');
  await story.succeed('checkout');
  expect(story.texts('data/raw')).toEqual(['a.csv: a']);
});

test('branches that divide the folders otherwise are brought home too', async () => {
  const story = await openStory();
  story.files({ 'data/raw/a.csv': 'a\n', 'data/extra/b.csv': 'b\n' });
  await story.succeed('add', 'data/raw', 'data/extra');
  await commit(story, 'two datasets');
  await story.git('checkout', '--quiet', '-b', 'whole');
  await story.succeed('remove', 'data/raw', 'data/extra');
  story.files({ 'data/raw/a.csv': 'other\n', 'data/more.csv': 'more\n' });
  await story.succeed('add', 'data');
  await commit(story, 'one dataset');
  await story.git('checkout', '--quiet', 'main');
  expect((await story.succeed('status', '--json')).json().datasets).toMatchObject([
    { path: 'data/extra', changed: 0 },
    { path: 'data/raw', state: 'missing', changed: 0 },
  ]);
  await story.succeed('checkout');
  expect(filesBelow(story.path('data'))).toEqual(expect.arrayContaining(['extra/b.csv', 'raw/a.csv']));
  expect(story.read('data/raw/a.csv')).toBe('a\n');
  expect(story.has('data/more.csv')).toBe(false);
});
