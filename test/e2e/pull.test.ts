import { existsSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import type { Result, RunOptions } from './rig.ts';
import { filesBelow, readRepro, type Repro, type Story } from './story.ts';
import { openTwoStages, PIPELINE } from './two-stages.ts';

/** A clone beside the repository, where datawf and git run. */
interface Clone {
  datawf(...args: readonly string[]): Promise<Result>;
  repro(...args: readonly string[]): Promise<Repro>;
  git(...args: readonly string[]): Promise<Result>;
  /** Path from the story's folder. */
  at(path: string): string;
}

async function cloneOf(story: Story, name = 'clone'): Promise<Clone> {
  await story.git('clone', '--quiet', '.', `../${name}`);
  const options: RunOptions = { cwd: `../${name}` };
  return {
    datawf: (...args) => story.datawf(args, options),
    repro: async (...args) => readRepro(await story.datawf(['repro', '--json', ...args], options)),
    git: (...args) => story.run(['git', ...args], options),
    at: (path) => `../${name}/${path}`,
  };
}

/** A repository whose data were pushed. */
async function openPushed(): Promise<Story> {
  const story = await openTwoStages(({ path }) => path('../store'));
  await story.succeed('push');
  return story;
}

const stateOf = async (clone: Clone): Promise<{ stages: string[]; datasets: string[] }> => {
  const report = (await clone.datawf('status', '--json')).json<{
    stages: { state: string }[];
    datasets: { state: string }[];
  }>();
  return {
    stages: report.stages.map(({ state }) => state),
    datasets: report.datasets.map(({ state }) => state),
  };
};

describe('a fresh clone', () => {
  test('is whole after pull, and has nothing to run', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    const pulled = await clone.datawf('pull', '--json');
    expect(pulled.code, pulled.stderr).toBe(0);
    for (const event of pulled.events()) expectSchema('event', event);
    expect(pulled.events().at(-1)).toMatchObject({ event: 'end', objects: 7, files: 7, exit: 0 });
    expect(story.texts('../clone/clean')).toEqual(story.texts('clean'));
    expect(story.read(clone.at('report.txt'))).toBe(story.read('report.txt'));
    expect(await clone.repro()).toMatchObject({ code: 0, counts: { skipped: 4 } });
    expect((await clone.datawf('pull', '--json')).events().at(-1)).toMatchObject({ objects: 0, exit: 0 });
  });

  test('knows before pull what is current, and lists and prints files', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    expect(await stateOf(clone)).toEqual({
      stages: ['current', 'current'],
      datasets: ['missing', 'missing', 'missing'],
    });
    expect((await clone.datawf('ls', '-R', 'clean')).stdout.trim().split('\n')).toHaveLength(3);
    expect((await clone.datawf('cat', 'raw/2024-01-02.csv')).stdout).toBe('row 02\n');
    expect((await clone.datawf('why', 'clean', '--json')).code).toBe(0);
  });

  test('runs nothing before pull either', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    expect(await clone.repro()).toMatchObject({ code: 0, counts: { skipped: 4 }, ran: [] });
  });

  test('takes results that somebody else had, also where the lock has none', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    rmSync(story.path(clone.at('datawf.lock')));
    const planned = await clone.datawf('repro', '-n', '--json');
    expect(planned.events().at(-1)).toMatchObject({ counts: { cached: 4, ran: 0 } });
    expect(await clone.repro()).toMatchObject({ code: 0, counts: { planned: 4, cached: 4 }, ran: [] });
    expect(story.texts('../clone/clean')).toEqual(story.texts('clean'));
    expect(story.read(clone.at('datawf.lock'))).toBe(story.read('datawf.lock'));
  });

  test('fetches outs that work needs by itself, but added data only with --pull', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    story.write(clone.at('datawf.yaml'), PIPELINE.replace('cat "$all"/*', 'cat "$all"/* | tac'));
    expect(await clone.repro()).toMatchObject({ code: 0, ran: ['report'] });
    story.write(clone.at('datawf.yaml'), PIPELINE.replace('a-z A-Z', 'a-z B-ZA'));
    const refused = await clone.repro();
    expect(refused).toMatchObject({ code: 4, error: { error: 'missing-data', exit: 4 } });
    expect(refused.error?.hint).toContain('datawf pull raw');
    const pulled = await clone.repro('--pull');
    expect(pulled).toMatchObject({ code: 0, counts: { planned: 4, ran: 4 } });
    expect(existsSync(story.path(clone.at('raw/2024-01-01.csv')))).toBe(true);
  });

  test('with --allow-missing runs only what needs no missing file', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    await clone.datawf('pull', 'raw/2024-01-02.csv');
    story.write(clone.at('datawf.yaml'), PIPELINE.replace('a-z A-Z', 'a-z B-ZA'));
    const run = await clone.repro('--allow-missing', 'clean');
    expect(run).toMatchObject({ code: 0, ran: ['clean date=2024-01-02'], counts: { ran: 1, waiting: 2 } });
  });
});

