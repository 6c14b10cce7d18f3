import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { openArchive, type ArchiveOptions, type HttpArchive } from '../rig/http-archive.ts';
import { noonZone } from '../rig/noon.ts';
import { datums, filesBelow, openStory, type Story } from './story.ts';

/** Data that others publish: fetched politely, never in part, and each file once. */

/** Appends to its out as bytes arrive, so that what an interrupted try leaves behind would show. */
const FETCH = `
import { appendFileSync } from 'node:fs';
import { get } from 'node:http';
const [url, file] = process.argv.slice(2);
const token = process.env.ARCHIVE_TOKEN;
console.error('with', token);
get(url, { agent: false, headers: token ? { authorization: 'Bearer ' + token } : {} }, (answer) => {
  if (answer.statusCode === 404) process.exit(75);
  if (answer.statusCode !== 200) process.exit(22);
  appendFileSync(file, '');
  answer.on('data', (bytes) => appendFileSync(file, bytes));
  answer.on('error', () => process.exit(18));
});
`;

async function archiveOf(options?: ArchiveOptions): Promise<HttpArchive> {
  const archive = await openArchive(options);
  onTestFinished(() => archive.close());
  return archive;
}

async function openDownloads(archive: HttpArchive, pipeline: string): Promise<Story> {
  const story = await openStory(pipeline.replaceAll('ARCHIVE_URL', archive.url));
  story.write('fetch.mjs', FETCH);
  return story;
}

const DAYS = ['2024-05-01', '2024-05-02', '2024-05-03', '2024-05-04', '2024-05-05'];

const daily = (until: string, more = ''): string => `
stages:
  fetch:
    cmd: node fetch.mjs "ARCHIVE_URL/$date.csv" "$raw"
    code: [fetch.mjs]
    matrix: {date: {since: 2024-05-01, until: ${until}, every: 1d}}
    outs: {raw: "raw/{date:%Y-%m-%d}.csv"}
    ${more}
`;

test('a range up to today asks for each day once, waits for those not published, and asks for them again', async () => {
  const { zone, day } = noonZone();
  const archive = await archiveOf();
  const story = await openDownloads(
    archive,
    `zone: ${zone}\n${daily('today').replace('2024-05-01', day(-3))}`,
  );
  for (const offset of [-3, -2, 0]) archive.published.set(`${day(offset)}.csv`, `${offset}\n`);
  expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 3, ran: 2, waiting: 1 } });
  expect(archive.asked()).toEqual([-3, -2, -1].map((offset) => `${day(offset)}.csv`));
  expect(story.texts('raw')).toEqual([`${day(-3)}.csv: -3`, `${day(-2)}.csv: -2`]);
  expect(datums(await story.stage('fetch'))).toEqual({ total: 2, current: 2, waiting: 1 });
  expect((await story.datawf(['status', '--check'])).code).toBe(0);

  expect(await story.repro()).toMatchObject({ code: 0, counts: { waiting: 1, skipped: 2 } });
  expect(archive.asked()).toEqual([`${day(-1)}.csv`]);
  archive.published.set(`${day(-1)}.csv`, 'late\n');
  expect((await story.repro()).ran).toEqual([`fetch date=${day(-1)}`]);
  expect((await story.repro()).counts).toEqual({ skipped: 3 });
  expect(archive.asked()).toEqual([`${day(-1)}.csv`]);
});

test('a limit holds whatever the jobs, faults are tried again after a pause, and nothing partial is accepted', async () => {
  const archive = await archiveOf({ slowMs: 60 });
  const story = await openDownloads(
    archive,
    daily('2024-05-06', 'retries: 1\n    resources: {limit: {archive: 2}}'),
  );
  for (const each of DAYS) archive.published.set(`${each}.csv`, `the whole of ${each}\n`);
  archive.faults.set('2024-05-01.csv', [503]);
  archive.faults.set('2024-05-02.csv', ['reset']);
  archive.faults.set('2024-05-03.csv', ['reset', 'reset']);
  const run = await story.repro('-j', '5');
  expect([run.code, run.ended('failed'), run.counts.ran]).toEqual([3, ['fetch date=2024-05-03'], 4]);
  expect(archive.mostAtOnce).toBe(2);
  expect(run.events.filter((event) => event.event === 'warning').map((event) => event.code)).toEqual([
    'retry',
    'retry',
    'retry',
  ]);
  for (const each of DAYS.slice(0, 3)) {
    const tries = archive.seen.filter(({ path }) => path === `${each}.csv`);
    expect(tries).toHaveLength(2);
    // From half a second to a second, by chance.
    expect(tries[1]!.at - tries[0]!.at).toBeGreaterThan(500);
  }
  const whole = (days: readonly string[]): string[] =>
    days.map((each) => `${each}.csv: the whole of ${each}`);
  expect(story.texts('raw')).toEqual(whole(DAYS.filter((each) => each !== '2024-05-03')));
  archive.asked();
  expect((await story.repro()).ran).toEqual(['fetch date=2024-05-03']);
  expect(archive.asked()).toEqual(['2024-05-03.csv']);
  expect(story.texts('raw')).toEqual(whole(DAYS));
});

