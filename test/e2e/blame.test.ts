import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BlameReport } from '../../src/model/history-report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openStory, type Story } from './story.ts';

const WORKFLOW = `stages:
  clean:
    cmd: sh clean.sh "$raw" "$clean"
    code: [clean.sh]
    params: [factor]
    deps: {raw: "raw/{date:%Y-%m-%d}.csv", stations: stations.csv}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  monthly:
    cmd: mkdir -p "$month" && cat "$clean"/*.csv > "$month/all.csv" && echo 1 > "$month/count.txt"
    deps: {clean: "clean/{date:%Y-%m-%d}.csv"}
    outs: {month: "months/{date:%Y-%m}/"}
  report:
    cmd: cat "$months"/*/all.csv > "$report"
    deps: {months: months/}
    outs: {report: report.txt}
`;

async function openDays(days = 3): Promise<Story> {
  const story = await openStory(WORKFLOW);
  story.write('clean.sh', 'cp "$1" "$2"\n');
  story.write('params.yaml', 'factor: 2\n');
  story.write('stations.csv', 'a\n');
  for (let day = 1; day <= days; day++)
    story.write(`raw/2024-01-${String(day).padStart(2, '0')}.csv`, `${day}\n`);
  await story.succeed('add', 'raw');
  await commit(story, 'Start');
  await story.succeed('repro');
  await commit(story, 'Results');
  return story;
}

async function commit(story: Story, message: string): Promise<string> {
  await story.git('add', '.');
  await story.git('commit', '--quiet', '-m', message);
  return (await story.git('rev-parse', 'HEAD')).trim();
}

async function blame(story: Story, path: string): Promise<BlameReport> {
  const report = (await story.succeed('blame', path, '--json')).json<BlameReport>();
  expectSchema('blame', report);
  return report;
}

async function lastRun(story: Story): Promise<string> {
  const [run] = (await story.succeed('log', '--limit', '1', '--json')).json<{ run: string }[]>();
  return run?.run ?? '';
}

