import { describe, expect, test } from 'vitest';
import type { StageListing } from '../../src/model/setup-report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openRig } from './rig.ts';

const DRIVERS = "the merge and diff driver in this clone's git configuration";
const MADE = ['datawf.yaml', '.datawf/datawf.schema.json', '.datawf/.gitignore', '.gitattributes'];

describe('init', () => {
  test('makes a repository ready, and what it made is valid', async () => {
    const rig = await openRig();
    const { stderr } = await rig.succeed('init');
    expect(stderr).toBe(`${MADE.map((path) => `made ${path}\n`).join('')}registered ${DRIVERS}

Next: describe stages in datawf.yaml, then
  datawf add PATH     record data
  datawf repro        run what is out of date
  git add . && git commit
`);
    expect(rig.read('datawf.yaml')).toMatch(
      /^# yaml-language-server: \$schema=\.datawf\/datawf\.schema\.json\n/,
    );
    expect(rig.read('.gitattributes')).toBe(
      'datawf.lock merge=datawf diff=datawf\n*.datawf merge=datawf diff=datawf\n.gitignore merge=union\n',
    );
    expect((await rig.succeed('status', '--json')).json()).toMatchObject({
      clean: true,
      stages: [],
      datasets: [],
    });
    expect((await rig.succeed('doctor')).stdout).not.toContain('fail');
  });

  test('again changes nothing', async () => {
    const rig = await openRig();
    await rig.succeed('init');
    await rig.git('add', '.');
    rig.write('datawf.yaml', 'stages: {}\n');
    const again = await rig.succeed('init', '--json');
    expectSchema('init', again.json());
    expect(again.json()).toEqual({
      root: rig.root,
      dryRun: false,
      created: [],
      changed: [],
      unchanged: MADE,
      drivers: 'unchanged',
      hooks: { written: [], unchanged: [], foreign: [] },
    });
    expect(rig.read('datawf.yaml')).toBe('stages: {}\n');
  });

  test('with --dry-run makes nothing', async () => {
    const rig = await openRig();
    const { stderr } = await rig.succeed('init', '--dry-run');
    expect(stderr).toBe(`${MADE.map((path) => `would make ${path}\n`).join('')}would register ${DRIVERS}\n`);
    expect(await rig.git('config', '--local', '--list')).not.toContain('datawf');
    expect(rig.has('datawf.yaml')).toBe(false);
  });

  test('in a folder of the repository works on its top', async () => {
    const rig = await openRig();
    rig.write('sub/x', '');
    expect((await rig.datawf(['init'], { cwd: 'sub' })).code).toBe(0);
    expect(rig.has('datawf.yaml')).toBe(true);
    expect(rig.has('sub/datawf.yaml')).toBe(false);
  });

  test('outside of a repository says to make one, exit 2', async () => {
    const rig = await openRig({ git: false });
    const { code, stderr } = await rig.datawf(['init']);
    expect(code).toBe(2);
    expect(stderr).toContain('git init');
  });

  test('its commented example is a valid workflow', async () => {
    const rig = await openRig();
    await rig.succeed('init');
    rig.write('clean.py', '');
    rig.write('data/raw/2024-01-01.csv', 'x\n');
    rig.write('datawf.yaml', rig.read('datawf.yaml').replace(/^# ((stages:| {2,}\S).*)$/gm, '$1'));
    const stages = (await rig.succeed('stage', 'list', '--json')).json<StageListing[]>();
    expectSchema('stage-list', stages);
    expect(stages.map((stage) => stage.stage)).toEqual(['clean', 'monthly']);
  });
});

describe('stage', () => {
  const CLEAN = [
    'stage',
    'add',
    'clean',
    '-d',
    'raw=data/raw/{d}.csv',
    '-o',
    'clean=data/clean/{d}.csv',
    '--',
    'cat "$raw" > "$clean"',
  ];

  test('add writes what the workflow then has, and keeps comments', async () => {
    const rig = await openRig();
    await rig.succeed('init');
    rig.write('data/raw/a.csv', 'a\n');
    const before = rig.read('datawf.yaml');
    const { stderr } = await rig.succeed(...CLEAN);
    expect(stderr).toBe('added clean in datawf.yaml\n');
    expect(rig.read('datawf.yaml')).toBe(
      before.replace(
        '\n\n# stages:',
        '\n\nstages:\n  clean:\n    cmd: cat "$raw" > "$clean"\n    deps:\n      raw: "data/raw/{d}.csv"\n    outs:\n      clean: "data/clean/{d}.csv"\n\n# stages:',
      ),
    );
    await rig.succeed('repro');
    expect(rig.read('data/clean/a.csv')).toBe('a\n');
  });

  test('add refuses a second stage of the name, and replaces it with --force', async () => {
    const rig = await openRig();
    rig.write('data/raw/a.csv', 'a\n');
    await rig.succeed(...CLEAN);
    const refusal = await rig.datawf(CLEAN);
    expect(refusal).toMatchObject({
      code: 6,
      stderr:
        'error: datawf.yaml has a stage "clean" already\nhint: Edit it there, or replace it with --force.\n',
    });
    await rig.succeed(
      'stage',
      'add',
      '--force',
      'clean',
      '-o',
      'x=x.txt',
      '--',
      'sh',
      '-c',
      'echo hi > x.txt',
    );
    const [stage] = (await rig.succeed('stage', 'list', '--json')).json();
    expect(stage).toMatchObject({ cmd: ['sh', '-c', 'echo hi > x.txt'], outs: { x: 'x.txt' }, deps: {} });
  });

  test('add refuses what would be invalid, and leaves the file', async () => {
    const rig = await openRig();
    const bad = await rig.datawf(['stage', 'add', 'clean', '-o', 'clean=data/{d}/*.csv', '--', 'true']);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(/^error: .+\n {2}at datawf\.yaml:\d+:\d+\n/);
    expect(rig.has('datawf.yaml')).toBe(false);
    expect((await rig.datawf(['stage', 'add', 'clean', '-o', 'data/x', '--', 'true'])).stderr).toBe(
      'error: --out data/x has no name\nhint: Write --out NAME=PATTERN; the command gets it as $NAME.\n',
    );
  });

  test('add with --dry-run shows what it would write', async () => {
    const rig = await openRig();
    const { stderr } = await rig.succeed(...CLEAN.slice(0, 2), '-n', ...CLEAN.slice(2));
    expect(stderr).toBe(
      'would have added clean in datawf.yaml\n  clean:\n    cmd: cat "$raw" > "$clean"\n    deps:\n      raw: "data/raw/{d}.csv"\n    outs:\n      clean: "data/clean/{d}.csv"\n',
    );
    expect(rig.has('datawf.yaml')).toBe(false);
  });

  test('remove takes it out; a mistyped name is not found, with a suggestion', async () => {
    const rig = await openRig();
    rig.write('data/raw/a.csv', 'a\n');
    await rig.succeed(...CLEAN);
    expect(await rig.datawf(['stage', 'remove', 'claen'])).toMatchObject({
      code: 4,
      stderr: 'error: there is no stage "claen"\nhint: Did you mean "clean"?\n',
    });
    const removed = (await rig.succeed('stage', 'remove', 'cl*', '--json')).json();
    expectSchema('stage-edit', removed);
    expect(removed).toEqual({ file: 'datawf.yaml', stages: ['clean'], dryRun: false });
    expect((await rig.succeed('stage', 'list')).stdout).toBe('no stages yet\n');
  });

  test('freeze keeps it from running, unfreeze lets it', async () => {
    const rig = await openRig();
    rig.write('data/raw/a.csv', 'a\n');
    await rig.succeed(...CLEAN);
    const before = rig.read('datawf.yaml');
    expect((await rig.succeed('freeze', 'clean')).stderr).toBe('froze clean in datawf.yaml\n');
    expect((await rig.succeed('status', '--json')).json().stages[0].state).toBe('frozen');
    expect((await rig.succeed('freeze', 'clean')).stderr).toBe('nothing to change\n');
    expect((await rig.succeed('unfreeze', 'clean')).stderr).toBe('unfroze clean in datawf.yaml\n');
    expect(rig.read('datawf.yaml')).toBe(before);
  });
});

describe('config', () => {
  test('set writes where it is told, get and list say where a value is from', async () => {
    const rig = await openRig();
    await rig.succeed('config', 'set', 'cache.links', 'hardlink,copy');
    await rig.succeed('config', 'set', 'jobs', '3', '--user');
    await rig.succeed('config', 'set', 'color', 'never', '--local');
    expect(rig.read('.datawf/config.yaml')).toBe('cache:\n  links: [hardlink, copy]\n');
    expect(rig.read('.datawf/local.yaml')).toBe('color: never\n');
    expect((await rig.succeed('config', 'get', 'jobs')).stdout).toBe('3\n');
    expect((await rig.succeed('config', 'list')).stdout).toBe(
      'cache.links  hardlink,copy  project\ncolor        never          local\njobs         3              user\n',
    );
    expectSchema('config-list', (await rig.succeed('config', 'list', '--json')).json());
    expectSchema('config-entry', (await rig.succeed('config', 'get', 'cache', '--json')).json());
  });

  test('refuses what no configuration may say, and leaves the file', async () => {
    const rig = await openRig();
    expect(await rig.datawf(['config', 'set', 'cache.links', 'magic'])).toMatchObject({ code: 2 });
    expect(await rig.datawf(['config', 'set', 'colour', 'never'])).toMatchObject({ code: 2 });
    expect(rig.has('.datawf/config.yaml')).toBe(false);
  });

  test('of what is not configured is not found', async () => {
    const rig = await openRig();
    const { code, stderr } = await rig.datawf(['config', 'get', 'job']);
    expect([code, stderr]).toEqual([4, 'error: "job" is not configured\nhint: Did you mean "jobs"?\n']);
  });
});

describe('schema', () => {
  test('lists and prints what ships with the package', async () => {
    const rig = await openRig({ git: false });
    const list = (await rig.succeed('schema', '--json')).json();
    expectSchema('schema-list', list);
    for (const name of ['status', 'datawf.yaml', 'event'])
      expect((await rig.succeed('schema', name)).json().title).not.toBe('');
    expect(await rig.datawf(['schema', 'statsu'])).toMatchObject({ code: 4 });
  });
});

test('doctor finds data that git tracks', async () => {
  const rig = await openRig();
  rig.write('data/raw/a.csv', 'a\n');
  await rig.succeed('add', 'data/raw');
  const fine = await rig.succeed('doctor', '--json');
  expectSchema('doctor', fine.json());
  await rig.git('add', '-f', 'data/raw/a.csv');
  const { code, stdout } = await rig.datawf(['doctor']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^fail +ignored +git tracks data: data\/raw\/a\.csv$/m);
});
