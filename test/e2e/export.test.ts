import { lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';

const LONG = `data/${'long-'.repeat(30)}/Ünïcode ${'x'.repeat(60)}.txt`;

async function withData(): Promise<Rig> {
  const rig = await openRig();
  rig.write('data/a.txt', 'a\n');
  rig.write('data/run.sh', '#!/bin/sh\n', 0o755);
  rig.write(LONG, 'far away\n');
  symlinkSync('a.txt', rig.path('data/link'));
  await rig.succeed('add', 'data');
  await rig.git('add', '--all');
  await rig.git('commit', '--quiet', '-m', 'one');
  return rig;
}

test('a folder gets plain copies under their paths', async () => {
  const rig = await withData();
  await rig.succeed('export', 'data', '../out');
  expect(rig.read('../out/data/a.txt')).toBe('a\n');
  expect(rig.read(`../out/${LONG}`)).toBe('far away\n');
  expect(readlinkSync(rig.path('../out/data/link'))).toBe('a.txt');
  expect(lstatSync(rig.path('../out/data/run.sh')).mode & 0o777).toBe(0o755);
  expect(lstatSync(rig.path('../out/data/a.txt'))).toMatchObject({ nlink: 1 });
  expect(lstatSync(rig.path('../out/data/a.txt')).mode & 0o777).toBe(0o644);
});

test('an archive is the same bytes each time, and tar reads it', async () => {
  const rig = await withData();
  await rig.succeed('export', 'data', '../one.tar');
  await rig.succeed('export', 'data', '../two.tar');
  await rig.succeed('export', 'data', '../three.tar.gz');
  const one = readFileSync(rig.path('../one.tar'));
  expect(readFileSync(rig.path('../two.tar')).equals(one)).toBe(true);
  expect(gunzipSync(readFileSync(rig.path('../three.tar.gz'))).equals(one)).toBe(true);
  await rig.run(['mkdir', '../unpacked']);
  const { code, stderr } = await rig.run(['tar', '-xf', '../one.tar', '-C', '../unpacked']);
  expect([code, stderr]).toEqual([0, '']);
  expect(rig.read(`../unpacked/${LONG}`)).toBe('far away\n');
  expect(readlinkSync(rig.path('../unpacked/data/link'))).toBe('a.txt');
  expect(lstatSync(rig.path('../unpacked/data/run.sh')).mode & 0o111).toBe(0o111);
});

test('another version is named by its commit, one file by its path', async () => {
  const rig = await withData();
  rig.write('data/a.txt', 'changed\n');
  await rig.succeed('add', 'data');
  await rig.succeed('export', 'HEAD:data/a.txt', '../before');
  await rig.succeed('export', './data/a.txt', '../now');
  expect([rig.read('../before/data/a.txt'), rig.read('../now/data/a.txt')]).toEqual(['a\n', 'changed\n']);
  expect(rig.has('../now/data/run.sh')).toBe(false);
});

test('what is there is overwritten only by force', async () => {
  const rig = await withData();
  rig.write('out/data/a.txt', 'mine\n');
  const { code, stderr } = await rig.datawf(['export', 'data', 'out']);
  expect([code, stderr]).toEqual([6, expect.stringContaining('out/data/a.txt')]);
  expect(rig.has('out/data/run.sh')).toBe(false);
  await rig.succeed('export', 'data', 'out', '--dry-run', '--force');
  expect(rig.read('out/data/a.txt')).toBe('mine\n');
  await rig.succeed('export', 'data', 'out', '--force');
  expect(rig.read('out/data/a.txt')).toBe('a\n');
});

test("what is not here comes from the branch's store, checked", async () => {
  const rig = await withData();
  await rig.succeed('config', 'set', 'stores.nas.url', rig.path('../nas'));
  await rig.succeed('push');
  await rig.run(['rm', '-rf', '.git/datawf/objects']);
  const end = (await rig.succeed('export', 'data', '../out.tar', '--json')).events().at(-1);
  expect(end).toMatchObject({ event: 'end', files: 4, bytes: 26 });
  await rig.run(['sh', '-c', 'for f in ../nas/objects/*/*; do chmod 644 "$f"; echo damaged > "$f"; done']);
  const { code } = await rig.datawf(['export', 'data', '../bad.tar']);
  expect(code).toBe(7);
  expect(rig.has('../bad.tar')).toBe(false);
});

test('what nobody has is said before anything is written', async () => {
  const rig = await withData();
  await rig.run(['rm', '-rf', '.git/datawf/objects']);
  const { code, stderr } = await rig.datawf(['export', 'data', '../out']);
  expect([code, stderr]).toEqual([4, expect.stringContaining('data/a.txt')]);
  expect(rig.has('../out')).toBe(false);
});
