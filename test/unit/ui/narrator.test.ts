import { describe, expect, test } from 'vitest';
import type { WorkEvent } from '../../../src/model/event.ts';
import { NO_COUNTS } from '../../../src/model/outcome.ts';
import { createNarrator } from '../../../src/ui/narrator.ts';
import { PLAIN } from '../../../src/ui/style.ts';

function tellAll(
  events: readonly WorkEvent[],
  options: { terminal?: boolean; verbose?: boolean; now?: () => number } = {},
): string {
  const narrator = createNarrator({
    verbose: options.verbose ?? false,
    terminal: options.terminal ?? false,
    style: PLAIN,
    now: options.now ?? (() => 0),
  });
  return events.map((event) => narrator.tell(event).text).join('');
}

const reasons = [{ kind: 'input-changed', count: 1, paths: ['data/raw/2020-01-03.csv'] }] as const;
const datum = { stage: 'clean', captures: { date: '2020-01-03' }, reason: 'input changed' } as const;

const run: readonly WorkEvent[] = [
  { event: 'run-start', run: '01J0000000000000000000000A', kind: 'repro' },
  { event: 'stage-start', stage: 'clean', planned: 1, reasons },
  { event: 'datum-start', ...datum, attempt: 1 },
  { event: 'datum-end', ...datum, state: 'ran', seconds: 0.123 },
  {
    event: 'stage-end',
    stage: 'clean',
    counts: { ...NO_COUNTS, planned: 1, ran: 1, skipped: 2515 },
    seconds: 0.2,
  },
  {
    event: 'end',
    run: '01J0000000000000000000000A',
    state: 'done',
    exit: 0,
    counts: { ...NO_COUNTS, planned: 6, ran: 3, cached: 1, identical: 2, skipped: 1458 },
    seconds: 1.2,
  },
];

test('without a terminal a run of few datums is a line for each', () => {
  expect(tellAll(run)).toBe(`  ran clean date=2020-01-03 in 0.1 s (input changed)
clean: ran 1, skipped 2515 in 0.2 s
ran 3, cached 1, identical 2, skipped 1458 in 1.2 s
`);
});

test('on a terminal datums are not told one by one', () => {
  expect(tellAll(run, { terminal: true })).not.toContain('ran clean');
});

test('a failed datum shows its message, the end of its stderr and where its log is', () => {
  const text = tellAll([
    { event: 'run-start', run: '01J0000000000000000000000A', kind: 'repro' },
    {
      event: 'datum-end',
      ...datum,
      state: 'failed',
      seconds: 2,
      message: 'exit 1',
      stderr: 'Traceback\nValueError: no\n',
    },
    {
      event: 'end',
      run: '01J0000000000000000000000A',
      state: 'failed',
      exit: 3,
      counts: { ...NO_COUNTS, planned: 2, failed: 1, blocked: 1 },
      seconds: 2.2,
    },
  ]);
  expect(text).toBe(`failed clean date=2020-01-03: exit 1 (after 2.0 s)
    Traceback
    ValueError: no
  its log: datawf logs 01J0000000000000000000000A clean date=2020-01-03
failed 1, blocked 1 in 2.2 s
All about this run: datawf show 01J0000000000000000000000A
`);
});

test('a large stage without a terminal tells how far it is every ten seconds', () => {
  let now = 0;
  const ends = Array.from({ length: 100 }, (): WorkEvent => ({
    event: 'datum-end',
    ...datum,
    state: 'ran',
    seconds: 1,
  }));
  const text = tellAll([{ event: 'stage-start', stage: 'clean', planned: 100, reasons: [] }, ...ends], {
    now: () => (now += 250),
  });
  expect(text.split('\n').length).toBeLessThan(10);
  expect(text).toMatch(/^ {2}clean: \d+ of 100 done\n/);
});

describe('the last line', () => {
  const end = (counts: object, state: 'done' | 'cancelled' = 'done'): string =>
    tellAll([{ event: 'end', exit: 0, state, counts: { ...NO_COUNTS, ...counts }, seconds: 0.3 }]);

  test('says that nothing was to do', () => {
    expect(end({ skipped: 1461 })).toBe('nothing to do: all 1461 datums are current (0.3 s)\n');
    expect(end({ skipped: 1 })).toBe('nothing to do: the one datum is current (0.3 s)\n');
    expect(end({})).toBe('nothing to do (0.3 s)\n');
  });

  test('says that it was stopped', () => {
    expect(end({ planned: 3, ran: 2 }, 'cancelled')).toBe('stopped after 0.3 s: ran 2\n');
  });
});

test('the plan of a dry run is data, and marks bounds', () => {
  const narrator = createNarrator({ verbose: false, terminal: false, style: PLAIN, now: () => 0 });
  const line = { waiting: 0, vanished: 0, blocked: 0, reasons: [], datums: [] };
  const told = narrator.tell({
    event: 'plan',
    dryRun: true,
    stages: [
      {
        ...line,
        stage: 'clean',
        total: 1461,
        toRun: 1,
        cached: 2,
        bound: false,
        reasons,
        datums: ['date=2020-01-03'],
      },
      { ...line, stage: 'monthly', total: 48, toRun: 3, cached: 0, bound: true },
      { ...line, stage: 'other', total: 1, toRun: 0, cached: 0, bound: false },
    ],
  });
  expect(told.stream).toBe('data');
  expect(told.text)
    .toBe(`clean    run 1 of 1461, restore 2 from the run cache  input changed: data/raw/2020-01-03.csv
    date=2020-01-03
    and 2 more
monthly  run ≤ 3 of 48
`);
});

test('changes to a dataset are one line', () => {
  expect(
    tellAll([
      {
        event: 'dataset',
        verb: 'added',
        path: 'data/raw',
        added: 3,
        changed: 0,
        deleted: 1,
        files: 1461,
        bytes: 52_000,
      },
    ]),
  ).toBe('added data/raw: 3 added, 1 deleted, 1461 files, 52 kB\n');
});
