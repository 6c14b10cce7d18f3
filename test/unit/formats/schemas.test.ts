import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { mergeConfig, parseConfigFile } from '../../../src/formats/config-file.ts';
import { parseLockFile } from '../../../src/formats/lock-file.ts';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import { parsePointerFile } from '../../../src/formats/pointer-file.ts';
import { formatResultLine } from '../../../src/formats/result-line.ts';
import { parseYaml } from '../../../src/formats/yaml-document.ts';
import { toPlain } from '../../../src/formats/yaml-node.ts';
import type { WorkEvent } from '../../../src/model/event.ts';
import type { LogLineReport, LogStats, RunReport, ShownRun } from '../../../src/model/history-report.ts';
import { NO_COUNTS, type Reason } from '../../../src/model/outcome.ts';
import { repoPath } from '../../../src/model/repo-path.ts';
import type {
  DagReport,
  DiffReport,
  ListedFile,
  StatusReport,
  UsageReport,
  WhyReport,
} from '../../../src/model/report.ts';
import type { VerifyReport } from '../../../src/model/verify-report.ts';
import type {
  ConfigEntry,
  DoctorReport,
  InitReport,
  ResolveReport,
  StageEdit,
  StageListing,
} from '../../../src/model/setup-report.ts';
import { NO_TOTALS } from '../../../src/model/run-record.ts';
import { digest, valueOrProblem } from './texts.ts';

const FOLDER = new URL('../../../schemas/', import.meta.url);
const NAMES = readdirSync(FOLDER).map((file) => file.replace('.schema.json', ''));
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  formats: { 'date-time': true },
});

function schema(name: string): ValidateFunction {
  return ajv.getSchema(`urn:datawf:schema:${name}`)!;
}

for (const name of NAMES) {
  ajv.addSchema(JSON.parse(readFileSync(new URL(`${name}.schema.json`, FOLDER), 'utf8')) as object);
}

/** Fails with what the schema finds wrong with a value. */
function expectValid(name: string, value: unknown): void {
  const validate = schema(name);
  validate(value);
  expect(validate.errors ?? [], name).toEqual([]);
}

test.each(NAMES)('the schema %s compiles, and has a title and a description', (name) => {
  const validate = schema(name);
  expect(validate.schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: expect.any(String) as string,
    description: expect.any(String) as string,
  });
});

