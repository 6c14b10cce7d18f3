import { describe, expect, test } from 'vitest';
import type { StatusReport, WhyReport } from '../../src/model/report.ts';
import { expectSchema } from '../rig/schemas.ts';
import { datums, openStory, type Story } from './story.ts';

/** A day is fetched where the "archive" has it; the second stage sees what there is. */
const WORKFLOW = `stages:
  fetch:
    cmd: test -e $ARCHIVE/"$date" || exit 75; cp $ARCHIVE/"$date" "$raw"
    env: {ARCHIVE: }
    matrix: {date: {since: 2024-01-01, until: 2024-01-04, every: 1d}}
    outs: {raw: "raw/{date:%Y-%m-%d}.csv"}
  all:
    cmd: ls "$raw" > "$all"
    deps: {raw: raw/}
    outs: {all: all.txt}
`;

interface Archive {
  readonly story: Story;
  readonly env: Readonly<Record<string, string>>;
  status(): Promise<StatusReport>;
  readonly check: () => Promise<number>;
}

async function openArchive(): Promise<Archive> {
  const story = await openStory(WORKFLOW);
  story.write('../archive/2024-01-01', '1\n');
  story.write('../archive/2024-01-02', '2\n');
  const env = { ARCHIVE: story.path('../archive') };
  return {
    story,
    env,
    status: async () => {
      const report = (await story.datawf(['status', '--json'], { env })).json<StatusReport>();
      expectSchema('status', report);
      return report;
    },
    check: async () => (await story.datawf(['status', '--check'], { env })).code,
  };
}

describe('a datum that said "not yet" (exit 75)', () => {
  test('waits in status, which has nothing to say against it', async () => {
    const { story, env, status, check } = await openArchive();
    expect(await check()).toBe(10);
    expect((await story.reproWith({ env })).counts).toMatchObject({ ran: 3, waiting: 1 });
    for (let look = 0; look < 2; look++) {
      const report = await status();
      expect(report.clean).toBe(true);
      expect(report.stages).toMatchObject([
        { stage: 'fetch', state: 'current', waiting: [{ captures: { date: '2024-01-03' }, asked: true }] },
        { stage: 'all', state: 'current' },
      ]);
      expect(datums(report.stages[0]!)).toEqual({ total: 2, current: 2, waiting: 1 });
    }
    expect(await check()).toBe(0);
    expect((await story.datawf(['status'], { env })).stdout).toContain(
      'date=2024-01-03 said "not yet" when it was asked (exit 75)',
    );
    const why = (await story.datawf(['why', 'raw/2024-01-03.csv', '--json'], { env })).json<WhyReport>();
    expect(why.datums).toMatchObject([{ decision: 'waiting' }]);
    expect(why.answer).toContain('said "not yet"');
  });

  test('is asked again by every run, and counts once it is there', async () => {
    const { story, env, status } = await openArchive();
    await story.reproWith({ env });
    expect((await story.reproWith({ env })).ended('waiting')).toEqual(['fetch date=2024-01-03']);
    story.write('../archive/2024-01-03', '3\n');
    expect((await story.reproWith({ env })).ran).toEqual(['all', 'fetch date=2024-01-03']);
    expect(datums((await status()).stages[0]!)).toEqual({ total: 3, current: 3 });
  });

  test('is out of date again when its code changes', async () => {
    const { story, env, status, check } = await openArchive();
    await story.reproWith({ env });
    story.pipeline(WORKFLOW.replace('exit 75;', 'exit 75 ;'));
    expect(datums((await status()).stages[0]!)).toEqual({ total: 3, stale: 3 });
    expect(await check()).toBe(10);
  });
});

test('a datum that waits for a file again keeps its row, and the lock does not say that all inputs are current', async () => {
  const story = await openStory(`stages:
  clean:
    cmd: cp "$raw" "$clean"
    deps: {raw: "raw/{d}.csv"}
    matrix: {d: [a, b]}
    outs: {clean: "clean/{d}.csv"}
`);
  story.files({ 'raw/a.csv': 'a\n', 'raw/b.csv': 'b\n' });
  await story.succeed('add', 'raw');
  await story.repro();
  expect(story.read('datawf.lock')).toContain('inputs: ');
  story.remove('raw/b.csv');
  await story.repro();
  expect(datums(await story.stage('clean'))).toEqual({ total: 1, current: 1, waiting: 1 });
  expect(story.texts('clean')).toEqual(['a.csv: a', 'b.csv: b']);
  expect(story.read('datawf.lock')).not.toContain('inputs: ');
});
