import { describe, expect, test } from 'vitest';
import type { AcceptReport, RunReport } from '../../src/model/history-report.ts';
import type { StatusReport, WhyReport } from '../../src/model/report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { datums, openStory, type Story } from './story.ts';

const WORKFLOW = (script: string, more = ''): string => `stages:
  clean:
    cmd: sh clean.sh "$raw" "$clean"   # ${script}
    code: [clean.sh]
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
${more}`;

const DAYS = ['2024-01-01', '2024-01-02', '2024-01-03'];

async function openDays(more = ''): Promise<Story> {
  const story = await openStory(WORKFLOW('', more));
  for (const day of DAYS) story.write(`raw/${day}.csv`, `${day}\n`);
  code(story, 'first');
  await story.succeed('add', 'raw');
  expect((await story.repro()).counts).toMatchObject({ ran: 3 });
  await commit(story, 'Start');
  return story;
}

/** Another script with the same results. */
function code(story: Story, name: string): void {
  story.write('clean.sh', `# ${name}\ncp "$1" "$2"\n`);
}

async function commit(story: Story, message: string): Promise<void> {
  await story.git('add', '.');
  await story.git('commit', '--quiet', '-m', message);
}

async function statusOf(story: Story): Promise<StatusReport> {
  const report = (await story.succeed('status', '--json')).json<StatusReport>();
  expectSchema('status', report);
  return report;
}

describe('accept', () => {
  test('records author and reason in the lock, and nothing runs afterwards', async () => {
    const story = await openDays();
    code(story, 'second');
    const before = story.read('datawf.lock');
    const dry = (
      await story.succeed('accept', 'clean', '-m', 'Only a comment', '--dry-run', '--json')
    ).json();
    expectSchema('accept', dry);
    expect(dry).toMatchObject({ dryRun: true, stages: [{ stage: 'clean', datums: 3 }] });
    expect(story.read('datawf.lock')).toBe(before);

    const report = (
      await story.succeed('accept', 'clean', '-m', 'Only a comment: "#"', '--json')
    ).json<AcceptReport>();
    expectSchema('accept', report);
    expect(report.stages[0]!.accepted).toMatchObject([
      { by: 'Ada Test <ada@example.org>', reason: 'Only a comment: "#"' },
    ]);
    const lock = story.read('datawf.lock');
    expect(lock).toMatch(
      /^ {6}"?\w{64}"?: \{as: "?\w{64}"?, by: "Ada Test <ada@example.org>", reason: "Only a comment: \\"#\\""\}$/m,
    );
    expect((await story.repro()).counts).toEqual({ skipped: 3 });
    expect(story.read('datawf.lock')).toBe(lock);
    expect((await story.datawf(['status', '--check'])).code).toBe(0);
  });

  test('is shown by status, why and log, also when nothing is planned again', async () => {
    const story = await openDays();
    code(story, 'second');
    await story.succeed('accept', 'clean', '-m', 'Only a comment');
    for (let look = 0; look < 2; look++) {
      const stage = await story.stage('clean');
      expect(stage).toMatchObject({
        state: 'current',
        accepted: [{ code: stage.code, by: 'Ada Test <ada@example.org>', reason: 'Only a comment' }],
      });
      expect(Object.values(stage.codeVersions ?? {})).toEqual([3]);
      expect((await story.succeed('status')).stdout).toMatch(
        /3 of 3 datums made by earlier code.*\n.*accepted as .* by Ada Test <ada@example.org>: Only a comment/,
      );
    }
    const why = (await story.succeed('why', 'clean', '--json')).json<WhyReport>();
    expectSchema('why', why);
    expect(why).toMatchObject({ state: 'current', accepted: [{ reason: 'Only a comment' }] });
    expect((await story.succeed('why', 'clean')).stdout).toContain('Only a comment');
    expect((await story.succeed('why', 'clean/2024-01-01.csv')).stdout).toContain(
      'accepted as giving the same',
    );
    const [run] = (await story.succeed('log', 'clean', '--json')).json<RunReport[]>();
    expectSchema('log', [run]);
    expect(run).toMatchObject({
      kind: 'accept',
      stages: [
        {
          stage: 'clean',
          whyNot: [{ kind: 'accepted', count: 3, detail: 'by Ada Test <ada@example.org>: Only a comment' }],
        },
      ],
    });
    expect((await story.succeed('log', 'clean')).stdout).toContain('Only a comment');
  });

  test('holds over several refactors, and a real change runs all again', async () => {
    const story = await openDays();
    for (const [day, name] of ['second', 'third', 'fourth'].entries()) {
      code(story, name);
      await story.succeed('accept', 'clean', '-m', name);
      story.write(`raw/2024-02-0${day + 1}.csv`, name);
      const { ran } = await story.repro();
      expect(ran).toHaveLength(1);
    }
    expect((await story.stage('clean')).state).toBe('current');
    story.write('clean.sh', 'tr a-z A-Z < "$1" > "$2"\n');
    expect((await story.repro()).ran).toHaveLength(6);
  });

  test('does not put results of the earlier code under the key of the new', async () => {
    const story = await openDays();
    code(story, 'second');
    const report = (await story.succeed('accept', 'clean', '-m', 'x', '--json')).json<AcceptReport>();
    await story.repro();
    expect(story.has(`.git/datawf/results/${report.stages[0]!.code}`)).toBe(false);
    expect(story.has(`.git/datawf/results/${report.stages[0]!.accepted[0]!.as}`)).toBe(true);
    await story.git('checkout', '--quiet', 'datawf.lock');
    expect((await story.repro()).ran).toHaveLength(3);
  });

  test('goes through a merge with rows that the other branch made by the earlier code', async () => {
    const story = await openDays();
    await story.succeed('init');
    await commit(story, 'Init');
    await story.git('switch', '--quiet', '-c', 'refactor');
    code(story, 'second');
    await story.succeed('accept', 'clean', '-m', 'Only a comment');
    await commit(story, 'Refactor');
    await story.git('switch', '--quiet', 'main');
    story.write('raw/2024-01-04.csv', 'new\n');
    expect((await story.repro()).ran).toEqual(['clean date=2024-01-04']);
    await commit(story, 'A day');
    await story.git('merge', '--quiet', '--no-edit', 'refactor');
    expect((await story.repro()).counts).toEqual({ skipped: 4 });
    expect(story.read('datawf.lock')).toContain('Only a comment');
  });

  test('refuses other out patterns, what has no author or reason, and stages that are not there', async () => {
    const story = await openDays();
    story.pipeline(story.read('datawf.yaml').replace('"clean/', '"cleaned/'));
    const refused = await story.datawf(['accept', 'clean', '-m', 'x', '--json']);
    expect(refused.code).toBe(6);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: 'outs-changed', exit: 6 });
    expect((await story.datawf(['accept', 'clean'])).code).toBe(2);
    expect((await story.datawf(['accept', 'clean', '-m', ' '])).code).toBe(2);
    const unknown = await story.datawf(['accept', 'claen', '-m', 'x']);
    expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('Did you mean "clean"?')]);
    const nobody = await story.datawf(['accept', 'clean', '-m', 'x'], { env: { HOME: '/nonexistent' } });
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('git config')]);
  });

  test('of what is current changes nothing and leaves no record', async () => {
    const story = await openDays();
    const before = story.read('datawf.lock');
    const { stderr } = await story.succeed('accept', 'clean', '-m', 'x');
    expect(stderr).toContain('nothing to accept');
    expect(story.read('datawf.lock')).toBe(before);
    expect((await story.succeed('log', '--json')).json()).toHaveLength(1);
  });
});

