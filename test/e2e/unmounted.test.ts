import { mkdirSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openStory } from './story.ts';

test('a store on a disk that is not mounted is told, and not taken as empty', async () => {
  const story = await openStory();
  story.write('.datawf/config.yaml', 'stores: {nas: {url: ../mnt/nas}}\n');
  story.write('raw/a.csv', 'a\n');
  await story.succeed('add', 'raw');
  await story.succeed('push');
  renameSync(story.path('../mnt'), story.path('../disk'));
  mkdirSync(story.path('../mnt/nas'), { recursive: true });
  for (const command of [['push'], ['verify', '--all']]) {
    const { code, stderr } = await story.datawf([...command, '--json']);
    expect([code, (JSON.parse(stderr) as { error: string }).error]).toEqual([5, 'store-not-there']);
  }
  story.remove('../mnt/nas');
  expect((await story.datawf(['push'])).code).toBe(5);
  story.remove('../mnt');
  renameSync(story.path('../disk'), story.path('../mnt'));
  await story.succeed('pull');
});

test('a store of {branch} is found on a detached HEAD by the branch whose tip it is', async () => {
  const story = await openStory();
  story.write('.datawf/config.yaml', 'stores: {all: {url: "../stores/{branch}"}}\n');
  story.write('raw/a.csv', 'a\n');
  await story.succeed('add', 'raw');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  await story.succeed('push');
  await story.git('switch', '--quiet', '--detach');
  expect((await story.datawf(['push', '--json'])).events().at(-1)).toMatchObject({ objects: 0 });
  expect((await story.datawf(['fetch'])).code).toBe(0);
  await story.git('commit', '--quiet', '--allow-empty', '-m', 'two');
  const { code, stderr } = await story.datawf(['fetch', '--json']);
  expect([code, (JSON.parse(stderr) as { error: string }).error]).toEqual([2, 'no-branch']);
});
