import { describe, expect, test } from 'vitest';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import { repoPath } from '../../../src/model/repo-path.ts';
import type { Stage, StageId } from '../../../src/model/stage.ts';
import { problemOf } from './texts.ts';

function parse(text: string, file = 'datawf.yaml') {
  return parsePipelineFile(text, repoPath(file));
}

/** The one stage `s` of the given fields, each a line of YAML. */
function stage(...lines: string[]): Stage {
  return parse(`stages:\n  s:\n    cmd: x\n${lines.map((line) => `    ${line}\n`).join('')}`).stages[0]!;
}

function fault(...lines: string[]) {
  return problemOf(() => stage(...lines));
}

const CONCEPTS = `zone: UTC                                    # of \`today\` and of instants
stages:
  fetch:
    desc: One file per day from the archive
    cmd: ./fetch.sh "$ARCHIVE/$date.csv" "$raw"                    # exits 75 on a 404
    code: [fetch.sh]
    env: {ARCHIVE: https://data.example.org/daily}
    secrets: [ARCHIVE_TOKEN]
    matrix: {date: {since: 2020-01-01, until: today, every: 1d}}  # half-open
    outs: {raw: "data/raw/{date:%Y-%m-%d}.csv"}
    resources: {limit: {archive: 2}}         # at most two at once

  clean:
    image: registry.example.org/agro/py:3.12
    cmd: python3 clean.py "$raw" "$stations" "$clean"
    code: [clean.py, lib/, requirements.lock]
    params: [clean.threshold]
    deps:
      raw: "data/raw/{date:%Y-%m-%d}.csv"
      stations: config/stations.csv
      fix: {path: "fixes/{date:%Y-%m-%d}.csv", optional: true}
    outs: {clean: "data/clean/{date:%Y-%m-%d}.parquet"}

  smooth:
    cmd: python3 mean.py "$clean" "$mean"
    code: [mean.py]
    deps: {clean: {path: "data/clean/{date:%Y-%m-%d}.parquet", window: [-6d, 0d]}}
    matrix: {date: {since: 2020-01-07, until: today, every: 1d}}
    outs: {mean: "data/mean/{date:%Y-%m-%d}.parquet"}
`;