describe('on_code_change: keep', () => {
  const KEEP = '    on_code_change: keep\n';

  test('uses new code for new inputs only, and status counts datums per code version', async () => {
    const story = await openDays(KEEP);
    code(story, 'second');
    expect((await story.repro()).counts).toEqual({ skipped: 3 });
    story.write('raw/2024-01-04.csv', 'new\n');
    expect((await story.repro()).ran).toEqual(['clean date=2024-01-04']);
    for (let look = 0; look < 3; look++) {
      const [stage] = (await statusOf(story)).stages;
      expect(stage).toMatchObject({ state: 'current', datums: { total: 4, current: 4 } });
      expect(Object.values(stage!.codeVersions ?? {}).sort()).toEqual([1, 3]);
      expect(stage!.codeVersions?.[stage!.code]).toBe(1);
    }
    expect((await story.succeed('status')).stdout).toContain('3 of 4 datums made by earlier code');
    const { stdout } = await story.succeed('why', 'clean');
    expect(stdout).toContain('all 4 datums are current, 3 of them as earlier code made them');
    expect(stdout).toMatch(
      /3 of 4 datums made by earlier code than \w{10}: 3 by \w{10} \(on_code_change: keep\)/,
    );
  });

  test('a backfill brings a range up to date, and leaves the rest', async () => {
    const story = await openDays(KEEP);
    code(story, 'second');
    const backfill = async (...args: string[]): Promise<string[]> =>
      (await story.succeed('backfill', 'clean', '--json', ...args))
        .events()
        .flatMap((event) => (event.event === 'datum-start' ? [event.captures['date'] ?? ''] : []));
    expect(await backfill('--since', '2024-01-02', '--until', '2024-01-03')).toEqual(['2024-01-02']);
    expect(Object.values((await story.stage('clean')).codeVersions ?? {}).sort()).toEqual([1, 2]);
    expect(await backfill('--since', '2024-01-02')).toEqual(['2024-01-03']);
    expect(await backfill('--since', '2024-01-02')).toEqual([]);
    expect((await story.repro()).counts).toEqual({ skipped: 3 });
    expect(await backfill('--since', '2024-01-01')).toEqual(['2024-01-01']);
    expect((await story.stage('clean')).codeVersions).toBeUndefined();
    expect(datums(await story.stage('clean'))).toEqual({ total: 3, current: 3 });
  });

  test('never keeps results across changed out patterns', async () => {
    const story = await openDays(KEEP);
    story.pipeline(story.read('datawf.yaml').replace('"clean/', '"cleaned/'));
    expect((await story.repro('--allow-drop')).ran).toHaveLength(3);
  });
});

test('a frozen stage says which code made its results', async () => {
  const story = await openDays();
  code(story, 'second');
  await story.succeed('freeze', 'clean');
  const [stage] = (await statusOf(story)).stages;
  expect(stage).toMatchObject({ state: 'frozen', datums: { total: 3, current: 3, stale: 0 } });
  expect(Object.values(stage?.codeVersions ?? {})).toEqual([3]);
  expect((await story.succeed('status')).stdout).toMatch(
    /3 of 3 datums made by earlier code than .* \(frozen\)/,
  );
  await story.succeed('unfreeze', 'clean');
  await story.succeed('repro');
  await story.succeed('freeze', 'clean');
  expect((await statusOf(story)).stages[0]).not.toHaveProperty('codeVersions');
});
