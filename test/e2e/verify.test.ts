import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { VerifyReport } from '../../src/model/verify-report.ts';
import { expectSchema } from '../rig/schemas.ts';
import type { Rig } from './rig.ts';
import { openStory, type Story } from './story.ts';

const UPPER = `
stages:
  up:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

async function verify(rig: Rig, ...args: readonly string[]): Promise<VerifyReport & { code: number }> {
  const { code, stdout } = await rig.datawf(['verify', '--json', ...args]);
  const report = JSON.parse(stdout) as VerifyReport;
  expectSchema('verify', report);
  return { ...report, code };
}

/** A workflow with copies in the workspace, committed; with a second store that has all of it where asked. */
async function workflow(options: { readonly pushed?: boolean } = {}): Promise<Story> {
  const story = await openStory(UPPER);
  await story.succeed('config', 'set', 'cache.links', 'copy');
  story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
  await story.succeed('add', 'data/raw');
  await story.repro();
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  if (options.pushed === true) {
    await story.succeed('config', 'set', 'stores.nas.url', story.path('../nas'));
    await story.succeed('push');
  }
  return story;
}

async function objectOf(rig: Rig, path: string, store = '.git/datawf'): Promise<string> {
  const [file] = (await rig.succeed('ls', '-R', '--json', path)).json();
  const digest = String(file.digest);
  return rig.path(`${store}/objects/${digest.slice(0, 2)}/${digest}`);
}

function spoil(file: string, bytes: string | Uint8Array): void {
  chmodSync(file, 0o644);
  writeFileSync(file, bytes);
}

/** Takes the workspace's copies away, as if they had never been brought. */
function withoutWorkspace(rig: Rig): void {
  for (const folder of ['data/raw', 'data/clean']) rmSync(rig.path(folder), { recursive: true });
  rmSync(rig.path('.git/datawf/index'), { recursive: true });
}

describe('an object that is gone', () => {
  test('is put back from the workspace', async () => {
    const story = await workflow();
    rmSync(await objectOf(story, 'data/clean/a.csv'));
    const report = await verify(story);
    expect(report).toMatchObject({
      code: 0,
      damaged: [],
      repaired: [{ from: 'workspace', paths: ['data/clean/a.csv'] }],
    });
    expect((await story.succeed('cat', 'data/clean/a.csv')).stdout).toBe('A\n');
  });

  test('is named with its files, branches and the stage that makes it again, which repro does', async () => {
    const story = await workflow();
    await story.git('branch', 'other');
    rmSync(await objectOf(story, 'data/clean/a.csv'));
    withoutWorkspace(story);
    const report = await verify(story);
    expect(report).toMatchObject({
      code: 7,
      damaged: [
        {
          kind: 'object',
          fault: 'it is missing',
          paths: ['data/clean/a.csv'],
          branches: [{ branch: 'main' }, { branch: 'other', paths: ['data/clean/a.csv'], count: 1 }],
          cure: expect.stringContaining('datawf repro up'),
        },
      ],
    });
    expect((await story.repro()).ran).toEqual(['up name=a']);
    expect(await verify(story)).toMatchObject({ code: 0, damaged: [] });
    expect(story.texts('data/clean')).toEqual(['a.csv: A', 'b.csv: B']);
  });

  test('of another branch alone is named with that branch', async () => {
    const story = await workflow();
    await story.git('switch', '--quiet', '-c', 'other');
    story.files({ 'data/raw/c.csv': 'only there\n' });
    await story.succeed('add', 'data/raw');
    await story.git('commit', '--quiet', '--all', '-m', 'two');
    const object = await objectOf(story, 'data/raw/c.csv');
    await story.git('switch', '--quiet', 'main');
    await story.succeed('checkout');
    rmSync(object);
    expect(await verify(story)).toMatchObject({
      code: 7,
      damaged: [{ paths: [], branches: [{ branch: 'other', paths: ['data/raw/c.csv'] }] }],
    });
  });

  test('is no damage where another store has it: fetch brings it', async () => {
    const story = await workflow({ pushed: true });
    rmSync(await objectOf(story, 'data/clean/a.csv'));
    withoutWorkspace(story);
    expect(await verify(story)).toMatchObject({ code: 0, damaged: [], absent: 1 });
    expect((await story.succeed('verify')).stdout).toContain('datawf fetch');
    await story.succeed('fetch');
    expect(await verify(story)).toMatchObject({ code: 0, absent: 0 });
  });
});

describe('damage that another store can mend', () => {
  test('is mended: a flipped and a truncated object, and a tree', async () => {
    const story = await workflow({ pushed: true });
    withoutWorkspace(story);
    spoil(await objectOf(story, 'data/raw/a.csv'), 'x\n');
    spoil(await objectOf(story, 'data/clean/b.csv'), '');
    const tree = /tree: (\w+)/.exec(story.read('data/raw.datawf'))![1]!;
    spoil(story.path(`.git/datawf/trees/${tree.slice(0, 2)}/${tree}`), 'f ');
    const report = await verify(story);
    expect([report.code, report.damaged]).toEqual([0, []]);
    expect(report.repaired.map(({ from }) => from)).toEqual(['nas', 'nas', 'nas']);
    await story.succeed('checkout');
    expect([...story.texts('data/raw'), ...story.texts('data/clean')]).toEqual([
      'a.csv: a',
      'b.csv: b',
      'a.csv: A',
      'b.csv: B',
    ]);
  });
});

describe('verify --all', () => {
  test('reads the stores of the branch, and mends them from here', async () => {
    const story = await workflow({ pushed: true });
    spoil(await objectOf(story, 'data/raw/a.csv', '../nas'), 'x\n');
    rmSync(await objectOf(story, 'data/clean/a.csv', '../nas'));
    expect(await verify(story)).toMatchObject({ code: 0, stores: [] });
    const report = await verify(story, '--all');
    expect(report).toMatchObject({ code: 0, stores: [{ name: 'nas', damaged: [] }] });
    expect(report.stores[0]?.repaired.map(({ from }) => from)).toEqual(['local', 'local']);
    expect(readFileSync(await objectOf(story, 'data/raw/a.csv', '../nas'), 'utf8')).toBe('a\n');
    expect((await verify(story, '--all')).stores).toMatchObject([{ repaired: [], damaged: [] }]);
  });

  test('names what nobody has with the branches of that store', async () => {
    const story = await workflow({ pushed: true });
    for (const store of ['../nas', '.git/datawf']) rmSync(await objectOf(story, 'data/raw/a.csv', store));
    withoutWorkspace(story);
    const report = await verify(story, '--all');
    expect(report).toMatchObject({
      code: 7,
      damaged: [{ paths: ['data/raw/a.csv'], cure: expect.stringContaining('backup') }],
      stores: [{ damaged: [{ branches: [{ branch: 'main', paths: ['data/raw/a.csv'], count: 1 }] }] }],
    });
    expect((await story.datawf(['verify', '--all'])).stdout).toContain('main: data/raw/a.csv');
  });
});

test('a lock that cannot be read is told, and objects are verified all the same', async () => {
  const story = await workflow();
  story.write('datawf.lock', story.read('datawf.lock').slice(0, 60));
  spoil(await objectOf(await workflow(), 'data/raw/a.csv'), 'other\n');
  const [pair = ''] = readdirSync(story.path('.git/datawf/objects'));
  const [name = ''] = readdirSync(story.path(`.git/datawf/objects/${pair}`));
  spoil(story.path(`.git/datawf/objects/${pair}/${name}`), 'spoilt\n');
  const { code, unreadable, damaged, repaired } = await verify(story);
  expect(code).toBe(7);
  expect(unreadable).toMatchObject([{ file: expect.stringContaining('datawf.lock') }]);
  expect([...damaged, ...repaired].map(({ digest }) => digest)).toEqual([name]);
});
