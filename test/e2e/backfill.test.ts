import { afterAll, describe, expect, test } from 'vitest';
import type { StagePlanLine, WorkEvent } from '../../src/model/event.ts';
import type { RunReport } from '../../src/model/history-report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { noonZone } from '../rig/noon.ts';
import { dropKept, keepRig } from './rig.ts';
import { openStory, readRepro, type Repro, type Story } from './story.ts';

/** Repairing history: a window of time, in an order, by mode. */

const PIPELINE = `
zone: Europe/Vienna
stages:
  clean:
    cmd: cat mark.txt "$raw" > "$clean"; grep -q FAIL "$raw" && exit 9; true
    code: [mark.txt]
    deps: {raw: "data/raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
  mean:
    cmd: tail -n 1 "$clean" > "$mean"; head -n 1 "$clean" >> "$mean"
    deps: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
    outs: {mean: "out/mean/{date:%Y-%m-%d}.csv"}
  monthly:
    cmd: cat "$mean"/*.csv > "$month"
    deps: {mean: "out/mean/{date:%Y-%m-%d}.csv"}
    outs: {month: "out/monthly/{date:%Y-%m}.csv"}
  report:
    cmd: cat "$months"/*.csv > "$report"
    deps: {months: out/monthly/}
    outs: {report: report.txt}
`;

/** In Vienna 2024-03-31 has 23 hours. */
const DAYS = ['2024-03-30', '2024-03-31', '2024-04-01', '2024-04-02'];

let base: string | undefined;
afterAll(dropKept);

/** Four days, run and committed; made once. */
async function openDays(): Promise<Story> {
  if (base !== undefined) return await openStory(undefined, { from: base });
  const story = await openStory(PIPELINE);
  story.write('mark.txt', '1\n');
  for (const day of DAYS) story.write(`data/raw/${day}.csv`, `${day}\n`);
  await story.succeed('add', 'data/raw');
  await story.succeed('repro');
  await story.git('add', '.');
  await story.git('commit', '--quiet', '-m', 'base');
  base = keepRig(story);
  return story;
}

async function backfill(story: Story, ...args: readonly string[]): Promise<Repro> {
  const result = await story.datawf(['backfill', '--json', ...args]);
  const run = readRepro(result);
  for (const event of run.events) expectSchema('event', event);
  return run;
}

/** What started, in order: `clean 2024-03-30`. */
function started({ events }: Repro): string[] {
  return events.flatMap((event) =>
    event.event === 'datum-start' ? [`${event.stage} ${event.captures['date'] ?? ''}`.trim()] : [],
  );
}

function planOf({ events }: Repro): readonly StagePlanLine[] {
  const plan = events.find((event): event is WorkEvent & { event: 'plan' } => event.event === 'plan');
  return plan?.stages ?? [];
}

const notes = ({ events }: Repro): string[] =>
  events.flatMap((event) => (event.event === 'note' ? [event.message] : []));