describe('blame', () => {
  test('tells the run, command, code and inputs of a file', async () => {
    const story = await openDays();
    const report = await blame(story, 'clean/2024-01-02.csv');
    expect(report).toMatchObject({
      path: 'clean/2024-01-02.csv',
      ref: null,
      files: 1,
      added: [],
      runs: [{ stage: 'clean', datums: 1, files: 1 }],
      datum: {
        stage: 'clean',
        captures: { date: '2024-01-02' },
        failed: false,
        code: { cmd: 'sh clean.sh "$raw" "$clean"', image: null, params: { 'params.yaml:factor': '2' } },
        made: { sandbox: true },
        run: {
          run: await lastRun(story),
          recorded: true,
          kind: 'repro',
          user: 'Ada Test <ada@example.org>',
          branch: 'main',
          argv: ['repro'],
        },
        restoredBy: null,
      },
    });
    const inputs = Object.fromEntries(
      report.datum!.inputs!.map(({ dep, files, paths }) => [dep, [files, ...paths.map(({ path }) => path)]]),
    );
    expect(inputs).toEqual({ raw: [1, 'raw/2024-01-02.csv'], stations: [1, 'stations.csv'] });
    const raw = (await story.succeed('ls', '-R', 'raw', '--json')).json<{ path: string; digest: string }[]>();
    expect(report.datum!.inputs![0]!.paths[0]).toEqual({ path: raw[1]!.path, digest: raw[1]!.digest });
    expect(Object.keys(report.datum!.code.files)).toEqual(['clean.sh']);
    const { stdout } = await story.succeed('blame', 'clean/2024-01-02.csv');
    expect(stdout).toMatch(/made by +stage clean date=2024-01-02\n/);
    expect(stdout).toMatch(/command +sh clean\.sh "\$raw" "\$clean"\n/);
    expect(stdout).toMatch(/from raw: 1 file\n +raw\/2024-01-02\.csv +[0-9a-f]{10}\n/);
  });

  test('of the folder of a datum is the datum, of a whole out the runs', async () => {
    const story = await openDays(12);
    const folder = await blame(story, 'months/2024-01');
    expect(folder).toMatchObject({
      digest: null,
      files: 2,
      datum: {
        stage: 'monthly',
        captures: { date: '2024-01' },
        inputs: [{ dep: 'clean', files: 12, tree: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
      },
    });
    expect(folder.datum!.inputs![0]!.paths[0]!.path).toBe('clean/2024-01-01.csv');
    expect((await blame(story, 'months/2024-01/all.csv')).datum).toEqual(folder.datum);
    expect((await blame(story, 'report.txt')).datum).toMatchObject({
      captures: {},
      inputs: [{ dep: 'months', files: 2 }],
    });

    const first = await lastRun(story);
    story.write('raw/2024-01-02.csv', 'changed\n');
    await story.succeed('repro', 'clean');
    expect(await blame(story, 'clean')).toMatchObject({
      files: 12,
      datum: null,
      runs: [
        { stage: 'clean', datums: 1, files: 1, run: { run: await lastRun(story) } },
        { stage: 'clean', datums: 11, files: 11, run: { run: first } },
      ],
    });
    expect((await story.succeed('blame', 'clean')).stdout).toMatch(/clean +1 datum +1 file +by 01/);
  });

  test('names the run that took a file from the run cache besides the one that made it', async () => {
    const story = await openDays();
    const first = await lastRun(story);
    story.write('raw/2024-01-02.csv', 'changed\n');
    await story.succeed('repro', 'clean');
    story.write('raw/2024-01-02.csv', '2\n');
    expect((await story.repro('clean')).counts).toMatchObject({ cached: 1 });
    const report = await blame(story, 'clean/2024-01-02.csv');
    expect(report.datum).toMatchObject({
      run: { run: first },
      restoredBy: { run: await lastRun(story), kind: 'repro' },
    });
    expect((await story.succeed('blame', 'clean/2024-01-02.csv')).stdout).toMatch(
      /restored +from the run cache by 01/,
    );
  });

  test('works for a commit, and by the lock and the results once the run is forgotten', async () => {
    const story = await openDays();
    const first = await lastRun(story);
    story.write('raw/2024-01-02.csv', 'changed\n');
    await story.succeed('repro');
    const then = await blame(story, 'HEAD:clean/2024-01-02.csv');
    expect(then).toMatchObject({ ref: 'HEAD', datum: { run: { run: first, recorded: true } } });

    rmSync(story.path('.git/datawf/runs'), { recursive: true });
    rmSync(story.path('.git/datawf/logs'), { recursive: true });
    const forgotten = await blame(story, 'HEAD:clean/2024-01-02.csv');
    expect(forgotten.datum).toEqual({
      ...then.datum,
      run: { run: first, recorded: false },
      restoredBy: null,
    });
    expect((await story.succeed('blame', 'clean/2024-01-01.csv')).stdout).toContain(
      `${first}, whose record is not here`,
    );

    rmSync(story.path('.git/datawf/results'), { recursive: true });
    expect((await blame(story, 'clean/2024-01-01.csv')).datum).toMatchObject({
      stage: 'clean',
      captures: { date: '2024-01-01' },
      code: { cmd: 'sh clean.sh "$raw" "$clean"' },
      made: null,
      run: null,
      inputs: null,
    });
  });

  test('of added data is the commit that recorded this version of the file', async () => {
    const story = await openDays();
    const start = (await story.git('rev-parse', 'HEAD~1')).trim();
    story.write('raw/2024-01-02.csv', 'changed\n');
    await story.succeed('add', 'raw');
    expect((await blame(story, 'raw/2024-01-02.csv')).added).toEqual([
      { dataset: 'raw', files: 1, commit: null },
    ]);
    expect((await story.succeed('blame', 'raw/2024-01-02.csv')).stdout).toContain('no commit has recorded');
    const second = await commit(story, 'Correct a day');
    story.write('raw/2024-01-03.csv', 'more\n');
    await story.succeed('add', 'raw');
    const third = await commit(story, 'Correct another');
    const commitOf = async (path: string): Promise<string | undefined> =>
      (await blame(story, path)).added[0]?.commit?.commit;
    expect(await commitOf('raw/2024-01-01.csv')).toBe(start);
    expect(await commitOf('raw/2024-01-02.csv')).toBe(second);
    expect(await commitOf('raw/2024-01-03.csv')).toBe(third);
    expect(await commitOf('raw')).toBe(third);
    expect(await commitOf(`${second}:raw/2024-01-03.csv`)).toBe(start);
    expect((await story.succeed('blame', 'raw/2024-01-02.csv')).stdout).toMatch(
      /recorded by commit [0-9a-f]{10}, .* by Ada Test <ada@example\.org>: Correct a day\n/,
    );
  });

  test('of what is in no dataset is not found, with a cure', async () => {
    const story = await openDays();
    const near = await story.datawf(['blame', 'clean/2024-01-2.csv']);
    expect([near.code, near.stderr]).toEqual([4, expect.stringContaining('Did you mean')]);
    const tracked = await story.datawf(['blame', 'clean.sh']);
    expect([tracked.code, tracked.stderr]).toEqual([4, expect.stringContaining('git blame clean.sh')]);
    expect((await story.datawf(['blame', 'nope:clean'])).code).toBe(4);
  });
});

describe('in another clone', () => {
  async function openClone(...push: readonly string[]): Promise<{ story: Story; clone: Story; run: string }> {
    const story = await openDays();
    await story.succeed('config', 'set', 'stores.shared.url', story.path('../shared'));
    await commit(story, 'Name the store');
    await story.succeed('push', ...push);
    await story.git('clone', '--quiet', '.', '../clone');
    const there = (args: readonly string[]) => ({ args: ['-C', '../clone', ...args] });
    const clone: Story = {
      ...story,
      datawf: (args, options) => story.datawf(there(args).args, options),
      succeed: (...args) => story.succeed(...there(args).args),
    };
    return { story, clone, run: await lastRun(story) };
  }

  test('a pushed file is blamed on the run that made it, before and after a pull', async () => {
    const { clone, run, story } = await openClone();
    const wanted = {
      run: { run, recorded: true, user: 'Ada Test <ada@example.org>', argv: ['repro'] },
      made: { sandbox: true },
    };
    expect((await blame(clone, 'clean/2024-01-02.csv')).datum).toMatchObject(wanted);
    await clone.succeed('pull');
    expect((await blame(clone, 'clean/2024-01-02.csv')).datum).toMatchObject(wanted);
    const offline = story.path('../shared');
    rmSync(offline, { recursive: true });
    expect((await blame(clone, 'clean/2024-01-02.csv')).datum).toMatchObject({ made: { sandbox: true } });
  });

  test('show and logs read a pushed run, log lists those of a store, and its own are none', async () => {
    const { clone, run, story } = await openClone();
    expect((await clone.succeed('log', '--json')).json()).toEqual([]);
    const [listed] = (await clone.succeed('log', '--store', 'shared', '--json')).json<object[]>();
    expect(listed).toMatchObject({ run, state: 'done', counts: { ran: 5 } });
    const shown = (await clone.succeed('show', run.slice(0, 12), '--json')).json<object>();
    expectSchema('show', shown);
    expect(shown).toEqual((await story.succeed('show', run, '--json')).json());
    expect((await clone.succeed('logs', run, '--json')).json()).toEqual(
      (await story.succeed('logs', run, '--json')).json(),
    );
    const unknown = await clone.datawf(['log', '--store', 'shraed', '--json']);
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).toContain('shared');
  });

  test('a failed run gets there with --run-cache, once', async () => {
    const { clone, story } = await openClone();
    story.write('clean.sh', 'echo to be read elsewhere >&2; exit 3\n');
    expect((await story.datawf(['repro', 'clean'])).code).toBe(3);
    const failed = await lastRun(story);
    await story.succeed('push');
    expect((await clone.datawf(['show', failed])).code).toBe(4);
    await story.succeed('push', '--run-cache');
    await story.succeed('push', '--run-cache');
    const runs = (await clone.succeed('log', '--store', 'shared', '--state', 'failed', '--json')).json();
    expect(runs).toMatchObject([{ run: failed }]);
    expect((await clone.succeed('logs', failed, 'clean')).stdout).toContain('to be read elsewhere');
  });
});
