import { describe, expect, test } from 'vitest';
import type { DagReport } from '../../../src/model/report.ts';
import { dagDot, dagMermaid, dagText } from '../../../src/ui/dag-screen.ts';
import { diffText, listText, usageText } from '../../../src/ui/data-screens.ts';
import { configText, doctorText, stageEditText, stagesText } from '../../../src/ui/setup-screens.ts';
import { PLAIN, wantsColor } from '../../../src/ui/style.ts';
import { alignRows, cut } from '../../../src/ui/table.ts';
import { whyText } from '../../../src/ui/why-screen.ts';

const look = { style: PLAIN, verbose: false, now: 0 };
const digest = (letter: string): string => letter.repeat(64);

describe('the graph', () => {
  const report: DagReport = {
    nodes: [
      { id: 'data/raw', kind: 'dataset' },
      { id: 'clean', kind: 'stage', state: 'stale' },
      { id: 'data/clean', kind: 'dataset' },
      { id: 'monthly', kind: 'stage', state: 'current' },
      { id: 'report', kind: 'stage', state: 'current' },
      { id: 'data/monthly', kind: 'dataset' },
    ],
    edges: [
      { from: 'data/raw', to: 'clean' },
      { from: 'clean', to: 'data/clean' },
      { from: 'data/clean', to: 'monthly' },
      { from: 'data/clean', to: 'report' },
      { from: 'monthly', to: 'data/monthly' },
      { from: 'data/monthly', to: 'report' },
    ],
  };

  test('is a tree from its sources down', () => {
    expect(dagText(report, PLAIN)).toBe(`data/raw
└─ [clean]  stale
   └─ data/clean
      ├─ [monthly]  current
      │  └─ data/monthly
      │     └─ [report]  current
      └─ [report]  current
`);
  });

  test('names again what has been shown, without what is below it', () => {
    const twice = {
      ...report,
      nodes: [...report.nodes, { id: 'x', kind: 'dataset' as const }],
      edges: [...report.edges, { from: 'x', to: 'monthly' }],
    };
    expect(dagText(twice, PLAIN)).toContain('x\n└─ [monthly]  current  (see above)\n');
  });

  test('is Mermaid', () => {
    expect(dagMermaid({ nodes: report.nodes.slice(0, 2), edges: report.edges.slice(0, 1) })).toBe(
      'flowchart TD\n  n0(["data/raw"])\n  n1["clean"]\n  n0 --> n1\n',
    );
  });

  test("is Graphviz' language", () => {
    expect(dagDot({ nodes: report.nodes.slice(0, 2), edges: report.edges.slice(0, 1) })).toBe(
      'digraph datawf {\n  "data/raw" [shape=ellipse];\n  "clean" [shape=box];\n  "data/raw" -> "clean";\n}\n',
    );
  });
});

test('why answers in a sentence, then compares the keys', () => {
  expect(
    whyText(
      {
        target: 'clean',
        stage: 'clean',
        state: 'stale',
        answer: '1 of 2516 datums will run',
        reasons: [{ kind: 'input-changed', count: 1, paths: ['data/raw/2020-01-03.csv'] }],
        differences: [{ field: 'params.clean.threshold', before: '0.5', after: '0.7' }],
        datums: [
          {
            captures: { date: '2020-01-03' },
            datum: 'date=2020-01-03',
            decision: 'run',
            reason: 'input changed',
            differences: [
              {
                field: 'input.raw',
                before: digest('a'),
                after: digest('b'),
                paths: ['data/raw/2020-01-03.csv'],
              },
            ],
          },
        ],
        counts: { total: 2516, current: 2515, cached: 0, stale: 1, failed: 0, waiting: 0, vanished: 0 },
      },
      look,
    ),
  ).toBe(`clean: 1 of 2516 datums will run
  1 datum: input changed: data/raw/2020-01-03.csv

Against the recorded key:
  params.clean.threshold
    - 0.5
    + 0.7

Datums:
  date=2020-01-03  run: input changed
    input.raw
      - aaaaaaaaaa…
      + bbbbbbbbbb…
        data/raw/2020-01-03.csv
`);
});

test('a diff names files by what became of them', () => {
  expect(
    diffText(
      {
        datasets: [
          {
            path: 'data/raw',
            added: ['data/raw/c'],
            changed: ['data/raw/b'],
            deleted: ['data/raw/a'],
            renamed: [{ from: 'data/raw/x', to: 'data/raw/y' }],
          },
        ],
      },
      look,
    ),
  ).toBe(`data/raw: 1 added, 1 changed, 1 deleted, 1 renamed
  added    data/raw/c
  changed  data/raw/b
  deleted  data/raw/a
  renamed  data/raw/x -> data/raw/y
`);
  expect(diffText({ datasets: [] }, look)).toBe('no difference\n');
});

