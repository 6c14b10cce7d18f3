import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LogStats, RunReport, ShownRun } from '../../src/model/history-report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openRig, type Rig } from './rig.ts';

const WORKFLOW = `stages:
  clean:
    cmd: |
      echo "cleaning $d"
      if grep -q bad "$raw"; then echo "bad values in $raw" >&2; exit 7; fi
      cp "$raw" "$clean"
    deps: {raw: "data/raw/{d}.csv"}
    outs: {clean: "data/clean/{d}.csv"}
  all:
    cmd: cat "$clean"/*.csv > "$all"
    deps: {clean: data/clean/}
    outs: {all: all.csv}
`;

async function openWorkflow(): Promise<Rig> {
  const rig = await openRig();
  rig.write('datawf.yaml', WORKFLOW);
  for (const name of ['a', 'b', 'c']) rig.write(`data/raw/${name}.csv`, `${name}\n`);
  await rig.succeed('add', 'data/raw');
  await rig.git('add', '.');
  await rig.git('commit', '--quiet', '-m', 'Start');
  return rig;
}

/** A run that fails on b, then one that repairs it. */
async function runTwice(rig: Rig): Promise<void> {
  rig.write('data/raw/b.csv', 'bad\n');
  expect((await rig.datawf(['repro'])).code).toBe(3);
  rig.write('data/raw/b.csv', 'good\n');
  await rig.succeed('repro');
}

describe('log', () => {
  test('lists runs with their reasons, times and counts, newest first', async () => {
    const rig = await openWorkflow();
    await runTwice(rig);
    const runs = (await rig.succeed('log', '--json')).json<RunReport[]>();
    expectSchema('log', runs);
    expect(runs).toMatchObject([
      {
        kind: 'repro',
        state: 'done',
        exit: 0,
        user: 'Ada Test <ada@example.org>',
        branch: 'main',
        dirty: true,
        environment: 'local',
        executor: 'local',
        counts: { ran: 2, failed: 0 },
      },
      { state: 'failed', exit: 3, counts: { ran: 2, failed: 1, blocked: 1 } },
    ]);
    const clean = runs[0]!.stages.find((stage) => stage.stage === 'clean');
    expect(clean).toMatchObject({ counts: { ran: 1, skipped: 2 } });
    expect((await rig.succeed('log')).stdout).toMatch(
      /^01\w{24} {2}done {2}repro, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(.+\), took /,
    );
  });

  test('filters by state, stage, path, window and number', async () => {
    const rig = await openWorkflow();
    await runTwice(rig);
    const states = async (...args: string[]): Promise<string[]> =>
      (await rig.succeed('log', '--json', ...args)).json<RunReport[]>().map((run) => run.state);
    expect(await states('--state', 'failed')).toEqual(['failed']);
    expect(await states('--limit', '1')).toEqual(['done']);
    expect(await states('clean')).toEqual(['done', 'failed']);
    expect(await states('c*')).toEqual(['done', 'failed']);
    expect(await states('data/clean/a.csv')).toEqual(['failed']);
    expect(await states('data/clean/b.csv')).toEqual(['done']);
    expect(await states('--since', '1d')).toEqual(['done', 'failed']);
    expect(await states('--until', '2020-01-01')).toEqual([]);
    expect(await states('--branch', 'other')).toEqual([]);
    expect(await states('last')).toEqual(['done']);
  });

  test('knows the run that removed a file', async () => {
    const rig = await openWorkflow();
    await rig.succeed('repro');
    rig.remove('data/raw/b.csv');
    const { stderr } = await rig.succeed('repro');
    expect(stderr).toContain('1 datum vanished');
    const [gone, made] = (await rig.succeed('log', 'data/clean/b.csv', '--json')).json<RunReport[]>();
    expect(gone?.stages.find(({ stage }) => stage === 'clean')?.why).toMatchObject([{ kind: 'vanished' }]);
    expect(made?.counts.ran).toBe(4);
    expect((await rig.succeed('log', 'data/clean/c.csv', '--json')).json()).toHaveLength(1);
  });

  test('answers the same without its index', async () => {
    const rig = await openWorkflow();
    await runTwice(rig);
    const ask = async (...args: string[]): Promise<string> =>
      (await rig.succeed('log', ...args, '--json')).stdout;
    const questions = [[], ['data/clean'], ['clean', '--stats'], ['--state', 'failed']];
    const answers = await Promise.all(questions.map((words) => ask(...words)));
    for (const damage of ['', 'datawf-log 1\nxxxxxxxxxxxxxxxxxxxxxx']) {
      rig.write('.git/datawf/index/log', damage);
      for (const [index, words] of questions.entries()) expect(await ask(...words)).toBe(answers[index]);
    }
    rig.remove('.git/datawf/index/log');
    for (const [index, words] of questions.entries()) expect(await ask(...words)).toBe(answers[index]);
  });

  test('tells why datums had nothing to do', async () => {
    const rig = await openRig();
    rig.write(
      'datawf.yaml',
      `stages:
  clean:
    cmd: head -n 1 "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  all: {cmd: 'cat "$clean"/* > "$all"', deps: {clean: clean/}, outs: {all: all.csv}}
`,
    );
    for (const day of ['01', '02', '03']) rig.write(`raw/2024-01-${day}.csv`, `${day}\n`);
    await rig.succeed('add', 'raw');
    await rig.succeed('repro');
    const whyNot = async (): Promise<unknown> => {
      const [run] = (await rig.succeed('log', '--limit', '1', '--json')).json<RunReport[]>();
      return Object.fromEntries(
        run!.stages.map(({ stage, whyNot: list }) => [
          stage,
          Object.fromEntries(list.map(({ kind, count }) => [kind, count])),
        ]),
      );
    };
    rig.write('raw/2024-01-02.csv', '02\nmore\n');
    await rig.succeed('repro');
    expect(await whyNot()).toEqual({ clean: { current: 2 }, all: { 'identical-upstream': 1 } });
    rig.write('raw/2024-01-02.csv', 'other\n');
    rig.write('raw/2024-01-03.csv', 'other\n');
    await rig.succeed('repro', 'clean', '--single', '--since', '2024-01-02', '--until', '2024-01-03');
    expect(await whyNot()).toEqual({ clean: { filtered: 2 } });
    rig.write('raw/2024-01-02.csv', '02\n');
    rig.write('raw/2024-01-03.csv', '03\n');
    await rig.succeed('repro');
    expect(await whyNot()).toMatchObject({ clean: { current: 2, cached: 1 } });
  });

  test('refuses what means nothing', async () => {
    const rig = await openWorkflow();
    expect(await rig.datawf(['log', 'claen'])).toMatchObject({ code: 4 });
    expect((await rig.datawf(['log', 'claen'])).stderr).toContain('Did you mean "clean"?');
    expect(await rig.datawf(['log', '--state', 'lots'])).toMatchObject({ code: 2 });
    expect(await rig.datawf(['log', '--since', '2024-01-02', '--until', '2024-01-01'])).toMatchObject({
      code: 2,
    });
    expect(await rig.datawf(['log', '--since', 'yesteryear'])).toMatchObject({ code: 2 });
  });

  test('sums what stages cost', async () => {
    const rig = await openWorkflow();
    await runTwice(rig);
    const stats = (await rig.succeed('log', '--stats', '--json')).json<LogStats>();
    expectSchema('log-stats', stats);
    expect(stats).toMatchObject({ runs: 2, done: 1, failed: 1 });
    expect(stats.stages.find((stage) => stage.stage === 'clean')).toMatchObject({
      runs: 2,
      ran: 3,
      failed: 1,
    });
  });
});

