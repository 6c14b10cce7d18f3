import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import { filesBelow, openStory, readRepro, type Repro, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  level:
    cmd: printf %s "$LEVEL" > "$out"
    env: {LEVEL: }
    outs: {out: level.txt}
`;

const CONFIG = `stores:
  production: {url: "BASE/prod"}
  trial: {url: "BASE/branches/{branch}"}
environments:
  production: {branches: [main, "release/*"], write: production, env: {LEVEL: high}}
  test: {branches: ["**"], write: trial, read: [production], env: {LEVEL: low}}
limits: {archive: 2}
`;

async function openProject(): Promise<Story> {
  const story = await openStory(PIPELINE);
  for (const day of ['01', '02']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  story.write('.datawf/config.yaml', CONFIG.replaceAll('BASE', story.path('..')));
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  return story;
}

describe('env', () => {
  test('list shows all, and which one the branch fits', async () => {
    const story = await openProject();
    const list = (await story.datawf(['env', 'list', '--json'])).json<{ name: string; current: boolean }[]>();
    expectSchema('env-list', list);
    expect(list.map(({ name, current }) => [name, current])).toEqual([
      ['production', true],
      ['test', false],
    ]);
    await story.git('switch', '--quiet', '-c', 'release/1');
    expect((await story.datawf(['env', 'show', '--json'])).json()).toMatchObject({ name: 'production' });
  });

  test('show replaces placeholders, and opens nothing', async () => {
    const story = await openProject();
    await story.git('switch', '--quiet', '-c', 'Feature/Wind');
    const report = (await story.datawf(['env', 'show', '--json'])).json<{ write: { url: string } }>();
    expectSchema('env-show', report);
    expect(report).toMatchObject({
      name: 'test',
      branch: 'Feature/Wind',
      current: true,
      read: [{ name: 'trial' }, { name: 'production' }],
      env: { LEVEL: 'low' },
      limits: { archive: 2 },
    });
    expect(report.write.url).toMatch(/\/branches\/feature-wind-[0-9a-f]{8}$/);
    expect(filesBelow(story.path('../branches'))).toEqual([]);
    const { code, stderr } = await story.datawf(['env', 'show', 'prodution', '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'no-environment', exit: 4 });
  });

  test('without any, a workspace uses the one store that is named', async () => {
    const story = await openStory(PIPELINE);
    await story.succeed('config', 'set', 'stores.only.url', '../only');
    expect((await story.datawf(['env', 'show', '--json'])).json()).toMatchObject({
      name: null,
      write: { name: 'only' },
    });
    await story.succeed('config', 'set', 'stores.more.url', '../more');
    expect((await story.datawf(['env', 'show', '--json'])).json()).toMatchObject({ write: null, read: [] });
  });
});

describe('a branch', () => {
  test('reads what production has and writes to a place of its own', async () => {
    const story = await openProject();
    await story.succeed('push');
    const before = filesBelow(story.path('../prod'));
    await story.git('switch', '--quiet', '-c', 'wind');
    const created = (await story.datawf(['push', '--json'])).events().at(-1);
    expect(created).toMatchObject({ objects: 0 });
    story.write('raw/2024-01-03.csv', 'row 03\n');
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-01-03', 'level']);
    expect((await story.datawf(['push', '--json'])).events().at(-1)).toMatchObject({ objects: 3 });
    expect(filesBelow(story.path('../prod'))).toEqual(before);
    expect(filesBelow(story.path('../branches/wind/objects'))).toHaveLength(3 + 2);
    await story.git('add', '--all');
    await story.git('commit', '--quiet', '-m', 'three');
    await story.git('clone', '--quiet', '.', '../clone');
    const pulled = await story.datawf(['pull', '--json'], { cwd: '../clone' });
    expect(pulled.code, pulled.stderr).toBe(0);
    expect(story.texts('../clone/clean')).toEqual(story.texts('clean'));
  });

  test('gives env values of its own, and the run says which environment it was', async () => {
    const story = await openProject();
    expect(story.read('level.txt')).toBe('high');
    await story.git('switch', '--quiet', '-c', 'wind');
    expect((await story.stage('level')).state).toBe('stale');
    await story.succeed('repro');
    expect(story.read('level.txt')).toBe('low');
    const log = (await story.datawf(['log', '--json'])).json<{ environment: string }[]>();
    expect(log.map(({ environment }) => environment)).toEqual(['test', 'production']);
    await story.succeed('repro', '--env', 'production');
    expect(story.read('level.txt')).toBe('high');
    const status = await story.datawf(['status', '--check', '--env', 'production']);
    expect(status.code).toBe(0);
  });
});

test("production never uses a branch's results, and a branch uses production's", async () => {
  const story = await openProject();
  await story.succeed('push');
  await story.git('switch', '--quiet', '-c', 'wind');
  story.write('raw/2024-01-03.csv', 'row 03\n');
  await story.succeed('repro');
  await story.succeed('push');
  const there = async (branch: string): Promise<Repro> => {
    const cwd = `../clone-${branch}`;
    await story.git('clone', '--quiet', '--branch', 'main', '.', cwd);
    if (branch !== 'main') await story.run(['git', 'switch', '--quiet', '-c', branch], { cwd });
    await story.datawf(['pull'], { cwd });
    story.write(`${cwd}/raw/2024-01-03.csv`, 'row 03\n');
    return readRepro(await story.datawf(['repro', 'clean', '--json'], { cwd }));
  };
  expect((await there('main')).ran).toEqual(['clean date=2024-01-03']);
  expect((await there('wind')).ended('cached')).toEqual(['clean date=2024-01-03']);
});

test('a store that is gone costs a run nothing but what it had', async () => {
  const story = await openProject();
  await story.succeed('push');
  rmSync(story.path('../prod'), { recursive: true });
  story.write('../prod', 'a file in its place');
  story.write('raw/2024-01-03.csv', 'row 03\n');
  const run = await story.repro('clean');
  expect(run).toMatchObject({ code: 0, ran: ['clean date=2024-01-03'] });
});

describe('in one clone', () => {
  const NEW_CODE = PIPELINE.replace('tr a-z A-Z', 'tr a-z 0-9');

  /** Production's own run, and on a branch another with new code, of which production gets the code alone. */
  async function openTried(): Promise<Story> {
    const story = await openProject();
    await story.git('switch', '--quiet', '-c', 'wind');
    story.pipeline(NEW_CODE);
    expect((await story.repro('clean')).ran).toHaveLength(2);
    await story.git('add', '--all');
    await story.git('commit', '--quiet', '-m', 'tried');
    await story.git('switch', '--quiet', 'main');
    await story.succeed('checkout');
    story.pipeline(NEW_CODE);
    return story;
  }

  test('production runs what only another branch has run, and then has its own', async () => {
    const story = await openTried();
    expect((await story.stage('clean')).datums).toMatchObject({ stale: 2, cached: 0 });
    expect((await story.repro('clean')).counts).toMatchObject({ ran: 2 });
    story.pipeline(PIPELINE);
    expect((await story.repro('clean')).counts).toMatchObject({ cached: 2 });
    story.pipeline(NEW_CODE);
    expect((await story.repro('clean')).counts).toMatchObject({ cached: 2 });
  });

  test('production takes what a merge brings in its lock, also when it was lost here', async () => {
    const story = await openTried();
    await story.git('checkout', '--quiet', '--', '.');
    await story.git('merge', '--quiet', 'wind');
    expect((await story.repro('clean')).counts).toEqual({ skipped: 3 });
    rmSync(story.path('clean'), { recursive: true });
    expect((await story.repro('clean')).counts).toEqual({ skipped: 3 });
    expect(story.texts('clean')).toHaveLength(2);
  });

  test('a branch that reads production takes its results, before they were pushed', async () => {
    const story = await openTried();
    expect((await story.repro('clean')).counts).toMatchObject({ ran: 2 });
    await story.git('checkout', '--quiet', '--', '.');
    await story.succeed('checkout');
    await story.git('switch', '--quiet', '-c', 'other');
    story.pipeline(NEW_CODE);
    expect((await story.repro('clean')).counts).toMatchObject({ cached: 2 });
  });

  test('production pushes none of the results of branches', async () => {
    const story = await openTried();
    story.pipeline(PIPELINE);
    await story.succeed('push', '--run-cache');
    const segments = filesBelow(story.path('../prod/results')).map((name) =>
      story.read(`../prod/results/${name}`),
    );
    const lines = segments.flatMap((text) => text.trim().split('\n'));
    const made = lines.map((line) => (JSON.parse(line) as { made: { scope: string } }).made.scope);
    expect(made).toEqual(made.map(() => story.path('../prod')));
    expect(made).toHaveLength(3);
  });
});
