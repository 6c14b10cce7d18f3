import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAKE_KEYS, useFakeS3 } from '../rig/use-fake-s3.ts';
import { openRig, type Rig } from './rig.ts';

/** What a pull asks of a bucket is in proportion to what it brings. */

/** Some three leaves of a tree. */
const FILES = 2_500;

const fake = await useFakeS3();

const nameOf = (at: number): string => `data/${String(Math.floor(at / 10)).padStart(5, '0')}/${at % 10}.csv`;

async function datawf(rig: Rig, ...args: string[]): Promise<void> {
  const { code, stderr } = await rig.datawf(args, { env: FAKE_KEYS });
  expect(code, stderr).toBe(0);
}

async function pushMany(): Promise<Rig> {
  const rig = await openRig();
  for (let at = 0; at < FILES; at++) rig.write(nameOf(at), `${at}\n`);
  const store = { url: 's3://test/p', endpoint: fake.endpoint, path_style: 'true' };
  for (const [name, value] of Object.entries(store))
    await datawf(rig, 'config', 'set', `stores.s3.${name}`, value);
  await datawf(rig, 'add', 'data');
  await rig.git('add', '--all');
  await rig.git('commit', '--quiet', '-m', 'many');
  await datawf(rig, 'push');
  return rig;
}

async function cloneOf(rig: Rig): Promise<Rig> {
  const clone = await openRig({ git: false });
  await rig.git('clone', '--quiet', rig.root, clone.root);
  return clone;
}

const asked = (): string[] =>
  fake.requests.map(({ method, key }) => `${method} ${/\/(objects|trees)\//.exec(key)?.[1] ?? key}`);
const count = (what: string): number => asked().filter((request) => request === what).length;

test('ten of many files cost ten objects and a few nodes, by name or because they changed', async () => {
  const rig = await pushMany();
  const clone = await cloneOf(rig);

  fake.requests.length = 0;
  await datawf(clone, 'pull', 'data/00070');
  expect(readdirSync(clone.path('data'))).toEqual(['00070']);
  expect(readdirSync(clone.path('data/00070'))).toHaveLength(10);
  expect(count('GET objects')).toBe(10);
  expect(count('GET trees')).toBeLessThanOrEqual(3);
  expect(fake.requests.length, asked().join('\n')).toBeLessThanOrEqual(16);

  fake.requests.length = 0;
  await datawf(clone, 'pull', 'data/00070', 'data/00140/5.csv');
  expect(clone.read('data/00140/5.csv')).toBe('1405\n');
  expect(fake.requests.length, asked().join('\n')).toBeLessThanOrEqual(4);

  fake.requests.length = 0;
  await datawf(clone, 'checkout', 'data/00070');
  expect(asked()).toEqual([]);

  await datawf(clone, 'pull');
  for (let at = 0; at < 10; at++) rig.write(nameOf(at * 249), `changed ${at}\n`);
  await datawf(rig, 'add', 'data');
  await rig.git('commit', '--quiet', '--all', '-m', 'ten');
  await datawf(rig, 'push');
  await clone.git('pull', '--quiet');
  fake.requests.length = 0;
  await datawf(clone, 'pull');
  expect(clone.read(nameOf(249))).toBe('changed 1\n');
  expect(count('GET objects')).toBe(10);
  expect(count('GET trees')).toBeLessThanOrEqual(5);
  expect(fake.requests.length, asked().join('\n')).toBeLessThanOrEqual(18);
}, 180_000);