const counts = { ...NO_COUNTS, planned: 1, ran: 1, skipped: 2515 };
const reason: Reason = { kind: 'input-changed', count: 1, paths: ['data/raw/2020-01-03.csv'] };
const datums = { total: 2516, current: 2515, cached: 0, stale: 1, failed: 0, waiting: 0, vanished: 0 };
const run: RunReport = {
  run: '01J',
  kind: 'repro',
  state: 'done',
  start: '2024-05-01T06:00:00+02:00',
  end: null,
  seconds: 1.2,
  user: 'Ann <ann@example.org>',
  branch: 'main',
  commit: null,
  dirty: false,
  environment: 'local',
  executor: 'local',
  exit: 0,
  counts,
  stages: [{ stage: 'clean', seconds: 1.1, counts, why: [reason], whyNot: [{ kind: 'cached', count: 1 }] }],
};
const attempt = {
  stage: 'clean',
  captures: { date: '2020-01-03' },
  attempt: 1,
  state: 'failed' as const,
  class: 'user',
  exit: 1,
  reason: 'its code changed',
  start: '2024-05-01T06:00:00Z',
  seconds: 0.2,
  stderr: 'no\n',
};
const status: StatusReport = {
  clean: false,
  branch: 'main',
  commit: null,
  stages: [
    {
      stage: 'clean',
      state: 'stale',
      code: digest('c'),
      codeVersions: { [digest('c')]: 1, [digest('b')]: 2 },
      accepted: [{ code: digest('c'), as: digest('b'), by: 'Ada <a@example.org>', reason: 'refactor' }],
      datums,
      deps: {
        raw: {
          files: 2520,
          used: 2516,
          unmatched: 4,
          unpaired: 0,
          outside: 0,
          examples: { unmatched: ['x'] },
        },
      },
      reasons: [reason],
      bound: false,
      waiting: [{ captures: { date: '2020-01-03' }, missing: ['data/raw/2020-01-03.csv'] }],
    },
  ],
  datasets: [
    {
      path: 'data/raw',
      stage: null,
      state: 'modified',
      files: 1,
      bytes: 2,
      added: 0,
      changed: 1,
      deleted: 0,
    },
  ],
  plain: { count: 0, paths: [] },
};
const why: WhyReport = {
  target: 'clean',
  stage: 'clean',
  state: 'stale',
  answer: 'clean will run: its code changed',
  reasons: [reason],
  differences: [{ field: 'code.clean.py', before: 'f 12', after: null }],
  datums: [{ captures: {}, datum: '-', decision: 'run', reason: 'its code changed', differences: [] }],
  counts: datums,
};
const shown: ShownRun = {
  ...run,
  argv: ['repro'],
  host: 'h',
  client: '0.1.0',
  totals: NO_TOTALS,
  attempts: 1,
  failures: [attempt],
  slowest: [],
};
const stats: LogStats = {
  runs: 1,
  done: 1,
  failed: 0,
  seconds: 1,
  stages: [
    {
      stage: 'a',
      runs: 1,
      ran: 1,
      cached: 0,
      identical: 0,
      failed: 0,
      seconds: { total: 1, mean: 1, longest: 1 },
      attempts: { count: 1, failed: 0, waiting: 0, median: 1, p95: 1, trend: null },
    },
  ],
};
const log: LogLineReport = {
  time: '2024-05-01T06:00:00Z',
  stage: 'a',
  captures: {},
  attempt: 1,
  stream: 'err',
  text: 'x',
};
const diff: DiffReport = {
  datasets: [{ path: 'd', added: ['x'], changed: [], deleted: [], renamed: [{ from: 'a', to: 'b' }] }],
};
const files: readonly ListedFile[] = [
  { path: 'd/x', size: 1, digest: digest('ab'), kind: 'file', executable: true },
  { path: 'd', size: 1, digest: null, kind: 'folder', files: 1 },
];
const dag: DagReport = {
  nodes: [
    { id: 'clean', kind: 'stage', state: 'current' },
    { id: 'data/raw', kind: 'dataset' },
  ],
  edges: [{ from: 'data/raw', to: 'clean' }],
};
const usage: UsageReport = {
  datasets: [{ path: 'd', files: 1, bytes: 2, here: 2 }],
  store: { objects: 1, bytes: 2 },
};
const verified: VerifyReport = {
  objects: 3,
  bytes: 300,
  trees: 2,
  repaired: [{ digest: 'a'.repeat(64), paths: ['data/a.csv'], from: 'workspace' }],
  damaged: [
    {
      digest: 'b'.repeat(64),
      kind: 'object',
      fault: 'it is missing',
      paths: ['data/b.csv'],
      branches: [{ branch: 'main', paths: ['data/b.csv'], count: 1 }],
      cure: 'Make it again: datawf repro clean',
    },
  ],
  absent: 0,
  unreadable: [{ file: 'datawf.lock:3', message: 'broken', hint: null }],
  stores: [{ name: 'nas', url: '/mnt/nas', objects: 3, bytes: 300, trees: 2, repaired: [], damaged: [] }],
};
const doctor: DoctorReport = {
  ok: false,
  version: '0.1.0',
  checks: [{ name: 'git', state: 'fail', message: 'no git', fix: 'install it' }],
};
const entry: ConfigEntry = { key: 'cache.links', value: ['copy'], level: 'user' };
const listing: StageListing = {
  stage: 'a',
  desc: null,
  file: 'datawf.yaml',
  line: 3,
  cmd: ['x'],
  deps: { a: 'x/y' },
  outs: {},
  frozen: false,
};
const edit: StageEdit = { file: 'datawf.yaml', stages: ['a'], dryRun: false };
const init: InitReport = {
  root: '/x',
  dryRun: false,
  created: ['datawf.yaml'],
  changed: [],
  unchanged: [],
  drivers: 'registered',
  hooks: { written: ['.git/hooks/pre-push'], unchanged: [], foreign: [] },
};
const resolved: ResolveReport = {
  dryRun: false,
  files: [
    { file: 'datawf.lock', state: 'merged', conflicts: [], contested: 2 },
    {
      file: 'a.datawf',
      state: 'conflict',
      conflicts: [{ message: 'a was changed', hint: null }],
      contested: 0,
    },
  ],
};

