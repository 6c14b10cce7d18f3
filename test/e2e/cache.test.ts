import { expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import { openRig, type Rig } from './rig.ts';

/** Two versions, the second of which is checked out. */
async function withVersions(): Promise<Rig> {
  const rig = await openRig();
  for (const text of ['one\n', 'two\n']) {
    rig.write('data/a.csv', text);
    await rig.succeed('add', 'data');
    await rig.git('add', '--all');
    await rig.git('commit', '--quiet', '-m', text.trim());
  }
  return rig;
}

async function pushAll(rig: Rig): Promise<void> {
  await rig.succeed('config', 'set', 'stores.nas.url', rig.path('../nas'));
  await rig.git('switch', '--quiet', '-c', 'before', 'HEAD~1');
  await rig.succeed('checkout');
  await rig.succeed('push');
  await rig.git('switch', '--quiet', 'main');
  await rig.succeed('checkout');
}

test('cache du tells data from what is kept about it', async () => {
  const rig = await withVersions();
  const report = (await rig.succeed('cache', 'du', '--json')).json();
  expectSchema('cache-du', report);
  // Both versions and the texts of their pointers.
  expect(report).toMatchObject({ objects: { files: 4 }, needed: { files: 2 }, trees: { files: 2 } });
  expect((await rig.succeed('cache', 'du')).stdout).toContain('needed by this checkout');
});

test('cache prune drops what another store has and no checkout needs', async () => {
  const rig = await withVersions();
  await pushAll(rig);
  const dry = (await rig.succeed('cache', 'prune', '-n', '--json')).events().at(-1);
  expectSchema('event', dry);
  expect(dry).toMatchObject({ event: 'end', dryRun: true, dropped: { files: 3 } });
  expect((await rig.succeed('cache', 'prune', '--older-than', '1d')).stdout).toContain('touched lately');
  const end = (await rig.succeed('cache', 'prune', '--json')).events().at(-1);
  expect(end).toMatchObject({ dropped: { files: 3 }, needed: { files: 2 } });
  expect((await rig.succeed('verify', '--json')).json()).toMatchObject({ objects: 2 });
  expect((await rig.succeed('status', '--json')).json()).toMatchObject({ clean: true });
  await rig.git('switch', '--quiet', 'before');
  await rig.succeed('pull');
  expect(rig.read('data/a.csv')).toBe('one\n');
});

test('cache prune keeps what no other store has', async () => {
  const rig = await withVersions();
  await rig.succeed('config', 'set', 'stores.nas.url', rig.path('../nas'));
  const end = (await rig.succeed('cache', 'prune', '--json')).events().at(-1);
  expect(end).toMatchObject({ dropped: { files: 0 }, onlyHere: { files: 2 } });
  expect((await rig.succeed('cat', 'HEAD~1:data/a.csv')).stdout).toBe('one\n');
});

test('cache prune refuses without a second store', async () => {
  const rig = await withVersions();
  const { code, stderr } = await rig.datawf(['cache', 'prune']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('stores.')]);
});
