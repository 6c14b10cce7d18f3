import { expect, test } from 'vitest';
import type { EndEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import type { OpenWorld, World } from './world.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
`;

async function openProject(openWorld: OpenWorld): Promise<World> {
  const world = await openWorld(PIPELINE);
  const { story } = world;
  story.write('.datawf/config.yaml', `stores: {only: ${world.store('prod')}}\n`);
  for (const day of ['01', '02']) await world.write('archive', `2024-01-${day}.csv`, `row ${day}\n`);
  await world.write('archive', 'deep/notes.txt', 'note\n');
  return world;
}

async function adopt({ story }: World, ...args: readonly string[]): Promise<EndEvent> {
  const result = await story.datawf(['adopt', '--json', ...args]);
  expect(result.code, result.stderr).toBe(0);
  for (const event of result.events()) expectSchema('event', event);
  return result.events().at(-1) as EndEvent;
}

/** What `adopt` does, wherever the files are. */
export function describeAdopt(openWorld: OpenWorld): void {
  test('records files that stay where they are, and clones read them there', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    expect(await adopt(world, '-n', world.url('archive'), 'raw')).toMatchObject({ added: 3, dryRun: true });
    expect(story.has('raw.datawf')).toBe(false);
    expect(await adopt(world, world.url('archive'), 'raw')).toMatchObject({
      listed: 3,
      added: 3,
      objects: 3,
    });
    expect(story.has('raw')).toBe(false);
    await story.git('add', '--all');
    await story.git('commit', '--quiet', '-m', 'adopt');
    expect((await story.datawf(['push', '--json'])).events().at(-1)).toMatchObject({ objects: 0 });
    await story.git('clone', '--quiet', '.', '../clone');
    expect((await story.datawf(['verify', '--all'])).code).toBe(0);
    const exported = await story.datawf(['export', 'raw', '../plain'], { cwd: '../clone' });
    expect(exported.code, exported.stderr).toBe(0);
    expect(story.texts('../plain/raw')).toHaveLength(3);
    const run = await story.datawf(['repro', '--pull', '--json'], { cwd: '../clone' });
    expect(run.code, run.stderr).toBe(0);
    expect(story.texts('../clone/clean')).toEqual(['2024-01-01.csv: ROW 01', '2024-01-02.csv: ROW 02']);
    expect(story.texts('../clone/raw')).toHaveLength(3);
    await story.succeed('pull');
    expect(story.texts('raw')).toEqual(story.texts('../clone/raw'));
    expect((await world.names('prod')).filter((name) => name.startsWith('objects/')).length).toBeLessThan(6);
  });

  test('names what changed or is gone, uses none of it, and --refresh records it', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    await adopt(world, world.url('archive'), 'raw');
    await world.write('archive', '2024-01-02.csv', 'other row\n');
    const changed = await story.datawf(['pull', '--json']);
    expect(JSON.parse(changed.stderr)).toMatchObject({ error: 'source-changed', exit: 7 });
    expect(changed.stderr).toContain('2024-01-02.csv');
    await world.remove('archive', '2024-01-02.csv');
    const gone = await story.datawf(['pull', '--json']);
    expect(JSON.parse(gone.stderr)).toMatchObject({ error: 'source-gone', exit: 4 });
    await world.write('archive', '2024-01-03.csv', 'row 03\n');
    const end = await adopt(world, '--refresh', 'raw');
    expect(end).toMatchObject({ added: 1, changed: 0, deleted: 1, objects: 1 });
    await story.succeed('pull');
    expect(story.texts('raw')).toEqual([
      '2024-01-01.csv: row 01',
      '2024-01-03.csv: row 03',
      'deep/notes.txt: note',
    ]);
    expect(await adopt(world, '--refresh', 'raw')).toMatchObject({
      added: 0,
      changed: 0,
      deleted: 0,
      objects: 0,
    });
  });

  test('takes one file, and refuses what is there or nowhere', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    await adopt(world, `${world.url('archive')}/deep/notes.txt`, 'notes.txt');
    await story.succeed('pull');
    expect(story.read('notes.txt')).toBe('note\n');
    const tell = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await story.datawf(['adopt', '--json', ...args])).stderr) as unknown;
    expect(await tell(world.url('nowhere'), 'raw')).toMatchObject({ error: 'no-source', exit: 4 });
    expect(await tell(world.url('archive'), 'notes.txt')).toMatchObject({ error: 'exists', exit: 6 });
    expect(await tell(world.url('archive'), 'clean')).toMatchObject({ error: 'nested-datasets', exit: 6 });
    expect(await tell('--refresh', 'raw')).toMatchObject({ error: 'not-adopted', exit: 6 });
  });
}
