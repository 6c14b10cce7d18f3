import { expect, test } from 'vitest';
import type { RunReport, ShownRun } from '../../../src/model/history-report.ts';
import { NO_COUNTS } from '../../../src/model/outcome.ts';
import { formatTime } from '../../../src/ui/format.ts';
import { logLinesText, logText, showText, statsText } from '../../../src/ui/log-screen.ts';
import { PLAIN } from '../../../src/ui/style.ts';

const start = '2024-05-01T06:00:00.000Z';
const look = { style: PLAIN, verbose: false, now: Date.parse(start) + 7_200_000 };
const run: RunReport = {
  run: '01J0000000000000000000000A',
  kind: 'repro',
  state: 'failed',
  start,
  end: '2024-05-01T06:00:02.000Z',
  seconds: 2,
  user: 'Ada Test <ada@example.org>',
  branch: 'main',
  commit: '0123456789abcdef0123456789abcdef01234567',
  dirty: true,
  environment: 'local',
  executor: 'local',
  exit: 3,
  counts: { ...NO_COUNTS, planned: 3, ran: 1, failed: 1, blocked: 1, skipped: 1460 },
  stages: [
    {
      stage: 'split',
      seconds: 0,
      counts: { ...NO_COUNTS, skipped: 1 },
      why: [],
      whyNot: [{ kind: 'current', count: 1 }],
    },
    {
      stage: 'clean',
      seconds: 1.5,
      counts: { ...NO_COUNTS, planned: 2, ran: 1, failed: 1, skipped: 1459 },
      why: [{ kind: 'input-changed', count: 2, paths: ['data/raw/a', 'data/raw/b'] }],
      whyNot: [],
    },
  ],
};
const head = `01J0000000000000000000000A  failed  repro, ${formatTime(start)} (2 hours ago), took 2.0 s
  failed 1, blocked 1, ran 1, skipped 1460; by Ada Test <ada@example.org> on main at 0123456789 with edits
  clean  1.5 s  failed 1, ran 1, skipped 1459; input changed: data/raw/a, data/raw/b
`;

test('a run in the log tells when, how long, how it ended and why its stages ran', () => {
  expect(logText([run], look)).toBe(head);
  expect(logText([], look)).toBe('no runs\n');
});

test.each(['running', 'lost'] as const)(
  'a run that is %s may have finished nothing, which is not nothing to do',
  (state) => {
    const started = { ...run, state, end: null, counts: NO_COUNTS, stages: [] };
    expect(logText([started], look)).toContain('\n  nothing finished; by Ada Test');
    expect(logText([{ ...started, counts: { ...NO_COUNTS, planned: 2, ran: 2 } }], look)).toContain(
      '\n  ran 2; by Ada Test',
    );
  },
);

test('a run in full adds what it cost, what did not run, and what failed', () => {
  const shown: ShownRun = {
    ...run,
    argv: ['repro', 'clean'],
    host: 'tower',
    client: '0.1.0',
    totals: { commandSeconds: 1.4, cpuSeconds: 1.2, peakMemory: 3_000_000, bytesIn: 1000, bytesOut: 2000 },
    attempts: 2,
    failures: [
      {
        stage: 'clean',
        captures: { d: 'b' },
        attempt: 1,
        state: 'failed',
        message: 'exit 1',
        reason: 'input changed',
        start,
        seconds: 0.5,
        stderr: 'no\n',
      },
    ],
    slowest: [],
  };
  expect(showText(shown, look)).toBe(`${head}  command        datawf repro clean
  on             tower, datawf 0.1.0, environment local
  commands took  1.4 s in 2 attempts, 1.2 s of CPU
  data           1 kB in, 2 kB out, 3 MB peak memory

Not run
  split  1 current

Failed
  clean d=b: exit 1 (attempt 1, 0.5 s)
      no
    its log: datawf logs 01J0000000000000000000000A clean d=b
`);
});

test('statistics are a table', () => {
  const seconds = { total: 3, mean: 1.5, longest: 2 };
  const attempts = { count: 11, failed: 1, waiting: 0, median: 0.2, p95: 1.5, trend: -0.125 };
  expect(
    statsText(
      {
        runs: 2,
        done: 1,
        failed: 1,
        seconds: 4,
        stages: [{ stage: 'clean', runs: 2, ran: 10, cached: 1, identical: 1, failed: 1, seconds, attempts }],
      },
      look,
    ),
  ).toBe(`2 runs: 1 done, 1 failed, 4.0 s in all

stage  runs  ran  cached  failed  in all  attempts  median    p95  trend
clean     2   10       2       1   3.0 s        11   0.2 s  1.5 s  -12 %
`);
});

test('lines of logs name their datum unless it is the only one', () => {
  const line = {
    time: start,
    stage: 'clean',
    captures: { d: 'b' },
    attempt: 2,
    stream: 'out',
    text: 'hello',
  } as const;
  expect(logLinesText([line], look, false)).toBe('clean d=b (attempt 2) | hello\n');
  expect(logLinesText([line], look, true)).toBe('hello\n');
});