describe('the window', () => {
  test('is half-open, of dates, months or instants, and of calendar days in the declared zone', async () => {
    const story = await openDays();
    const inside = async (...window: readonly string[]): Promise<readonly string[]> => {
      const run = await backfill(story, 'clean', '-n', '--mode', 'all', ...window);
      expect(run.code, run.stderr).toBe(0);
      return planOf(run).flatMap((line) => line.datums.map((name) => name.replace('date=', '')));
    };
    const [d30, d31, d01, d02] = DAYS;
    expect(await inside('--since', '2024-03-31', '--until', '2024-04-02')).toEqual([d31, d01]);
    expect(await inside('--since', '2024-04')).toEqual([d01, d02]);
    expect(await inside('--since', '2024-03', '--until', '2024-04')).toEqual([d30, d31]);
    // The short day, from its first moment to its last.
    expect(await inside('--since', '2024-03-30T23:00:00Z', '--until', '2024-03-31T22:00:00Z')).toEqual([d31]);
    expect(await inside('--since', '2024-03-31T22:00:00Z', '--until', '2024-04-02T00:00:00+02:00')).toEqual([
      d01,
    ]);
    // Any part of a day is in it.
    expect(
      await inside('--since', '2024-03-31T23:59:59+02:00', '--until', '2024-04-01T00:00:01+02:00'),
    ).toEqual([d31, d01]);
  });

  test('counts days back from today', async () => {
    const { zone, day } = noonZone();
    const story = await openStory(PIPELINE.replace('Europe/Vienna', zone));
    story.write('mark.txt', '1\n');
    for (const offset of [-91, -90, -3, -2, -1, 0]) story.write(`data/raw/${day(offset)}.csv`, 'x\n');
    const run = await backfill(story, 'clean', '--since', '90d', '--until', '2d');
    expect(run.ran).toEqual([-90, -3].map((offset) => `clean date=${day(offset)}`));
    expect((await backfill(story, 'clean', '--since', '2d')).ran).toHaveLength(3);
  });

  test('without anything in it is an error, never a silent clamp', async () => {
    const story = await openDays();
    const refused = async (...args: readonly string[]): Promise<unknown> => {
      const run = await backfill(story, ...args);
      expect(run.error).toMatchObject({ hint: expect.any(String) as string });
      return [run.code, run.error?.error];
    };
    const empty = [2, 'empty-window'];
    expect(await refused('clean', '--since', '2024-04-02', '--until', '2024-04-02')).toEqual(empty);
    expect(await refused('clean', '--since', '2024-04-02', '--until', '2024-04-01', '-n')).toEqual(empty);
    expect(await refused('clean', '--since', '2030-01-01')).toEqual(empty);
    expect(await refused('clean', '--since', 'yesterday')).toEqual([2, 'bad-time']);
    expect(await refused('clean')).toEqual([2, 'no-since']);
  });

  test('may hold datums that wait, or that only a run tells', async () => {
    const story = await openStory(`
stages:
  list:
    always: true
    cmd: touch "$days/2024-05-01" "$days/2024-05-02"
    outs: {days: days/}
  fetch:
    cmd: echo "$date" > "$raw"
    deps: {day: "days/{date:%Y-%m-%d}"}
    outs: {raw: "raw/{date:%Y-%m-%d}.csv"}
  smooth:
    cmd: cat "$raw"/* > "$mean"
    deps: {raw: {path: "raw/{date:%Y-%m-%d}.csv", window: [-3d, 0d]}}
    matrix: {date: [2024-05-02]}
    outs: {mean: "mean/{date:%Y-%m-%d}.csv"}
`);
    const first = await backfill(story, 'fetch', '--since', '2024-05-02');
    expect([first.code, first.ran]).toEqual([0, ['fetch date=2024-05-02', 'list']]);
    expect(await backfill(story, 'smooth', '--since', '2024-05-02')).toMatchObject({
      code: 0,
      counts: { waiting: 1 },
    });
  });

  test('leaves rows and files outside as they are, byte for byte', async () => {
    const story = await openDays();
    story.write('mark.txt', '2\n');
    // A row whose datum has vanished, and one that is out of date.
    story.remove('data/raw/2024-03-30.csv');
    story.write('data/raw/2024-04-02.csv', 'edited\n');
    const before = await rowsOf(story);
    const run = await backfill(story, 'monthly', '--since', '2024-03-31', '--until', '2024-04-02');
    expect(run.ran).toEqual(
      [
        'clean date=2024-03-31',
        'clean date=2024-04-01',
        'mean date=2024-03-31',
        'mean date=2024-04-01',
        'monthly date=2024-03',
        'monthly date=2024-04',
      ].sort(),
    );
    const after = await rowsOf(story);
    const outside = (rows: readonly string[]): string[] =>
      rows.filter((row) => /2024-03-30|2024-04-02/.test(row));
    expect(outside(after)).toEqual(outside(before));
    expect(outside(after)).toHaveLength(4);
    expect(story.texts('out/clean')).toEqual([
      '2024-03-30.csv: 1\n2024-03-30',
      '2024-03-31.csv: 2\n2024-03-31',
      '2024-04-01.csv: 2\n2024-04-01',
      '2024-04-02.csv: 1\n2024-04-02',
    ]);
  });
});

