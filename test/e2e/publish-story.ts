import { expect, test } from 'vitest';
import type { EndEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import type { OpenWorld, World } from './world.ts';

const PIPELINE = `
stages:
  clean:
    cmd: if grep -q bad "$raw"; then exit 1; fi; tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
`;

async function openProject(openWorld: OpenWorld): Promise<World> {
  const world = await openWorld(PIPELINE);
  const { story } = world;
  story.write(
    '.datawf/config.yaml',
    `stores: {production: ${world.store('prod')}}
environments: {production: {branches: [main], write: production, publish: "${world.url('public')}"}}
`,
  );
  for (const day of ['01', '02']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  await story.succeed('push');
  return world;
}

async function publish({ story }: World, ...args: readonly string[]): Promise<EndEvent> {
  const result = await story.datawf(['publish', '--json', ...args]);
  expect(result.code, result.stderr).toBe(0);
  for (const event of result.events()) expectSchema('event', event);
  return result.events().at(-1) as EndEvent;
}

/** What a reader sees who follows the marker with plain tools. */
async function follow(world: World, version?: string): Promise<readonly string[]> {
  const name = version ?? (await world.read('public', '.datawf/refs/current')).trim();
  const list = await world.read('public', `.datawf/refs/versions/${name}`);
  const lines = list.trim().split('\n');
  return await Promise.all(
    lines.map(async (line) => {
      const [, digest = '', , path = ''] = line.split(' ');
      const text = await world.read('public', `.datawf/objects/${digest.slice(0, 2)}/${digest}`);
      return `${path}: ${text.trim()}`;
    }),
  );
}

const shown = async (world: World): Promise<readonly string[]> =>
  (await world.names('public')).filter((name) => !name.startsWith('.datawf/'));

/** What `publish` does, wherever it is to. */
export function describePublish(openWorld: OpenWorld): void {
  test('puts data under their paths, then only what differs', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    expect(await publish(world, 'clean', '-n')).toMatchObject({ added: 2, objects: 2, version: null });
    expect(await shown(world)).toEqual([]);
    expect(await publish(world, 'clean')).toMatchObject({ added: 2, changed: 0, deleted: 0, objects: 2 });
    expect(await shown(world)).toEqual(['clean/2024-01-01.csv', 'clean/2024-01-02.csv']);
    expect(await world.read('public', 'clean/2024-01-02.csv')).toBe('ROW 02\n');
    await world.write('public', 'clean/README', 'of somebody else');

    story.write('raw/2024-01-02.csv', 'row two\n');
    story.write('raw/2024-01-03.csv', 'row 03\n');
    story.remove('raw/2024-01-01.csv');
    await story.succeed('repro', '--allow-drop');
    const first = await follow(world);
    expect(await publish(world, 'clean')).toMatchObject({ added: 1, changed: 1, deleted: 1, objects: 2 });
    expect(await shown(world)).toEqual(['clean/2024-01-02.csv', 'clean/2024-01-03.csv', 'clean/README']);
    expect(await world.read('public', 'clean/2024-01-02.csv')).toBe('ROW TWO\n');
    expect(await follow(world)).toEqual(['clean/2024-01-02.csv: ROW TWO', 'clean/2024-01-03.csv: ROW 03']);

    const versions = (await world.names('public')).filter((name) => name.includes('/versions/'));
    expect(versions).toHaveLength(2);
    expect(await follow(world, versions[0]?.split('/').at(-1))).toEqual(first);
    expect(await publish(world, 'clean')).toMatchObject({ added: 0, changed: 0, deleted: 0, objects: 0 });
    // What only the version before had goes with it.
    story.write('raw/2024-01-02.csv', 'row 2\n');
    await story.succeed('repro');
    await publish(world, 'clean', '--keep', '0');
    expect((await world.names('public')).filter((name) => /\/(versions|objects)\//.test(name))).toHaveLength(
      3,
    );
    // Another target leaves what was published be.
    expect(await publish(world, 'raw', '--keep', '0')).toMatchObject({ added: 2, changed: 0, deleted: 0 });
    expect(await follow(world)).toHaveLength(4);
  });

  test('finishes what was broken off, and knows what lies there by then', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    await publish(world, 'clean');
    const name = (await world.read('public', '.datawf/refs/current')).trim();
    // A version that had put one file and changed another when its process was killed.
    const list = await world.read('public', `.datawf/refs/versions/${name}`);
    const [one = '', two = ''] = list.trim().split('\n');
    const odd = one.replace('2024-01-01', '2024-01-09');
    const swapped = two.replace(/[0-9a-f]{64}/, one.split(' ')[1] ?? '');
    await world.write('public', '.datawf/refs/unfinished/00000002-dead', `${one}\n${swapped}\n${odd}\n`);
    await world.write('public', 'clean/2024-01-09.csv', 'ROW 01\n');
    await world.write('public', 'clean/2024-01-02.csv', 'ROW 01\n');
    expect(await publish(world, 'clean')).toMatchObject({ added: 0, changed: 1, deleted: 1, objects: 0 });
    expect(await shown(world)).toEqual(['clean/2024-01-01.csv', 'clean/2024-01-02.csv']);
    expect(await world.read('public', 'clean/2024-01-02.csv')).toBe('ROW 02\n');
    expect((await world.names('public')).filter((file) => file.includes('unfinished'))).toEqual([]);
    expect(await follow(world)).toEqual(['clean/2024-01-01.csv: ROW 01', 'clean/2024-01-02.csv: ROW 02']);
    expect(story.read('clean/2024-01-02.csv')).toBe('ROW 02\n');
  });

  test('refuses failed rows, files of somebody else, and a second publisher', async () => {
    const world = await openProject(openWorld);
    const { story } = world;
    await world.write('public', 'clean/2024-01-01.csv', 'mine');
    const taken = await story.datawf(['publish', 'clean', '--json']);
    expect(JSON.parse(taken.stderr)).toMatchObject({ error: 'exists', exit: 6 });
    expect(await world.read('public', 'clean/2024-01-01.csv')).toBe('mine');
    await world.remove('public', 'clean/2024-01-01.csv');
    const sign = { command: 'datawf publish', host: 'elsewhere', pid: 1, time: Date.now() };
    await world.write('public', '.datawf/runs/sweeping.json', JSON.stringify(sign));
    const locked = await story.datawf(['publish', 'clean', '--json']);
    expect(JSON.parse(locked.stderr)).toMatchObject({ error: 'locked', exit: 6 });
    await world.remove('public', '.datawf/runs/sweeping.json');
    story.write('raw/2024-01-02.csv', 'bad\n');
    expect((await story.datawf(['repro'])).code).toBe(3);
    const failed = await story.datawf(['publish', '--json']);
    expect(JSON.parse(failed.stderr)).toMatchObject({ error: 'failed-rows', exit: 6 });
    expect(await publish(world, 'clean', '--partial')).toMatchObject({ added: 2 });
  });
}
