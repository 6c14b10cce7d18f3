import { expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import type { Story } from './story.ts';
import { writeEnvironments, type OpenWorld, type World } from './world.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  all:
    cmd: cat "$clean"/*.csv > "$all"
    deps: {clean: clean/}
    outs: {all: out/all.csv}
`;

async function openProject(openWorld: OpenWorld): Promise<World> {
  const world = await openWorld(PIPELINE);
  const { story } = world;
  writeEnvironments(world);
  for (const day of ['01', '02']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  story.write('notes.txt', 'by hand\n');
  await story.succeed('add', 'raw', 'notes.txt');
  await story.succeed('repro');
  await story.git('remote', 'add', 'origin', 'https://ada:secret@git.example.org/weather.git');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  await story.succeed('push');
  return world;
}

/** The words after `clone` for a store. */
function flags(world: World, store: string): readonly string[] {
  const endpoint = /endpoint: "([^"]+)"/.exec(world.store(store))?.[1];
  const url = world.url(store);
  return endpoint === undefined ? [url] : [url, '--endpoint', endpoint, '--path-style'];
}

/** Clones with nothing but the store: the repository is out of reach. */
async function clone(world: World, store: string, ...args: readonly string[]) {
  const result = await world.story.datawf(['clone', '--json', ...flags(world, store), ...args], {
    cwd: '..',
  });
  expect(result.code, result.stderr).toBe(0);
  for (const event of result.events()) expectSchema('event', event);
  return result.events().at(-1);
}

const isClean = async (story: Story, cwd: string): Promise<string> =>
  (await story.run(['git', 'status', '--porcelain'], { cwd })).stdout;

/** What `clone` does, wherever the store is. */
export function describeClone(openWorld: OpenWorld): void {
  test('makes a repository of what a store alone has', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    expect(await clone(world, 'prod', 'copy', '-n')).toMatchObject({ dryRun: true, branch: 'main' });
    expect(story.has('../copy')).toBe(false);
    const end = await clone(world, 'prod', 'copy');
    expect(end).toMatchObject({
      branch: 'main',
      remote: 'https://git.example.org/weather.git',
      isDataOnly: false,
    });
    for (const file of ['datawf.yaml', 'datawf.lock', 'raw.datawf', '.datawf/config.yaml'])
      expect(story.read(`../copy/${file}`)).toBe(story.read(file));
    for (const folder of ['raw', 'clean', 'out'])
      expect(story.texts(`../copy/${folder}`)).toEqual(story.texts(folder));
    expect(story.read('../copy/notes.txt')).toBe('by hand\n');
    expect(await isClean(story, '../copy')).toBe('');
    expect((await story.datawf(['status', '--check'], { cwd: '../copy' })).code).toBe(0);
    expect((await story.datawf(['pull', '--json'], { cwd: '../copy' })).events().at(-1)).toMatchObject({
      objects: 0,
    });
  });

  test('takes a branch with what it reads elsewhere', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    await story.git('switch', '--quiet', '-c', 'wind');
    story.write('raw/2024-01-03.csv', 'row 03\n');
    await story.succeed('repro');
    await story.succeed('push');
    expect(await clone(world, 'branches/wind', 'copy')).toMatchObject({ branch: 'wind' });
    expect(story.read('../copy/out/all.csv')).toBe('ROW 01\nROW 02\nROW 03\n');
    expect(await story.run(['git', 'branch', '--show-current'], { cwd: '../copy' })).toMatchObject({
      stdout: 'wind\n',
    });
  });

  test('takes outs as added data where a store knows no definitions', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    const ref = await world.read('prod', 'refs/main.json');
    await world.write('prod', 'refs/main.json', ref.replace(/,\n"files".*/s, '\n}\n'));
    expect(await clone(world, 'prod', 'copy')).toMatchObject({ isDataOnly: true });
    expect(story.texts('../copy/clean')).toEqual(story.texts('clean'));
    expect(story.read('../copy/out/all.csv')).toBe(story.read('out/all.csv'));
    expect(await isClean(story, '../copy')).toBe('');
  });

  test('says what is missing, and leaves nothing behind', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    const tell = async (store: string, ...args: readonly string[]): Promise<unknown> => {
      const result = await story.datawf(['clone', '--json', ...flags(world, store), ...args], { cwd: '..' });
      return JSON.parse(result.stderr) as unknown;
    };
    expect(await tell('nowhere', 'copy')).toMatchObject({ error: 'no-refs', exit: 4 });
    expect(await tell('prod', 'copy', '--branch', 'mian')).toMatchObject({ error: 'no-branch', exit: 4 });
    expect(story.has('../copy')).toBe(false);
    expect(await tell('prod', 'repo')).toMatchObject({ error: 'folder-not-empty', exit: 6 });
  });
}