describe('a printed answer fits its schema', () => {
  test.each<[string, unknown]>([
    ['status', status],
    ['why', why],
    ['log', [run]],
    ['show', shown],
    ['log-stats', stats],
    ['logs', [log]],
    ['diff', diff],
    ['ls', files],
    ['lock-resolve', resolved],
    ['dag', dag],
    ['du', usage],
    ['verify', verified],
    ['doctor', doctor],
    ['config-entry', entry],
    ['config-list', [entry]],
    ['stage-list', [listing]],
    ['stage-edit', edit],
    ['init', init],
    ['schema-list', [{ name: 'status', title: 'datawf status --json' }]],
    ['error', { error: 'stage-failed', message: 'x', hint: 'y', file: 'datawf.yaml', line: 3, exit: 3 }],
    ['refs', { commit: 'abc', reads: ['s3://a/b'], locks: { 'datawf.lock': digest('ab') }, pointers: {} }],
  ])('%s', (name, value) => {
    expectValid(name, value);
  });

  test.each(['status', 'why', 'show', 'diff', 'du', 'error'])('%s may get further fields', (name) => {
    const examples: Record<string, object> = {
      status,
      why,
      show: shown,
      diff,
      du: usage,
      error: { error: 'x', message: 'y', exit: 1 },
    };
    expectValid(name, { ...examples[name], later: 1 });
  });

  test('but none may be of another kind', () => {
    expect(schema('status')({ ...status, clean: 'no' })).toBe(false);
    expect(schema('log')([{ ...run, state: 'fine' }])).toBe(false);
    expect(schema('ls')([{ path: 'x' }])).toBe(false);
  });
});

const events: readonly WorkEvent[] = [
  { event: 'run-start', run: '01J', kind: 'repro' },
  {
    event: 'plan',
    dryRun: true,
    stages: [
      {
        stage: 'a',
        total: 1,
        toRun: 1,
        cached: 0,
        waiting: 0,
        vanished: 0,
        blocked: 0,
        bound: true,
        reasons: [reason],
        datums: ['-'],
      },
    ],
  },
  { event: 'stage-start', stage: 'a', planned: 1, reasons: [reason] },
  { event: 'datum-start', stage: 'a', captures: { d: '1' }, reason: 'x', attempt: 1 },
  {
    event: 'datum-end',
    stage: 'a',
    captures: {},
    state: 'failed',
    reason: 'x',
    seconds: 1,
    message: 'y',
    stderr: 'z',
  },
  { event: 'stage-end', stage: 'a', counts, seconds: 1 },
  { event: 'progress', verb: 'hashing', done: 1, total: 0, bytes: 1, totalBytes: 0 },
  { event: 'dataset', verb: 'added', path: 'd', added: 1, changed: 0, deleted: 0, files: 1, bytes: 1 },
  { event: 'warning', code: 'x', message: 'y' },
  { event: 'note', message: 'y' },
  { event: 'end', exit: 0, seconds: 1, run: '01J', state: 'done', counts },
  { event: 'end', exit: 0, seconds: 0.4, objects: 3, bytes: 1234, requests: 7 },
];

