import { existsSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { filesBelow, openStory, type Story } from './story.ts';

/** The table of concepts 1.2, row by row: what changed in a dep dataset, and what runs. */

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"; cat "$unit" >> "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.txt", unit: unit.txt}
    outs: {clean: "clean/{date:%Y-%m-%d}.txt"}
  monthly:
    cmd: cat $(cat "$DATAWF_INPUTS") | sort > "$month"
    deps: {clean: "clean/{date:%Y-%m-%d}.txt"}
    outs: {month: "monthly/{date:%Y-%m}.txt"}
  report:
    cmd: cat $(cat "$DATAWF_INPUTS") | wc -l > "$report"
    deps: {months: monthly/}
    outs: {report: report.txt}
`;

const template = mkdtempSync(join(tmpdir(), 'datawf-weather-'));
afterAll(() => {
  rmSync(template, { recursive: true });
});

/** A copy of a repository in which everything is current; made once, since most stories begin there. */
async function openWeather(): Promise<Story> {
  const story = await openStory(PIPELINE);
  if (!existsSync(join(template, 'repo'))) {
    await makeWeather(story);
    await story.run(['cp', '-a', story.root, template]);
    return story;
  }
  await story.run(['cp', '-a', `${join(template, 'repo')}/.`, '.']);
  return story;
}

async function makeWeather(story: Story): Promise<void> {
  story.files({
    'raw/2024-01-30.txt': 'a\n',
    'raw/2024-01-31.txt': 'b\n',
    'raw/2024-02-01.txt': 'c\n',
    'unit.txt': 'mm\n',
  });
  await story.succeed('add', 'raw');
  expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 6, ran: 6 } });
}

describe('what runs when', () => {
  test('one file is added: the datums that see it', async () => {
    const story = await openWeather();
    story.write('raw/2024-02-02.txt', 'd\n');
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-02-02', 'monthly date=2024-02', 'report']);
    expect(run.counts).toEqual({ planned: 3, ran: 3, skipped: 4 });
    expect(story.texts('monthly')).toEqual(['2024-01.txt: A\nB\nmm\nmm', '2024-02.txt: C\nD\nmm\nmm']);
  });

  test('one file is edited: the datums that see it', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'bb\n');
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-01-31', 'monthly date=2024-01', 'report']);
    expect(run.counts).toEqual({ planned: 3, ran: 3, skipped: 3 });
  });

  test('one of several collected files is deleted: the collector runs again, the map datum vanishes', async () => {
    const story = await openWeather();
    story.remove('raw/2024-01-31.txt');
    const run = await story.repro();
    expect(run.ran).toEqual(['monthly date=2024-01', 'report']);
    expect(story.texts('clean')).toEqual(['2024-01-30.txt: A\nmm', '2024-02-01.txt: C\nmm']);
  });

  test('the only file of a collector is deleted: it vanishes, and so do its files', async () => {
    const story = await openWeather();
    story.remove('raw/2024-02-01.txt');
    const run = await story.repro();
    expect(run.ran).toEqual(['report']);
    expect(story.texts('monthly')).toEqual(['2024-01.txt: A\nB\nmm\nmm']);
    expect(story.has('clean/2024-02-01.txt')).toBe(false);
  });

  test('one file is renamed: the old datum vanishes, the new one runs; a collector runs again', async () => {
    const story = await openWeather();
    await story.run(['mv', 'raw/2024-01-31.txt', 'raw/2024-01-29.txt']);
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-01-29', 'monthly date=2024-01']);
    expect(filesBelow(story.path('clean'))).toEqual(['2024-01-29.txt', '2024-01-30.txt', '2024-02-01.txt']);
  });

  test('a file is touched with the same bytes: nothing', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'b\n');
    expect((await story.repro()).counts).toEqual({ skipped: 6 });
  });

  test('upstream ran again and made the same bytes: nothing behind it', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'B\n');
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-01-31']);
    expect(run.ended('identical')).toEqual(['monthly date=2024-01', 'report']);
    expect(run.counts).toEqual({ planned: 3, ran: 1, identical: 2, skipped: 3 });
  });

  test('a broadcast dep: every datum', async () => {
    const story = await openWeather();
    story.write('unit.txt', 'cm\n');
    const run = await story.repro();
    expect(run.ran).toEqual([
      'clean date=2024-01-30',
      'clean date=2024-01-31',
      'clean date=2024-02-01',
      'monthly date=2024-01',
      'monthly date=2024-02',
      'report',
    ]);
  });

  test.each([
    ['cmd', (text: string) => text.replace('tr a-z A-Z', 'tr  a-z A-Z')],
    [
      'image',
      (text: string) => text.replace('    deps: {raw', '    image: registry.example.org/x:2\n    deps: {raw'),
    ],
    ['env', (text: string) => text.replace('    deps: {raw', '    env: {A: one}\n    deps: {raw')],
  ])('%s: every datum of the stage', async (_, edit) => {
    const story = await openWeather();
    story.pipeline(edit(PIPELINE));
    const run = await story.repro();
    expect(run.ran).toEqual(['clean date=2024-01-30', 'clean date=2024-01-31', 'clean date=2024-02-01']);
    expect(run.counts).toEqual({ planned: 6, ran: 3, identical: 3 });
  });

  test('a description, retries or resources: nothing', async () => {
    const story = await openWeather();
    story.pipeline(
      PIPELINE.replace(
        '    deps: {raw',
        '    desc: words\n    retries: 2\n    resources: {cpu: 2}\n    deps: {raw',
      ),
    );
    expect((await story.repro()).counts).toEqual({ skipped: 6 });
  });
});

describe('results are found again', () => {
  test('after a revert', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'bb\n');
    await story.repro();
    story.write('raw/2024-01-31.txt', 'b\n');
    const run = await story.repro();
    expect(run.counts).toEqual({ planned: 3, cached: 3, skipped: 3 });
    expect(story.texts('monthly')[0]).toBe('2024-01.txt: A\nB\nmm\nmm');
  });

  test('after a stage is renamed', async () => {
    const story = await openWeather();
    story.pipeline(PIPELINE.replace('  clean:\n', '  scrub:\n'));
    const run = await story.repro();
    expect(run.code).toBe(0);
    expect(run.ran).toEqual([]);
    expect(run.counts).toEqual({ planned: 3, cached: 3, skipped: 3 });
    expect(story.texts('clean')).toHaveLength(3);
    expect((await story.repro()).counts).toEqual({ skipped: 6 });
  });

  test('but not with --no-run-cache', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'bb\n');
    await story.repro();
    story.write('raw/2024-01-31.txt', 'b\n');
    expect((await story.repro('--no-run-cache')).ran).toEqual([
      'clean date=2024-01-31',
      'monthly date=2024-01',
      'report',
    ]);
  });
});

describe('targets and flags', () => {
  test('a target runs with what it needs and nothing else', async () => {
    const story = await openStory(PIPELINE);
    story.files({ 'raw/2024-01-30.txt': 'a\n', 'unit.txt': 'mm\n' });
    expect((await story.repro('monthly')).ran).toEqual(['clean date=2024-01-30', 'monthly date=2024-01']);
    expect(story.has('report.txt')).toBe(false);
  });

  test('--single runs the target alone', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'bb\n');
    expect((await story.repro('monthly', '--single')).ran).toEqual([]);
    expect((await story.repro('clean', '--single')).ran).toEqual(['clean date=2024-01-31']);
    expect((await story.repro('monthly', '--single')).ran).toEqual(['monthly date=2024-01']);
  });

  test.each([
    ['clean', '--downstream'],
    ['clean+'],
    ['./clean/', '--downstream'],
    ['clean/2024-01-31.txt', '--downstream'],
  ])('%s %s also runs what follows', async (...args) => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'x\n');
    story.write('raw/2024-02-02.txt', 'x\n');
    expect((await story.repro(...args)).ran).toEqual([
      'clean date=2024-01-31',
      'clean date=2024-02-02',
      'monthly date=2024-01',
      'monthly date=2024-02',
      'report',
    ]);
  });

  test('+TARGET names what it needs, a glob several stages', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'x\n');
    expect((await story.repro('+monthly', '--single')).ran).toEqual([
      'clean date=2024-01-31',
      'monthly date=2024-01',
    ]);
    story.write('raw/2024-01-31.txt', 'y\n');
    expect((await story.repro('c*', '--single')).ran).toEqual(['clean date=2024-01-31']);
  });

  test('--force runs the named stage again, what is upstream only if stale', async () => {
    const story = await openWeather();
    const run = await story.repro('monthly', '--force');
    expect(run.ran).toEqual(['monthly date=2024-01', 'monthly date=2024-02']);
    expect((await story.repro('--force')).counts).toEqual({ planned: 6, ran: 6 });
  });

  test('--since and --until filter the work, never the membership', async () => {
    const story = await openWeather();
    story.files({ 'raw/2024-01-30.txt': 'x\n', 'raw/2024-02-01.txt': 'y\n', 'raw/2024-03-01.txt': 'z\n' });
    const run = await story.repro('clean', '--since', '2024-02-01', '--until', '2024-03-01');
    expect(run.ran).toEqual(['clean date=2024-02-01']);
    expect(story.texts('clean').map((text) => text.slice(0, 17))).toEqual([
      '2024-01-30.txt: A',
      '2024-01-31.txt: B',
      '2024-02-01.txt: Y',
    ]);
    const empty = await story.repro('--since', '2024-02-01', '--until', '2024-02-01');
    expect(empty.error).toMatchObject({ error: 'empty-window', exit: 2 });
  });

  test.each([
    ['2024-01-30', '--since', '2024-02-01'],
    ['2024-02-01', '--until', '2024-02-01'],
  ])(
    'a row that vanished at %s stays with %s %s, and goes with the next whole run',
    async (day, ...flags) => {
      const story = await openWeather();
      story.remove(`raw/${day}.txt`);
      await story.repro(...flags);
      expect(story.has(`clean/${day}.txt`)).toBe(true);
      await story.repro();
      expect(story.has(`clean/${day}.txt`)).toBe(false);
    },
  );

  test('--fail-fast stops at the first failure', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: exit 1
    matrix: {n: [1, 2, 3, 4]}
    outs: {out: "out/{n}.txt"}
`);
    const run = await story.repro('--fail-fast', '-j', '1');
    expect([run.code, run.ended('failed')]).toEqual([3, ['one n=1']]);
  });

  test('--dry-run tells what would run and changes nothing', async () => {
    const story = await openWeather();
    story.write('raw/2024-01-31.txt', 'bb\n');
    await story.repro();
    story.write('raw/2024-01-31.txt', 'b\n');
    story.write('raw/2024-02-02.txt', 'd\n');
    const before = stateOf(story);
    const run = await story.repro('--dry-run', '--check');
    expect(run.code).toBe(10);
    const plan = run.events.find((event) => event.event === 'plan');
    expect(
      plan?.event === 'plan' && plan.stages.map(({ stage, toRun, cached }) => [stage, toRun, cached]),
    ).toEqual([
      ['clean', 1, 1],
      ['monthly', 1, 1],
      ['report', 1, 0],
    ]);
    expect(stateOf(story)).toEqual(before);
    await story.repro();
    expect((await story.repro('--dry-run', '--check')).code).toBe(0);
  });
});

test('a run with nothing to do writes nothing and leaves no record', async () => {
  const story = await openWeather();
  await story.repro();
  const before = stateOf(story);
  expect((await story.repro()).counts).toEqual({ skipped: 6 });
  expect(stateOf(story)).toEqual(before);
});

/** Every file of the repository with size, inode and time; but the lock of processes, whose folder's time may change. */
function stateOf(story: Story): readonly string[] {
  return filesBelow(story.root)
    .filter((path) => !path.includes('/tmp/'))
    .map((path) => {
      const { size, ino, mtimeMs } = lstatSync(join(story.root, path));
      return `${path} ${size} ${ino} ${mtimeMs}`;
    });
}