describe('parts', () => {
  test('a target and a window bring those files only', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    const { events } = await clone.datawf('pull', 'clean', '--since', '2024-01-02', '--json');
    expect(events().at(-1)).toMatchObject({ objects: 2, files: 2 });
    expect(filesBelow(story.path(clone.at('clean')))).toEqual(['2024-01-02.csv', '2024-01-03.csv']);
    expect(existsSync(story.path(clone.at('raw/2024-01-01.csv')))).toBe(false);
    await clone.datawf('pull', 'raw/2024-01-01.csv');
    expect(filesBelow(story.path(clone.at('raw')))).toEqual(['2024-01-01.csv']);
    await clone.datawf('pull');
    expect(filesBelow(story.path(clone.at('clean')))).toHaveLength(3);
    expect(await stateOf(clone)).toMatchObject({ datasets: ['clean', 'clean', 'clean'] });
  });

  test('fetch leaves the workspace as it is', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    expect((await clone.datawf('fetch', '--json')).events().at(-1)).toMatchObject({ objects: 7, exit: 0 });
    expect(existsSync(story.path(clone.at('report.txt')))).toBe(false);
    expect((await clone.datawf('checkout')).code).toBe(0);
    expect(existsSync(story.path(clone.at('report.txt')))).toBe(true);
  });

  test('fetch --run-cache brings results that no row has', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    story.write('raw/2024-01-09.csv', 'row 09\n');
    await story.succeed('repro');
    await story.succeed('push');
    await clone.datawf('fetch', '--run-cache');
    rmSync(story.path('../store/objects'), { recursive: true });
    story.write(clone.at('raw/2024-01-09.csv'), 'row 09\n');
    await clone.datawf('checkout');
    const run = await clone.repro('clean');
    expect(run.ran).toEqual([]);
    expect(run.ended('cached')).toEqual(['clean date=2024-01-09']);
  });
});

describe('loss and damage', () => {
  const lose = async (story: Story, path: string, stores: readonly string[]): Promise<void> => {
    const entries = (await story.datawf(['ls', '-R', '--json', path])).json<{ digest: string }[]>();
    for (const { digest } of entries)
      for (const store of stores)
        rmSync(story.path(`${store}/objects/${digest.slice(0, 2)}/${digest}`), { force: true });
  };

  test('pull gets a lost object again', async () => {
    const story = await openPushed();
    await lose(story, 'clean/2024-01-02.csv', ['.git/datawf']);
    rmSync(story.path('clean/2024-01-02.csv'));
    expect((await story.datawf(['pull', '--json'])).events().at(-1)).toMatchObject({ objects: 1, files: 1 });
    expect(story.read('clean/2024-01-02.csv')).toBe('ROW 02\n');
  });

  test('what a store lost is told by name, when all else is here', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    await lose(story, 'clean/2024-01-02.csv', ['../store']);
    const { code, stderr } = await clone.datawf('pull', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'missing-object', exit: 4 });
    expect(stderr).toContain('clean/2024-01-02.csv');
    expect(filesBelow(story.path(clone.at('raw')))).toHaveLength(3);
  });

  test('an out that turns out to be lost is made again when work needs it', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    await lose(story, 'clean/2024-01-02.csv', ['../store']);
    story.write(clone.at('datawf.yaml'), PIPELINE.replace('cat "$all"/*', 'cat "$all"/* | tac'));
    const run = await clone.repro('--pull');
    expect(run).toMatchObject({ code: 0, ran: ['clean date=2024-01-02', 'report'] });
  });

  test('wrong bytes of a store are never taken', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    const [entry] = (await story.datawf(['ls', '-R', '--json', 'clean/2024-01-02.csv'])).json<
      { digest: string }[]
    >();
    const digest = entry?.digest ?? '';
    rmSync(story.path(`../store/objects/${digest.slice(0, 2)}/${digest}`));
    story.write(`../store/objects/${digest.slice(0, 2)}/${digest}`, 'wrong\n');
    const { code, stderr } = await clone.datawf('pull', '--json');
    expect(code).toBe(7);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'corrupt-object', exit: 7 });
    expect(existsSync(story.path(clone.at('clean/2024-01-02.csv')))).toBe(false);
  });

  test('a tree that no store has is named by its dataset', async () => {
    const story = await openPushed();
    const clone = await cloneOf(story);
    rmSync(story.path('../store'), { recursive: true });
    const { code, stderr } = await clone.datawf('ls', '-R', 'raw', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'missing-tree', exit: 4 });
    expect((JSON.parse(stderr) as { message: string }).message).toContain('raw');
  });
});

test('a merge reads the tables that only a store has', async () => {
  const story = await openPushed();
  const clone = await cloneOf(story);
  await clone.datawf('init');
  await story.git('switch', '--quiet', '-c', 'other');
  story.write('raw/2024-01-08.csv', 'row 08\n');
  await story.succeed('repro');
  await story.git('commit', '--quiet', '-am', 'eight');
  await story.succeed('push');
  await clone.datawf('pull');
  story.write(clone.at('raw/2024-01-09.csv'), 'row 09\n');
  await clone.repro();
  await clone.git('commit', '--quiet', '-am', 'nine');
  await clone.git('fetch', '--quiet');
  const merged = await clone.git('merge', '--quiet', '--no-edit', 'origin/other');
  expect(merged.code, merged.stdout + merged.stderr).toBe(0);
  await clone.datawf('pull');
  await clone.repro();
  expect(filesBelow(story.path(clone.at('clean')))).toHaveLength(5);
});