test('a listing is a path a line, with sizes when asked', () => {
  const files = [
    { path: 'data/raw', size: 2_000, digest: null, kind: 'folder', files: 2 },
    { path: 'data/x', size: 7, digest: digest('a'), kind: 'file' },
  ] as const;
  expect(listText(files, look, false)).toBe('data/raw/\ndata/x\n');
  expect(listText(files, look, true)).toBe('2 kB  data/raw/\n 7 B  data/x\n');
  expect(listText([], look, false)).toBe('');
});

test('usage tells datasets and the store', () => {
  expect(
    usageText(
      {
        datasets: [{ path: 'data/raw', files: 3, bytes: 52_000, here: 2 }],
        store: { objects: 10, bytes: 99_000 },
      },
      look,
    ),
  ).toBe(`52 kB     3 files  data/raw (2 here)
99 kB  10 objects  in the local store, all versions
`);
});

test('doctor has a line a check and the fix below it', () => {
  const checks = [
    { name: 'git', state: 'ok', message: 'git 2.43.0' },
    {
      name: 'ignored',
      state: 'warn',
      message: "git doesn't ignore data/x",
      fix: 'Add to .gitignore: /data/x',
    },
  ] as const;
  expect(doctorText({ ok: true, version: '0.1.0', checks }, look)).toBe(`ok    git      git 2.43.0
warn  ignored  git doesn't ignore data/x
      Add to .gitignore: /data/x
`);
});

test('the configuration tells where each value is from', () => {
  expect(
    configText(
      [
        { key: 'cache.links', value: ['hardlink', 'copy'], level: 'project' },
        { key: 'jobs', value: 8, level: 'user' },
      ],
      look,
    ),
  ).toBe('cache.links  hardlink,copy  project\njobs         8              user\n');
});

test('stages are listed with what they read and write', () => {
  const stage = {
    stage: 'clean',
    desc: 'Clean days',
    file: 'datawf.yaml',
    line: 3,
    cmd: 'clean.sh',
    deps: { raw: 'data/raw/{d}' },
    outs: { out: 'data/clean/{d}' },
    frozen: true,
  };
  expect(stagesText([stage], look)).toBe(`clean (frozen)  Clean days
  dep  raw  data/raw/{d}
  out  out  data/clean/{d}
  cmd       clean.sh
  at        datawf.yaml:3
`);
});

test('an edit of stages says what it did, a dry run what it would write', () => {
  expect(stageEditText({ file: 'datawf.yaml', stages: ['a'], dryRun: false, text: 'a:\n' }, 'added')).toBe(
    'added a in datawf.yaml\n',
  );
  expect(
    stageEditText({ file: 'datawf.yaml', stages: ['a'], dryRun: true, text: 'a:\n  cmd: b\n' }, 'added'),
  ).toBe('would have added a in datawf.yaml\n  a:\n    cmd: b\n');
  expect(stageEditText({ file: '', stages: [], dryRun: false }, 'froze')).toBe('nothing to change\n');
});

test('colors take no room in a table, and lines have no space at their ends', () => {
  expect(
    alignRows([
      ['\u001B[32mok\u001B[39m', 'a', ''],
      ['warning', 'b', ''],
    ]),
  ).toEqual(['\u001B[32mok\u001B[39m       a', 'warning  b']);
});

test('what is cut ends in an ellipsis', () => {
  expect([cut('abcdef', 4), cut('abcd', 4)]).toEqual(['abc…', 'abcd']);
});

test.each([
  [{ isTTY: true }, undefined, {}, undefined, true],
  [{ isTTY: true }, undefined, { TERM: 'dumb' }, undefined, false],
  [{}, undefined, {}, undefined, false],
  [{}, undefined, {}, 'always', true],
  [{ isTTY: true }, undefined, {}, 'never', false],
  [{ isTTY: true }, undefined, { NO_COLOR: '' }, undefined, true],
  [{}, undefined, { FORCE_COLOR: '1' }, 'never', true],
  [{ isTTY: true }, undefined, { FORCE_COLOR: '0' }, 'always', false],
] as const)('colors: %j, flag %j, %j, config %j: %j', (...[stream, flag, env, config, wanted]) => {
  expect(wantsColor({ stream, flag, env, config })).toBe(wanted);
});