describe('a datawf.yaml', () => {
  test('of the concepts is read with all its fields', () => {
    const file = parse(CONCEPTS);
    expect(file.zone).toBe('UTC');
    expect(file.stages.map(({ id, line }) => [id, line])).toEqual([
      ['fetch', 3],
      ['clean', 13],
      ['smooth', 24],
    ]);
    const [fetch, clean, smooth] = file.stages;
    expect(fetch).toMatchObject({
      desc: 'One file per day from the archive',
      cmd: './fetch.sh "$ARCHIVE/$date.csv" "$raw"',
      secrets: ['ARCHIVE_TOKEN'],
      onCodeChange: 'rerun',
      always: false,
      sandbox: 'full',
      frozen: false,
      retries: 0,
    });
    expect([...fetch!.env]).toEqual([['ARCHIVE', 'https://data.example.org/daily']]);
    expect([...fetch!.matrix]).toEqual([
      ['date', { kind: 'range', since: '2020-01-01', until: 'today', every: { count: 1, unit: 'd' } }],
    ]);
    expect([...fetch!.resources.limit]).toEqual([['archive', 2]]);
    expect(clean!.code).toEqual([
      { path: 'clean.py', folder: false },
      { path: 'lib', folder: true },
      { path: 'requirements.lock', folder: false },
    ]);
    expect(clean!.params).toEqual([
      { file: 'params.yaml', key: 'clean.threshold', variable: 'clean_threshold' },
    ]);
    expect(clean!.deps.map((dep) => [dep.name, dep.pattern.source, dep.optional])).toEqual([
      ['raw', 'data/raw/{date:%Y-%m-%d}.csv', false],
      ['stations', 'config/stations.csv', false],
      ['fix', 'fixes/{date:%Y-%m-%d}.csv', true],
    ]);
    expect(smooth!.deps[0]!.window).toEqual([
      { count: -6, unit: 'd' },
      { count: 0, unit: 'd' },
    ]);
  });

  test('without stages has none', () => {
    for (const text of ['', '# nothing yet\n', 'stages: {}\n', 'zone: UTC\n'])
      expect(parse(text).stages).toEqual([]);
  });

  test('in a subfolder names paths from its folder, and from the root by a leading slash', () => {
    const { stages } = parse(
      'stages:\n  s:\n    cmd: x\n    code: [a.py, /lib/]\n    params: [p.q, /shared.yaml:k, x.yaml:l]\n    deps: {a: in.csv, b: /in.csv}\n    outs: {o: out/}\n',
      'sub/dir/datawf.yaml',
    );
    const [only] = stages;
    expect(only).toMatchObject({ id: 'sub/dir:s', name: 's', base: 'sub/dir' });
    expect(only!.code.map((code) => code.path)).toEqual(['sub/dir/a.py', 'lib']);
    expect(only!.params.map((param) => param.file)).toEqual([
      'sub/dir/params.yaml',
      'shared.yaml',
      'sub/dir/x.yaml',
    ]);
    expect(only!.deps.map((dep) => dep.pattern.source)).toEqual(['sub/dir/in.csv', 'in.csv']);
    expect(only!.outs[0]!.pattern.source).toBe('sub/dir/out/');
  });

  test('gives each stage its defaults: maps merge by name, anything else is replaced', () => {
    const { stages } = parse(
      'defaults: {image: "i:1", retries: 3, env: {A: 1, B: 2}, code: [lib/]}\n' +
        'stages:\n  a: {cmd: x}\n  b: {cmd: x, image: "i:2", env: {B: 3, C: 4}, code: [b.py], retries: 0}\n',
    );
    expect(stages.map(({ image, retries }) => [image, retries])).toEqual([
      ['i:1', 3],
      ['i:2', 0],
    ]);
    expect([...stages[1]!.env]).toEqual([
      ['A', '1'],
      ['B', '3'],
      ['C', '4'],
    ]);
    expect(stages[1]!.code.map((code) => code.path)).toEqual(['b.py']);
  });

  test('names all that is wrong at once, the first with its place and excerpt', () => {
    const problem = problemOf(() =>
      parse('stages:\n  clean:\n    cmdd: x\n    retries: many\n  Clean: {cmd: x}\nzon: UTC\n'),
    );
    expect(problem).toMatchObject({
      code: 'invalid-pipeline',
      exit: 2,
      message: 'stage clean has no field "cmdd"',
      hint: 'Did you mean "cmd"?',
      place: { file: 'datawf.yaml', line: 3, column: 5, excerpt: '3 |     cmdd: x\n  |     ^' },
    });
    expect(problem.details).toHaveLength(3);
    expect(problem.details[0]).toBe(
      'datawf.yaml:4:14 retries of stage clean takes a whole number from 0, not "many"',
    );
    expect(problem.details[2]).toBe('datawf.yaml:6:1 datawf.yaml has no field "zon" (Did you mean "zone"?)');
  });

  test('places fields for those who check more', () => {
    const file = parse(CONCEPTS);
    const at = (stageId: string, ...field: (string | number)[]) => {
      const { line, column } = file.place(stageId as StageId, field);
      return [line, column];
    };
    expect(at('clean')).toEqual([13, 3]);
    expect(at('clean', 'deps', 'raw')).toEqual([19, 12]);
    expect(at('clean', 'deps', 'raw', 'window')).toEqual([19, 12]);
    expect(at('clean', 'deps', 'fix', 'optional')).toEqual([21, 58]);
    expect(at('clean', 'code', 1)).toEqual([16, 22]);
    expect(at('clean', 'matrix')).toEqual([13, 3]);
    expect(file.place('none' as StageId, [])).toEqual({ file: 'datawf.yaml' });
  });

  test('names an unknown zone with the one that is near', () => {
    expect(parse('zone: Europe/Vienna\n').zone).toBe('Europe/Vienna');
    expect(problemOf(() => parse('zone: Europe/Viena\n')).hint).toBe('Did you mean "Europe/Vienna"?');
  });

  test('defines no stage by a bad name', () => {
    for (const name of ['A', '-a', '_a', 'a.b', 'a:b', '"a b"', 'ä', '"../a"']) {
      const problem = problemOf(() => parse(`stages:\n  ${name}: {cmd: x}\n`));
      expect(problem.message, name).toContain('is no stage name');
    }
    expect(parse('stages:\n  0a-b_c: {cmd: x}\n').stages[0]!.id).toBe('0a-b_c');
  });
});

