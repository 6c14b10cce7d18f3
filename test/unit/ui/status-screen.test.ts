import { expect, test } from 'vitest';
import type { DatasetReport, StageReport, StatusReport } from '../../../src/model/report.ts';
import { statusText } from '../../../src/ui/status-screen.ts';
import { PLAIN } from '../../../src/ui/style.ts';

const look = { style: PLAIN, verbose: false, now: 0 };
const counts = { total: 1, current: 1, cached: 0, stale: 0, failed: 0, waiting: 0, vanished: 0 };
const dep = { files: 1, used: 1, unmatched: 0, unpaired: 0, outside: 0 };

function stage(fields: Partial<StageReport>): StageReport {
  return {
    stage: 'split',
    state: 'current',
    code: 'c'.repeat(64),
    datums: counts,
    deps: {},
    reasons: [],
    bound: false,
    waiting: [],
    ...fields,
  };
}

function dataset(fields: Partial<DatasetReport>): DatasetReport {
  return {
    path: 'data/raw',
    stage: null,
    state: 'clean',
    files: 1,
    bytes: 48_219,
    added: 0,
    changed: 0,
    deleted: 0,
    ...fields,
  };
}

function report(fields: Partial<StatusReport>): StatusReport {
  return {
    clean: true,
    branch: 'main',
    commit: '0123456789abcdef0123456789abcdef01234567',
    stages: [],
    datasets: [],
    plain: { count: 0, paths: [] },
    ...fields,
  };
}

test('a status says per stage what is stale and why, per dataset what was edited, and what to type', () => {
  const text = statusText(
    report({
      clean: false,
      stages: [
        stage({}),
        stage({
          stage: 'clean',
          state: 'stale',
          datums: { ...counts, total: 2516, current: 2515, stale: 1, waiting: 1 },
          deps: {
            raw: {
              ...dep,
              files: 2520,
              used: 2516,
              unmatched: 4,
              examples: { unmatched: ['data/raw/a', 'data/raw/b'] },
            },
          },
          reasons: [{ kind: 'input-changed', count: 1, paths: ['data/raw/2020-01-03.csv'] }],
          waiting: [{ captures: { date: '2020-02-01' }, missing: ['data/raw/2020-02-01.csv'] }],
        }),
        stage({
          stage: 'report',
          state: 'never-run',
          datums: { ...counts, current: 0, stale: 1 },
          bound: true,
          reasons: [{ kind: 'never-run', count: 1 }],
        }),
      ],
      datasets: [
        dataset({
          state: 'modified',
          files: 2520,
          changed: 1,
          paths: { added: [], changed: ['data/raw/2020-01-03.csv'], deleted: [] },
        }),
        dataset({ path: 'report.html', stage: 'report', state: 'missing', bytes: 900 }),
      ],
      plain: { count: 1, paths: ['config/stations.csv'] },
    }),
    look,
  );
  expect(text).toBe(`On branch main (0123456789)

Stages
  split   current    1 datum
  clean   stale      1 of 2516 stale, 1 waiting; input changed: data/raw/2020-01-03.csv
      raw: 2516 of 2520 files used; 4 fit no pattern (data/raw/a, data/raw/b, …)
      date=2020-02-01 waits for data/raw/2020-02-01.csv
  report  never run  ≤ 1 of 1 stale; never run

Datasets
  data/raw     added        1 changed  2520 files  48.2 kB
      changed  data/raw/2020-01-03.csv
  report.html  from report  not here       1 file    900 B

Inputs that no clone has (git add or datawf add them)
  config/stations.csv

2 of 3 stages are not current. Run: datawf repro
`);
});

test('a clean status is short', () => {
  expect(statusText(report({ stages: [stage({})], datasets: [dataset({})] }), look))
    .toBe(`On branch main (0123456789)

Stages
  split  current  1 datum

Datasets
  data/raw  added  clean  1 file  48.2 kB

Everything is current.
`);
});

test('a status of nothing says how to begin', () => {
  expect(statusText(report({ branch: null, commit: null }), look)).toBe(`Detached at no commit yet

Nothing here yet. Add data with "datawf add PATH", and a stage with "datawf stage add --help".
`);
});
