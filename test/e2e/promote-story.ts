import { describe, expect, test } from 'vitest';
import type { EndEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import { readRepro, type Story } from './story.ts';
import { writeEnvironments, type OpenWorld, type World } from './world.ts';

const PIPELINE = `
stages:
  clean:
    cmd: if grep -q bad "$raw"; then exit 1; fi; tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  all:
    cmd: cat "$clean"/*.csv > "$all"
    deps: {clean: clean/}
    outs: {all: all.csv}
`;

/** A production that has pushed two days, and a branch that has pushed a third. */
async function openBranch(openWorld: OpenWorld): Promise<World> {
  const world = await openWorld(PIPELINE);
  const { story } = world;
  writeEnvironments(world);
  for (const day of ['01', '02']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  await commit(story, 'one');
  await story.succeed('push');
  await story.git('switch', '--quiet', '-c', 'wind');
  story.write('raw/2024-01-03.csv', 'row 03\n');
  await story.succeed('repro');
  await commit(story, 'three');
  await story.succeed('push');
  return world;
}

async function commit(story: Story, message: string): Promise<void> {
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', message);
}

/** A clone on the branch that writes production, where the merge is; nothing of its data is here. */
async function mergeElsewhere({ story }: World, branch = 'wind'): Promise<string> {
  const cwd = '../production';
  await story.git('switch', '--quiet', 'main');
  await story.git('merge', '--quiet', '--no-ff', '-m', `Merge branch '${branch}'`, branch);
  await story.git('branch', '--quiet', '-D', branch);
  await story.run(['git', 'clone', '--quiet', '.', cwd]);
  return cwd;
}

async function promote({ story }: World, cwd: string, ...args: readonly string[]): Promise<EndEvent> {
  const result = await story.datawf(['promote', '--json', ...args], { cwd });
  expect(result.code, result.stderr).toBe(0);
  for (const event of result.events()) expectSchema('event', event);
  return result.events().at(-1) as EndEvent;
}

const objectOf = async (world: World, store: string, text: string): Promise<string> => {
  for (const name of await world.names(store))
    if (name.startsWith('objects/') && (await world.read(store, name)) === text) return name;
  throw new Error(`no object says ${text}`);
};

/** What `promote` does, wherever the stores are. */
export function describePromote(openWorld: OpenWorld): void {
  test('brings what a merge names to production, which runs nothing', async () => {
    const world = await openBranch(openWorld);
    const { story } = world;
    const cwd = await mergeElsewhere(world);
    expect(await promote(world, cwd, '-n')).toMatchObject({ objects: 3, results: 2 });
    const before = await world.names('prod');
    expect(await promote(world, cwd)).toMatchObject({ objects: 3, results: 2, unknownResults: 0 });
    expect((await world.names('prod')).length).toBeGreaterThan(before.length);
    expect((await promote(world, cwd))['requests']).toBeLessThanOrEqual(5);
    for (const name of await world.names('branches/wind')) await world.remove('branches/wind', name);

    // The store alone is enough, and its run cache knows the rows.
    await story.git('clone', '--quiet', '.', '../fresh');
    await story.datawf(['pull'], { cwd: '../fresh' });
    expect(story.read('../fresh/all.csv')).toBe('ROW 01\nROW 02\nROW 03\n');
    expect((await story.datawf(['status', '--check'], { cwd: '../fresh' })).code).toBe(0);
    story.remove('../fresh/datawf.lock');
    const run = readRepro(await story.datawf(['repro', '--json'], { cwd: '../fresh' }));
    expect(run.counts).toMatchObject({ cached: 4 });
    const blame = await story.datawf(['blame', 'clean/2024-01-03.csv', '--json'], { cwd: '../fresh' });
    expect(blame.code, blame.stderr).toBe(0);
  });

  test('takes it from a branch that is named, where git does not know it', async () => {
    const world = await openBranch(openWorld);
    const { story } = world;
    await story.git('switch', '--quiet', 'main');
    await story.git('merge', '--quiet', '--squash', 'wind');
    await commit(story, 'three days');
    await story.git('branch', '--quiet', '-D', 'wind');
    const lost = await story.datawf(['promote', '--json', '--from', 'wnd']);
    expect(JSON.parse(lost.stderr)).toMatchObject({ error: 'no-source', exit: 4 });
    await story.git('clone', '--quiet', '.', '../production');
    const away = await story.datawf(['promote', '--json'], { cwd: '../production' });
    expect(away.code).toBe(4);
    expect(await promote(world, '../production', '--from', 'wind')).toMatchObject({ objects: 3 });
  });

  test('names what no store has, and what is damaged, and leaves production as it was', async () => {
    const world = await openBranch(openWorld);
    const { story } = world;
    const object = await objectOf(world, 'branches/wind', 'ROW 03\n');
    const cwd = await mergeElsewhere(world);
    const before = (await world.names('prod')).filter((name) => !name.startsWith('runs/'));
    await world.write('branches/wind', object, 'ROW 04\n');
    const damaged = await story.datawf(['promote', '--json'], { cwd });
    expect(damaged.code).toBe(7);
    expect(JSON.parse(damaged.stderr)).toMatchObject({ error: 'corrupt-object', exit: 7 });
    expect(damaged.stderr).toContain('clean/2024-01-03.csv');
    const left = (await world.names('prod')).filter((name) => !/^(runs|objects)\//.test(name));
    expect(left).toEqual(before.filter((name) => !name.startsWith('objects/')));
    expect(await world.names('prod')).not.toContain(object);
    await world.remove('branches/wind', object);
    const missing = await story.datawf(['promote', '--json'], { cwd });
    expect(JSON.parse(missing.stderr)).toMatchObject({ error: 'missing-object', exit: 4 });
    expect(missing.stderr).toContain('clean/2024-01-03.csv');
  });

  test('takes of a branch only the results that rows of the merge have', async () => {
    const world = await openBranch(openWorld);
    const { story } = world;
    story.write('raw/2024-01-04.csv', 'row 04\n');
    await story.succeed('repro');
    await story.succeed('push');
    await story.git('restore', '.');
    const cwd = await mergeElsewhere(world);
    await promote(world, cwd);
    const segments = (await world.names('prod')).filter((name) => name.startsWith('results/'));
    const texts = await Promise.all(segments.map((name) => world.read('prod', name)));
    expect(texts.join('')).toContain('clean/2024-01-03.csv');
    expect(texts.join('')).not.toContain('clean/2024-01-04.csv');
  });

  test('refuses failed rows and what no commit has', async () => {
    const world = await openBranch(openWorld);
    const { story } = world;
    story.write('raw/2024-01-04.csv', 'bad\n');
    expect((await story.datawf(['repro'])).code).toBe(3);
    await commit(story, 'four');
    await story.succeed('push');
    const cwd = await mergeElsewhere(world);
    const refused = await story.datawf(['promote', '--json'], { cwd });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: 'failed-rows', exit: 6 });
    expect(await promote(world, cwd, '--partial')).toMatchObject({ exit: 0 });
    await story.run(['sh', '-c', 'echo >> datawf.lock'], { cwd });
    const loose = await story.datawf(['promote', '--json'], { cwd });
    expect(JSON.parse(loose.stderr)).toMatchObject({ error: 'not-committed', exit: 6 });
  });

  describe('--recompute', () => {
    test('runs the rows instead of taking them from the branch', async () => {
      const world = await openBranch(openWorld);
      const { story } = world;
      const cwd = await mergeElsewhere(world);
      const result = await story.datawf(['promote', '--recompute', '--json'], { cwd });
      expect(result.code, result.stderr).toBe(0);
      expect(readRepro(result).ran).toHaveLength(4);
      expect((await story.datawf(['pull', '--json'], { cwd })).events().at(-1)).toMatchObject({ objects: 0 });
      expect((await world.read('prod', 'refs/main.json')).length).toBeGreaterThan(0);
    });
  });
}