test('a limit of the configuration is the smaller one that counts', async () => {
  const archive = await archiveOf({ slowMs: 30 });
  const story = await openDownloads(archive, daily('2024-05-04', 'resources: {limit: {archive: 2}}'));
  story.write('.datawf/config.yaml', 'limits: {archive: 1}\n');
  for (const each of DAYS) archive.published.set(`${each}.csv`, 'x\n');
  expect((await story.repro('-j', '4')).counts).toMatchObject({ ran: 3 });
  expect(archive.mostAtOnce).toBe(1);
});

test('a listing that runs each time, exploded, fetches what is new or changed and drops what is gone', async () => {
  const archive = await archiveOf();
  const story = await openDownloads(
    archive,
    `
stages:
  list:
    always: true
    cmd: node fetch.mjs ARCHIVE_URL/ list && while read -r name size; do echo "$size" > "$entries/$name"; done < list && rm list
    code: [fetch.mjs]
    outs: {entries: entries/}
  fetch:
    cmd: node fetch.mjs "ARCHIVE_URL/$name.csv" "$raw"
    code: [fetch.mjs]
    deps: {entry: "entries/{name}.csv"}
    outs: {raw: "raw/{name}.csv"}
`,
  );
  for (const name of ['a', 'b', 'c']) archive.published.set(`${name}.csv`, `${name}\n`);
  expect((await story.repro()).code).toBe(0);
  expect(archive.asked()).toEqual(['', 'a.csv', 'b.csv', 'c.csv']);

  const again = await story.repro();
  expect([again.ran, archive.asked()]).toEqual([['list'], ['']]);
  expect(await story.stage('list')).toMatchObject({ state: 'always' });
  expect((await story.datawf(['status', '--check'])).code).toBe(0);

  archive.published.set('b.csv', 'longer\n');
  archive.published.set('d.csv', 'd\n');
  archive.published.delete('c.csv');
  const third = await story.repro();
  expect([third.ran, archive.asked()]).toEqual([
    ['fetch name=b', 'fetch name=d', 'list'],
    ['', 'b.csv', 'd.csv'],
  ]);
  expect(story.texts('raw')).toEqual(['a.csv: a', 'b.csv: longer', 'd.csv: d']);
});

test('the value of a secret is in no store, lock, record or log', async () => {
  const token = 'tok-5f1c9e77aa41';
  const archive = await archiveOf({ token });
  const story = await openDownloads(archive, daily('2024-05-03', 'secrets: [ARCHIVE_TOKEN]'));
  archive.published.set('2024-05-01.csv', 'x\n');
  archive.published.set('2024-05-02.csv', 'x\n');
  const without = await story.repro();
  expect([without.code, without.error?.message]).toEqual([2, expect.stringContaining('ARCHIVE_TOKEN')]);
  const wrong = await story.reproWith({ env: { ARCHIVE_TOKEN: `${token}x` } });
  expect([wrong.code, wrong.stderr]).toEqual([3, expect.not.stringContaining(token)]);
  const right = await story.reproWith({ env: { ARCHIVE_TOKEN: token } });
  expect([right.code, right.ran.length, JSON.stringify(right.events)]).toEqual([
    0,
    2,
    expect.not.stringContaining(token),
  ]);
  // Another token makes nothing stale.
  expect((await story.reproWith({ env: { ARCHIVE_TOKEN: 'other' } })).counts).toEqual({ skipped: 2 });

  const [run] = (await story.datawf(['log', '--json'])).json<{ run: string }[]>();
  expect((await story.succeed('logs', run!.run)).stdout).toContain('with ***');
  const holders = filesBelow(story.root).filter((path) => {
    const bytes = readFileSync(story.path(path));
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).includes(token);
  });
  expect(holders).toEqual([]);
  expect(filesBelow(story.path('.git/datawf')).some((path) => path.endsWith('.gz'))).toBe(true);
});