/** Lines of the tables of clean and mean, as the store has them. */
async function rowsOf(story: Story): Promise<string[]> {
  const tables = [...story.read('datawf.lock').matchAll(/^ {2}(\w+):|table: (\w{64})/gm)];
  const names = tables.filter((match) => match[2] !== undefined).slice(0, 2);
  const texts = names.map(([, , digest]) =>
    story.read(`.git/datawf/trees/${digest!.slice(0, 2)}/${digest!}`),
  );
  return await Promise.resolve(texts.flatMap((text) => text.trim().split('\n')));
}

describe('the order', () => {
  test('newest first is depth first over the whole chain, a month once its days are settled, what has no time last', async () => {
    const story = await openDays();
    story.write('mark.txt', '2\n');
    const run = await backfill(story, 'report', '--since', '2024-03-31', '-j', '1');
    expect(started(run)).toEqual([
      'clean 2024-04-02',
      'mean 2024-04-02',
      'clean 2024-04-01',
      'mean 2024-04-01',
      'monthly 2024-04',
      'clean 2024-03-31',
      'mean 2024-03-31',
      'monthly 2024-03',
      'report',
    ]);
  });

  test('oldest first is the same from the other end', async () => {
    const story = await openDays();
    story.write('mark.txt', '2\n');
    const run = await backfill(story, 'monthly', '--since', '2024-03', '--order', 'oldest', '-j', '1');
    expect(started(run)).toEqual([
      'clean 2024-03-30',
      'mean 2024-03-30',
      'clean 2024-03-31',
      'mean 2024-03-31',
      'monthly 2024-03',
      'clean 2024-04-01',
      'mean 2024-04-01',
      'clean 2024-04-02',
      'mean 2024-04-02',
      'monthly 2024-04',
    ]);
  });

  test('in one run of repro what is new goes before what only the code made stale', async () => {
    const story = await openDays();
    story.write('mark.txt', '2\n');
    story.files({ 'data/raw/2024-03-01.csv': 'new\n', 'data/raw/2024-03-31.csv': 'edited\n' });
    const run = await story.repro('clean', '-j', '1');
    expect(started(run).slice(0, 2).sort()).toEqual(['clean 2024-03-01', 'clean 2024-03-31']);
    expect(started(run)).toHaveLength(5);
  });
});

describe('what is told first', () => {
  test('is the window, first and last datum, counts with bounds and an estimate; a dry run is what the run then does', async () => {
    const story = await openDays();
    story.write('mark.txt', '2\n');
    const args = ['monthly', '--since', '2024-03-31', '--until', '2024-04-02'];
    const dry = await backfill(story, ...args, '-n');
    expect(notes(dry).slice(0, 4)).toEqual([
      'window from 2024-03-31 to 2024-04-02 (not included), Europe/Vienna; newest first, mode stale',
      'clean: 2 datums from date=2024-03-31 to date=2024-04-01; 0 cached, 2 to run',
      'mean: 2 datums from date=2024-03-31 to date=2024-04-01; 0 cached, ≤ 2 to run',
      'monthly: 2 datums from date=2024-03 to date=2024-04; 0 cached, ≤ 2 to run',
    ]);
    expect(notes(dry)[4]).toMatch(/^about \d+ s by earlier runs$/);
    const status = await story.git('status', '--short');
    expect(status).toBe(' M mark.txt\n');
    const run = await backfill(story, ...args);
    expect(notes(run).slice(0, 5)).toEqual(notes(dry).slice(0, 5));
    expect(planOf(run)).toEqual(planOf(dry));
    expect(run.counts).toEqual({ ...dry.counts });
    // Back again: now the store has the results, and both say so.
    story.write('mark.txt', '1\n');
    const [dryAgain, again] = [await backfill(story, ...args, '-n'), await backfill(story, ...args)];
    expect([dryAgain.counts, again.counts]).toEqual(Array(2).fill({ planned: 6, cached: 6, skipped: 5 }));
  });
});