describe('show', () => {
  test('tells one run in full, by id, prefix or "last"', async () => {
    const rig = await openWorkflow();
    rig.write('data/raw/b.csv', 'bad\n');
    await rig.datawf(['repro', '--json']);
    const shown = (await rig.succeed('show', 'last', '--json')).json<ShownRun>();
    expectSchema('show', shown);
    expect(shown).toMatchObject({
      argv: ['repro', '--json'],
      attempts: 3,
      failures: [
        {
          stage: 'clean',
          captures: { d: 'b' },
          state: 'failed',
          exit: 7,
          stderr: 'bad values in data/raw/b.csv\n',
        },
      ],
    });
    expect((await rig.succeed('show', shown.run.slice(0, 20), '--json')).json().run).toBe(shown.run);
    expect((await rig.succeed('show', 'last')).stdout).toContain(
      `its log: datawf logs ${shown.run} clean d=b`,
    );
  });

  test('of no run is not found', async () => {
    const rig = await openWorkflow();
    expect(await rig.datawf(['show', 'last'])).toMatchObject({ code: 4 });
    expect(await rig.datawf(['show', '01J0000000000000000000000A'])).toMatchObject({ code: 4 });
  });
});

describe('logs', () => {
  test('prints what commands printed: all, of a stage, of a datum', async () => {
    const rig = await openWorkflow();
    rig.write('data/raw/b.csv', 'bad\n');
    await rig.datawf(['repro']);
    const all = (await rig.succeed('logs', 'last')).stdout.split('\n').filter((line) => line !== '');
    expect(all.sort()).toEqual([
      'clean d=a | cleaning a',
      'clean d=b | bad values in data/raw/b.csv',
      'clean d=b | cleaning b',
      'clean d=c | cleaning c',
    ]);
    expect((await rig.succeed('logs', 'last', 'clean', 'd=b')).stdout).toBe(
      'cleaning b\nbad values in data/raw/b.csv\n',
    );
    const lines = (await rig.succeed('logs', 'last', 'clean', 'd=b', '--json')).json();
    expectSchema('logs', lines);
    expect(lines).toMatchObject([
      { stage: 'clean', captures: { d: 'b' }, attempt: 1, stream: 'out', text: 'cleaning b' },
      { stream: 'err', text: 'bad values in data/raw/b.csv' },
    ]);
    expect((await rig.succeed('logs', '-f', 'last', 'clean', 'd=b')).stdout).toContain('cleaning b\n');
  });

  test('follow a run that works, from another terminal, until it ends', async () => {
    const rig = await openRig();
    rig.write(
      'datawf.yaml',
      `stages:
  slow:
    cmd: echo first; while ! test -e "$GO"; do sleep 0.05; done; echo last > "$out"; echo last
    env: {GO: ${rig.path('go')}}
    outs: {out: out.txt}
`,
    );
    const running = rig.datawf(['repro']);
    const isListed = async (): Promise<boolean> =>
      (await rig.datawf(['logs', 'last'])).stdout.includes('first');
    await expect.poll(isListed, { timeout: 20_000 }).toBe(true);
    const followed = rig.datawf(['logs', '-f', 'last', 'slow', '--json']);
    rig.write('go', '');
    const [{ code }, { stdout }] = await Promise.all([running, followed]);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string });
    expectSchema('logs', lines);
    expect(lines.map(({ text }) => text)).toEqual(['first', 'last']);
  });

  test('of what did not run are not found, with a suggestion', async () => {
    const rig = await openWorkflow();
    await rig.succeed('repro');
    expect(await rig.datawf(['logs', 'last', 'claen'])).toMatchObject({ code: 4 });
    expect((await rig.datawf(['logs', 'last', 'claen'])).stderr).toContain('Did you mean "clean"?');
    expect(await rig.datawf(['logs', 'last', 'clean', 'd=z'])).toMatchObject({ code: 4 });
    expect(await rig.datawf(['logs', 'last', 'clean', 'what'])).toMatchObject({ code: 2 });
  });
});