test.each(events)('the event $event fits its schema', (event) => {
  expectValid('event', event);
});

test('a result line fits its schema', () => {
  const line = formatResultLine({
    input: digest('ab'),
    result: digest('cd'),
    outs: [{ kind: 'f', digest: digest('ef'), size: 3, path: 'data/x y.csv' }],
    made: { host: 'h', sandbox: true },
    run: '01J',
    seconds: 1.2,
  });
  expectValid('result', JSON.parse(line));
});

interface TrackedKind {
  readonly parse: (text: string) => unknown;
  readonly good: readonly string[];
  /** Wrong to the parser and to the schema alike. */
  readonly bad: readonly string[];
}

const LOCK = `version: 1\nstages:\n  a:\n    code: ${digest('ab')}\n    datums: {table: ${digest('ab')}, count: 1, failed: 1}\n    outs:\n      d/x: {tree: ${digest('ab')}, files: 1, bytes: 2}\n`;
const POINTER = `version: 1\npath: raw\ntree: ${digest('ab')}\nfiles: 1\nbytes: 2\n`;
const FILE_POINTER = `version: 1\npath: raw\ndigest: ${digest('ab')}\nkind: x\nbytes: 2\n`;

const KINDS: Readonly<Record<string, TrackedKind>> = {
  datawf: {
    parse: (text) => parsePipelineFile(text, repoPath('datawf.yaml')),
    good: [
      'stages: {}\n',
      'zone: UTC\ndefaults: {image: i, retries: 1}\nstages:\n  a:\n    cmd: [x, 3]\n    desc: d\n    code: [a.py, lib/, /top.py]\n' +
        '    deps: {a: "d/{t:%Y-%m-%d}.csv", b: {path: x/y, optional: true, window: [-6d, 0d], access: url}}\n' +
        '    outs: {o: {path: "o/{t:%Y-%m-%d}", optional: true}}\n    params: [a.b, x.yaml:c]\n    env: {A: 1, B: , C: x, D: true}\n' +
        '    secrets: [S]\n    matrix: {t: {since: 2020, until: today, every: 1d}, v: [1, a, 0.10]}\n    on_code_change: keep\n' +
        '    always: true\n    sandbox: none\n    frozen: false\n    timeout: 1h30m\n    schedule_timeout: 2d\n    pod_patch: {a: 1}\n' +
        '    resources: {cpu: 0.5, memory: [2Gi, 4Gi], disk: 10G, gpu: 0, limit: {db: 2}}\n',
    ],
    bad: [
      'stage: {}\n',
      'stages: {A: {cmd: x}}\n',
      'stages: {a: {cmd: x, foo: 1}}\n',
      'stages: {a: {cmd: {}}}\n',
      'stages: {a: {cmd: []}}\n',
      'stages: {a: {cmd: x, code: [../x]}}\n',
      'stages: {a: {cmd: x, code: ["*.py"]}}\n',
      'stages: {a: {cmd: x, deps: {a: ../x}}}\n',
      'stages: {a: {cmd: x, deps: {PATH: x/y}}}\n',
      'stages: {a: {cmd: x, deps: {a-b: x/y}}}\n',
      'stages: {a: {cmd: x, deps: {a: {path: x, window: [1d]}}}}\n',
      'stages: {a: {cmd: x, outs: {a: {path: x, window: [1d, 1d]}}}}\n',
      'stages: {a: {cmd: x, params: [a-b]}}\n',
      'stages: {a: {cmd: x, secrets: [DATAWF_X]}}\n',
      'stages: {a: {cmd: x, matrix: {v: []}}}\n',
      'stages: {a: {cmd: x, matrix: {v: {since: 2020}}}}\n',
      'stages: {a: {cmd: x, retries: "3"}}\n',
      'stages: {a: {cmd: x, always: "true"}}\n',
      'stages: {a: {cmd: x, timeout: 10}}\n',
      'stages: {a: {cmd: x, timeout: 1m1h}}\n',
      'stages: {a: {cmd: x, sandbox: some}}\n',
      'stages: {a: {cmd: x, resources: {memory: 2GiB}}}\n',
      'stages: {a: {cmd: x, resources: {limit: {db: 0}}}}\n',
      'stages: {a: {cmd: x, pod_patch: 3}}\n',
    ],
  },
  lock: {
    parse: (text) => parseLockFile(text, 'datawf.lock'),
    good: [
      LOCK,
      'version: 1\nstages: {}\n',
      LOCK.replace('    datums', `    inputs: {r: ${digest('ab')}}\n    datums`),
    ],
    bad: [
      'version: 2\nstages: {}\n',
      'version: 1\n',
      LOCK.replace('abab', 'ABAB'),
      LOCK.replace('d/x', '../x'),
      LOCK.replace('d/x', '/x'),
      LOCK.replace('d/x', 'd//x'),
      LOCK.replace('failed: 1', 'failed: 0'),
      LOCK.replace('count: 1', 'count: -1'),
      LOCK.replace('code:', 'coed:'),
      LOCK.replace('files: 1', 'files: 1.5'),
    ],
  },
  pointer: {
    parse: (text) => parsePointerFile(text, repoPath('data/raw.datawf')),
    good: [POINTER, FILE_POINTER, `${FILE_POINTER}files: 1\nsource: "s3://b/x"\n`],
    bad: [
      POINTER.replace('raw', '../raw'),
      POINTER.replace('raw', '/raw'),
      POINTER.replace('version: 1', 'version: 2'),
      POINTER.replace(/tree.*\n/, ''),
      `${POINTER}digest: ${digest('ab')}\n`,
      `${POINTER}kind: x\n`,
      `${POINTER}size: 1\n`,
      `${FILE_POINTER}files: 2\n`,
    ],
  },
  config: {
    parse: (text) => mergeConfig([parseConfigFile(text, 'config.yaml')]),
    good: [
      'stores: {a: {url: "s3://b/{branch}", region: r, endpoint: "https://h:9000", path_style: true, ca: c}}\n' +
        'environments:\n  e: {branches: ["**"], write: a, read: [a], publish: "s3://b/p", trust: image, executor: local, namespace: n,' +
        ' service_account: "x-{stage}", uids: {main: 1, stager: 2, group: 3}, credentials: {secret: s},' +
        ' secrets: {A: {secret: s, key: k}}, agent_image: i, env: {A: b}}\n' +
        'limits: {db: 1}\ncache: {dir: /x, links: [copy]}\njobs: 2\ncolor: never\n',
    ],
    bad: [
      'store: {}\n',
      'stores: {a: {url: "gs://b"}}\n',
      'stores: {a: {url: x, endpoint: h}}\n',
      'environments: {e: {branches: main}}\n',
      'environments: {e: {branches: [x], executor: kube}}\n',
      'environments: {e: {branches: [x], credentials: {role: a, secret: b}}}\n',
      'limits: {db: 0}\n',
      'cache: {links: []}\n',
      'cache: {links: [ln]}\n',
      'jobs: 0\n',
      'color: blue\n',
    ],
  },
};

function plain(text: string): unknown {
  return toPlain(parseYaml({ file: 'x', text, code: 'x' })!);
}

describe.each(Object.entries(KINDS))('the tracked file %s', (name, { parse, good, bad }) => {
  test.each(good)('is right to the parser and to the schema: %j', (text) => {
    parse(text);
    expectValid(name, plain(text));
  });

  test.each(bad)('is wrong to the parser and to the schema: %j', (text) => {
    expect(valueOrProblem(() => parse(text))).toBeUndefined();
    expect(schema(name)(plain(text))).toBe(false);
  });
});