describe('the mode', () => {
  test('all makes current datums again, missing only those without a result', async () => {
    const story = await openDays();
    const all = await backfill(story, 'clean', '--since', '2024-04-01', '--mode', 'all');
    expect(all.ran).toEqual(['clean date=2024-04-01', 'clean date=2024-04-02']);
    story.write('mark.txt', '2\n');
    story.write('data/raw/2024-04-03.csv', 'new\n');
    const missing = await backfill(story, 'clean', '--since', '2024-03', '--mode', 'missing');
    expect(missing.ran).toEqual(['clean date=2024-04-03']);
  });

  test('failed tries again only what the lock marks so', async () => {
    const story = await openDays();
    story.write('data/raw/2024-04-01.csv', 'FAIL\n');
    expect((await backfill(story, 'clean', '--since', '2024-03')).ended('failed')).toEqual([
      'clean date=2024-04-01',
    ]);
    story.write('data/raw/2024-04-01.csv', 'good\n');
    story.write('mark.txt', '2\n');
    const run = await backfill(story, 'clean', '--since', '2024-03', '--mode', 'failed');
    expect([run.code, run.ran]).toEqual([0, ['clean date=2024-04-01']]);
    // The window is not empty, only nothing in it failed.
    expect((await backfill(story, 'clean', '--since', '2024-03', '--mode', 'failed')).counts).toEqual({
      skipped: 11,
    });
  });
});

describe('failures', () => {
  async function openFailing(cmd: string): Promise<Story> {
    const story = await openStory(`
stages:
  one:
    cmd: ${cmd}
    matrix: {date: {since: 2024-05-01, until: 2024-05-09, every: 1d}}
    outs: {made: "made/{date:%Y-%m-%d}.txt"}
`);
    return story;
  }

  test('of the first five datums, all alike, stop it', async () => {
    const story = await openFailing('exit 4');
    const run = await backfill(story, 'one', '--since', '2024-05-01', '-j', '1');
    expect([run.code, started(run).length]).toEqual([3, 5]);
    // Those that it didn't come to are the rest.
    expect(run.counts).toEqual({ planned: 5, failed: 5, skipped: 3 });
    const [logged] = (await story.succeed('log', '--json')).json<RunReport[]>();
    expect(logged?.stages[0]?.whyNot).toEqual([{ kind: 'stopped', count: 3 }]);
    expect(run.warnings).toContainEqual(
      expect.stringContaining('stopped: the first 5 datums all failed alike (user 4)'),
    );
  });

  test('that differ, or after a success, do not', async () => {
    const story = await openFailing(`'case "$date" in *-08) exit 3;; esac; exit 4'`);
    expect((await backfill(story, 'one', '--since', '2024-05-01', '-j', '1')).counts.failed).toBe(8);
    story.pipeline(story.read('datawf.yaml').replace('exit 3', 'echo x > "$made"; exit 0'));
    expect((await backfill(story, 'one', '--since', '2024-05-01', '-j', '1')).counts).toEqual({
      planned: 8,
      ran: 1,
      failed: 7,
    });
  });

  test('stop it after as many as --max-failures says', async () => {
    const story = await openFailing('exit 4');
    const run = await backfill(story, 'one', '--since', '2024-05-01', '-j', '1', '--max-failures', '2');
    expect([run.code, run.counts.failed]).toEqual([3, 2]);
    expect(run.warnings).toContainEqual(expect.stringContaining('stopped after 2 failures (--max-failures)'));
  });
});

test('--commit makes one commit of the lock that names the run', async () => {
  const story = await openDays();
  story.write('mark.txt', '2\n');
  await story.git('commit', '--quiet', '-am', 'code');
  story.write('notes.txt', 'not mine\n');
  const run = await backfill(story, 'monthly', '--since', '2024-04', '--commit');
  const { run: id } = run.events.at(-1) as { run: string };
  expect(
    await story.git('log', '-1', '--format=%s|%(trailers:key=Datawf-Run,valueonly,separator=%x2c)'),
  ).toBe(`Update clean, mean, monthly|${id}\n`);
  expect(await story.git('show', '--format=', '--name-only')).toBe('datawf.lock\n');
  expect(await story.git('rev-list', '--count', 'HEAD')).toBe('3\n');
  expect(await story.git('status', '--short')).toBe('?? notes.txt\n');
});