test('a failure tells the datum, the end of its stderr and where its log is', async () => {
  const rig = await openWorkflow();
  rig.write('data/raw/b.csv', 'bad\n');
  const { code, stdout, stderr } = await rig.datawf(['repro']);
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(
    /^failed clean d=b: .*7.* \(after .+\)\n {4}bad values in data\/raw\/b\.csv\n {2}its log: datawf logs 01\w{24} clean d=b\n/m,
  );
  expect(stderr).toMatch(/\nfailed 1, blocked 1, ran 2 in .+\nAll about this run: datawf show 01\w{24}\n$/);
  const quiet = await rig.datawf(['repro', '-q']);
  expect(quiet.code).toBe(3);
  expect(quiet.stderr).toMatch(/^failed clean d=b/);
  expect(quiet.stderr).not.toContain('All about');
});

test('a stage tells how many datums it is about to run when its first one starts', async () => {
  const rig = await openWorkflow();
  const events = (await rig.succeed('repro', '--json')).events();
  for (const event of events) expectSchema('event', event);
  expect(events.filter(({ event }) => event === 'stage-start')).toEqual([
    { event: 'stage-start', stage: 'clean', planned: 3, reasons: [{ kind: 'never-run', count: 3 }] },
    { event: 'stage-start', stage: 'all', planned: 1, reasons: [{ kind: 'never-run', count: 1 }] },
  ]);
  const order = events.map(({ event }) => event);
  expect(order.indexOf('stage-start')).toBeLessThan(order.indexOf('datum-start'));
});

test('many small segments of the run cache become few, and say the same', async () => {
  const rig = await openWorkflow();
  await rig.succeed('repro');
  const folder = '.git/datawf/results';
  const [half] = readdirSync(rig.path(folder)).filter((name) =>
    readFileSync(
      rig.path(`${folder}/${name}/${readdirSync(rig.path(`${folder}/${name}`))[0] ?? ''}`),
      'utf8',
    ).includes('data/clean/a.csv'),
  );
  const own = `${folder}/${half ?? ''}`;
  const [segment = ''] = readdirSync(rig.path(own));
  const text = rig.read(`${own}/${segment}`);
  for (let number = 100; number < 170; number++)
    rig.write(`${own}/01J0000000000000000000${number}A-0-000000.ndjson`, text);
  rig.write('data/raw/b.csv', 'other\n');
  await rig.succeed('repro');
  expect(readdirSync(rig.path(own)).length).toBeLessThan(5);
  rig.write('data/raw/b.csv', 'b\n');
  const end = (await rig.succeed('repro', '--json')).events().at(-1);
  expect(end).toMatchObject({ counts: { ran: 0, cached: 2 } });
});