describe('a stage', () => {
  test('runs a text by the shell or a list without', () => {
    expect(parse('stages: {s: {cmd: [python3, x.py, "$raw", ""]}}\n').stages[0]!.cmd).toEqual([
      'python3',
      'x.py',
      '$raw',
      '',
    ]);
    expect(parse('stages:\n  s:\n    cmd: |\n      a\n      b\n').stages[0]!.cmd).toBe('a\nb\n');
  });

  test('without a command is refused', () => {
    for (const text of ['{}', '{desc: x}', '{cmd: }', '{cmd: ""}', '{cmd: []}', '{cmd: {a: b}}', '']) {
      expect(problemOf(() => parse(`stages:\n  s: ${text}\n`)).exit, text).toBe(2);
    }
  });

  test('takes an env value as written, or from outside where it has none', () => {
    expect([...stage('env: {A: 0.10, B: , C: "", D: ~, E: true}').env]).toEqual([
      ['A', '0.10'],
      ['B', null],
      ['C', ''],
      ['D', null],
      ['E', 'true'],
    ]);
  });

  test('takes matrix items as written', () => {
    const item = stage('matrix: {v: [0.10, 007, 2020-01-01, yes]}', 'outs: {o: "o/{v}.csv"}').matrix.get('v');
    expect(item).toEqual({ kind: 'list', values: ['0.10', '007', '2020-01-01', 'yes'] });
  });

  test.each([
    ['%Y', { count: 1, unit: 'y' }],
    ['%Y-%m', { count: 1, unit: 'mo' }],
    ['%G-W%V', { count: 1, unit: 'w' }],
    ['%Y-%m-%d', { count: 1, unit: 'd' }],
    ['%Y-%m-%dT%H', { count: 1, unit: 'h' }],
  ])('steps a range without a step by its format: %s', (format, every) => {
    const item = stage(
      `outs: {o: "o/{t:${format}}.csv"}`,
      'matrix: {t: {since: 2020-01-01, until: today}}',
    ).matrix.get('t');
    expect(item).toMatchObject({ every });
  });

  test.each([
    ['matrix: {t: {since: 2020, until: 2019, every: 1d}}', 'names no period'],
    ['matrix: {t: {since: soon, until: today, every: 1d}}', `can't be "soon"`],
    ['matrix: {t: {since: 2020-02-30, until: today, every: 1d}}', `can't be "2020-02-30"`],
    ['matrix: {t: {since: 2020, until: today, every: -1d}}', `can't be "-1d"`],
    ['matrix: {t: {since: 2020, every: 1d}}', 'has no until'],
    ['matrix: {t: {since: 2020, until: today}}', 'has no step'],
    ['matrix: {t: []}', 'would have no datum'],
    ['matrix: {t: [a, a]}', 'has "a" twice'],
    ['matrix: {t: a}', 'takes a list, not a text'],
    ['matrix: {t: [{a: b}]}', 'takes a text, not a map'],
  ])('refuses %s', (line, message) => {
    expect(fault(line).message).toContain(message);
  });

  test('reads durations and sizes', () => {
    const read = stage(
      'timeout: 1h30m',
      'schedule_timeout: 2d',
      'resources: {cpu: 500m, memory: [2Gi, 4Gi], disk: 10G, gpu: 1, limit: {db: 3}}',
    );
    expect(read).toMatchObject({
      timeoutSeconds: 5400,
      scheduleTimeoutSeconds: 172_800,
      resources: { cpu: 0.5, memory: [2 ** 31, 2 ** 32], disk: 10e9, gpu: 1 },
    });
    expect(stage('resources: {memory: 512Mi}').resources.memory).toEqual([2 ** 29]);
  });

  test.each([
    ['timeout: 10', 'Write a duration with its unit, such as 90s, 10m or 1h30m.'],
    ['timeout: 0s', 'Write a duration with its unit, such as 90s, 10m or 1h30m.'],
    ['resources: {memory: [4Gi, 2Gi]}', 'Each size must be larger than the one before: [2Gi, 4Gi].'],
    ['resources: {memory: lots}', 'Write a size such as 512Mi or 2Gi.'],
    ['resources: {cpu: 0}', 'Write cores, such as 2, 0.5 or 500m.'],
    ['resources: {mem: 1Gi}', 'Did you mean "memory"?'],
    ['retries: "3"', 'Write it without quotes.'],
    ['always: "true"', 'Write it without quotes.'],
    ['on_code_change: reruns', 'Did you mean "rerun"?'],
    ['sandbox: nome', 'Did you mean "none"?'],
    ['code: a.py', 'Write [a.py].'],
    ['deps: {a: {path: x/y, acess: url}}', 'Did you mean "access"?'],
    [
      'deps: {a: {path: x/y, window: [-6d]}}',
      'Write the shifts of its start and end: [-6d, 0d]. Units are y, mo, w, d, h, m, s.',
    ],
    ['outs: {o: {path: "o/x", window: [0d, 0d]}}', 'It takes path, optional.'],
    ['deps: {raw: {date:%Y}}', 'Quote the pattern: "{date:%Y}"'],
    ['image: a b', 'Write an image reference such as registry.example.org/py:3.12.'],
    ['deps:', 'Give it a value, or delete the line.'],
  ])('gives the cure of %s', (line, hint) => {
    expect(fault(line).hint).toBe(hint);
  });

  test.each([
    ['code: [../x.py]', '".."'],
    ['code: [/../x.py]', '".."'],
    ['code: [a/../../x.py]', '".."'],
    ['code: [.git/config]', "git's own folder"],
    ['code: [sub/.GIT/hooks/]', "git's own folder"],
    ['code: ["a\\nb"]', 'newline'],
    ['code: [./]', 'whole folder'],
    ['code: [/]', 'whole folder'],
    ['code: ["*.py"]', 'is a pattern'],
    ['params: [../p.yaml:k]', '".."'],
    ['deps: {a: ../x.csv}', '".."'],
    ['outs: {a: .git/hooks/}', '.git'],
    ['outs: {a: "/../x"}', '".."'],
  ])('cannot leave the repository by %s', (line, message) => {
    expect(fault(line).message).toContain(message);
  });

  test.each([
    ['deps: {a: x/y}', 'outs: {a: x/z}', 'for the dep and the out'],
    ['deps: {a: x/y}', 'env: {a: 1}', 'for the dep and the env'],
    ['env: {a: 1}', 'secrets: [a]', 'for the env and the secret'],
    ['secrets: [a, a]', '', 'for the secret and the secret'],
    ['deps: {a: "x/{b}"}', 'outs: {b: "y/{b}"}', 'for the out and the capture'],
    ['matrix: {a: [x]}', 'env: {a: 1}', 'for the env and the capture'],
    ['params: [a.b]', 'env: {a_b: 1}', 'for the env and the param a.b'],
    ['params: [a.b, a_b]', '', 'for the param a.b and the param a_b'],
  ])('uses no name twice: %s %s', (one, two, message) => {
    expect(fault(one, ...(two === '' ? [] : [two])).message).toContain(message);
  });

  test('may use a capture in many patterns and its matrix', () => {
    expect(
      stage('deps: {a: "x/{d}", b: "y/{d}"}', 'outs: {o: "z/{d}"}', 'matrix: {d: [p]}').matrix.size,
    ).toBe(1);
  });

  test.each(['PATH', 'HOME', 'TMPDIR', 'DATAWF_X'])('takes no variable that datawf sets: %s', (name) => {
    for (const line of [
      `env: {${name}: 1}`,
      `secrets: [${name}]`,
      `deps: {${name}: x/y}`,
      `outs: {o: "x/{${name}}"}`,
    ]) {
      expect(fault(line).message, line).toContain('datawf sets that variable itself');
    }
  });

  test('has names that are names', () => {
    for (const line of [
      'deps: {a-b: x/y}',
      'outs: {1a: x/y}',
      'env: {"a b": 1}',
      'secrets: ["a=b"]',
      'params: [a-b]',
    ]) {
      expect(fault(line).message, line).toMatch(/is no name|no variable name/);
    }
  });

  test('passes pod_patch on as it is', () => {
    expect(
      stage('pod_patch: {spec: {priority: 3, nodeSelector: {gpu: "true"}, ok: true, no: ~}}').podPatch,
    ).toEqual({
      spec: { priority: 3, nodeSelector: { gpu: 'true' }, ok: true, no: null },
    });
  });
});
