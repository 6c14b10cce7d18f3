import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { controlChildren, type ChildControl } from '../rig/child-control.ts';
import { filesBelow, openStory, type Repro, type Story } from './story.ts';

/** What a command sees and what it may do (concepts 1.3). */

function messages(run: Repro): readonly string[] {
  return run.events.flatMap((event) =>
    event.event === 'datum-end' && event.state === 'failed' ? [event.message ?? ''] : [],
  );
}

async function openChildren(): Promise<ChildControl> {
  const control = await controlChildren();
  onTestFinished(() => {
    control.close();
  });
  return control;
}

/** A stage `one` that makes `made.txt`. */
async function openOne(fields: string): Promise<Story> {
  return await openStory(`stages:\n  one:\n    outs: {made: made.txt}\n${fields.replace(/^/gm, '    ')}\n`);
}

describe('a command', () => {
  test('that reads a file nobody declared fails, and is told to declare it', async () => {
    const story = await openOne('cmd: cat hidden.txt > "$made"');
    story.write('hidden.txt', 'x');
    const run = await story.repro();
    expect(run.code).toBe(3);
    const [failed] = run.events.filter((event) => event.event === 'datum-end');
    expect(failed).toMatchObject({
      state: 'failed',
      stderr: expect.stringContaining('No such file') as string,
    });
    expect(messages(run)[0]).toContain('hidden.txt');
    expect(story.has('made.txt')).toBe(false);
  });

  test('that writes outside its outs fails with the path', async () => {
    const story = await openOne('cmd: echo 1 > "$made"; mkdir -p other; echo 2 > other/file.txt');
    const run = await story.repro();
    expect(run.code).toBe(3);
    expect(messages(run)[0]).toContain('other/file.txt');
    expect([story.has('made.txt'), story.has('other/file.txt')]).toEqual([false, false]);
  });

  test('that leaves out an out fails with the path', async () => {
    const story = await openOne('cmd: "true"');
    const run = await story.repro();
    expect(run.code).toBe(3);
    expect(messages(run)[0]).toContain('made.txt');
  });

  test('that changes an input fails with the path, and the input stays as it was', async () => {
    const story = await openOne(
      'cmd: chmod u+w "$raw"; echo more >> "$raw"; cp "$raw" "$made"\ndeps: {raw: raw/x.txt}',
    );
    story.write('raw/x.txt', 'x\n');
    await story.succeed('add', 'raw');
    const run = await story.repro();
    expect(run.code).toBe(3);
    expect(messages(run)[0]).toContain('raw/x.txt');
    expect(story.read('raw/x.txt')).toBe('x\n');
    await story.succeed('verify');
  });

  test('sees exactly the variables of the contract', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: env | sed 's/=.*//' | grep -v -e '^_$' -e '^PWD$' -e '^SHLVL$' -e '^OLDPWD$' | sort | tr '\\n' ' ' > "$made"; echo >> "$made"; echo "$TZ $LC_ALL $PYTHONDONTWRITEBYTECODE $MODE $clean_threshold $list $date" >> "$made"
    env: {MODE: fast, FROM_CALLER: }
    secrets: [TOKEN]
    params: [clean.threshold, "other.yaml:list"]
    deps: {raw: "raw/{date:%Y-%m-%d}.txt"}
    outs: {made: "made/{date:%Y-%m-%d}.txt"}
`);
    story.files({
      'params.yaml': 'clean:\n  threshold: 0.50\n',
      'other.yaml': 'list: [1, two]\n',
      'raw/2024-01-02.txt': '',
    });
    const env = { TOKEN: 'hush', FROM_CALLER: 'caller', NOT_DECLARED: 'x' };
    expect((await story.reproWith({ env })).code).toBe(0);
    const [names = '', values] = story.read('made/2024-01-02.txt').split('\n');
    expect(names.trim().split(' ').sort()).toEqual(
      'DATAWF_INPUTS DATAWF_INPUTS_raw FROM_CALLER HOME LC_ALL MODE PATH PYTHONDONTWRITEBYTECODE TMPDIR TOKEN TZ clean_threshold date list made raw'
        .split(' ')
        .sort(),
    );
    expect(values).toBe('UTC C.UTF-8 1 fast 0.50 [1,"two"] 2024-01-02');
  });

  test('finds each dep by its variable: a file, a folder, or nothing', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: printf '%s\\n' "$file" "$stars" "$finer" "$month" "[$none]" "$whole" "$window" "$plain" > "$made"; cat "$DATAWF_INPUTS_stars" "$DATAWF_INPUTS_none" >> "$made"; wc -l < "$DATAWF_INPUTS" >> "$made"
    deps:
      file: "d/file/{date:%Y-%m-%d}.txt"
      stars: "d/stars/*/{date:%Y-%m-%d}.txt"
      finer: "d/finer/{date:%Y-%m-%dT%H}.txt"
      month: "d/month/{date:%Y-%m}.txt"
      none: {path: "d/none/{date:%Y-%m-%d}.txt", optional: true}
      whole: d/whole/
      window: {path: "d/file/{date:%Y-%m-%d}.txt", window: [0d, 0d]}
      plain: d/plain.txt
    outs: {made: "made/{date:%Y-%m-%d}.txt"}
`);
    story.files({
      'd/file/2024-01-02.txt': '',
      'd/stars/b/2024-01-02.txt': '',
      'd/stars/a/2024-01-02.txt': '',
      'd/finer/2024-01-02T03.txt': '',
      'd/month/2024-01.txt': '',
      'd/whole/x/y.txt': '',
      'd/plain.txt': '',
    });
    expect((await story.repro()).code).toBe(0);
    expect(story.read('made/2024-01-02.txt').split('\n')).toEqual([
      'd/file/2024-01-02.txt',
      'd/stars',
      'd/finer',
      'd/month/2024-01.txt',
      '[]',
      'd/whole',
      'd/file',
      'd/plain.txt',
      'd/stars/a/2024-01-02.txt',
      'd/stars/b/2024-01-02.txt',
      '7',
      '',
    ]);
  });

  test('sees only what is declared, read-only, with empty parents for its outs', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: find . -type f | sort > "$TMPDIR/list"; ls -d out/deep dir >> "$TMPDIR/list"; if [ -w "$raw" ] && [ "$(id -u)" != 0 ]; then echo writable; exit 1; fi; cp "$TMPDIR/list" "$made"
    code: [tool.sh, lib/]
    deps: {raw: "raw/a.txt"}
    outs: {made: out/deep/made.txt, dir: dir/}
`);
    story.files({
      'raw/a.txt': '',
      'raw/b.txt': '',
      'tool.sh': '',
      'lib/x.sh': '',
      'lib/new/y.sh': '',
      'lib/ignored.log': '',
      '.gitignore': '*.log\n',
    });
    await story.git('add', 'tool.sh', 'lib/x.sh');
    expect((await story.repro()).code).toBe(0);
    expect(story.read('out/deep/made.txt').split('\n')).toEqual([
      './lib/new/y.sh',
      './lib/x.sh',
      './raw/a.txt',
      './tool.sh',
      'dir',
      'out/deep',
      '',
    ]);
  });

  test('of a datawf.yaml in a subfolder works there; a leading / means the root', async () => {
    const story = await openStory();
    story.files({
      'sub/datawf.yaml': `
stages:
  one:
    cmd: sh tool.sh "$near" "$far" > "$made"; echo "$near $far $made" >> "$made"
    code: [tool.sh]
    deps: {near: "data/{d}.txt", far: "/shared/{d}.txt"}
    outs: {made: "made/{d}.txt"}
`,
      'sub/tool.sh': 'cat "$@"',
      'sub/data/1.txt': 'near\n',
      'shared/1.txt': 'far\n',
    });
    expect((await story.repro()).ran).toEqual(['sub:one d=1']);
    expect(story.read('sub/made/1.txt')).toBe('near\nfar\ndata/1.txt ../shared/1.txt made/1.txt\n');
    expect(story.has('sub/datawf.lock')).toBe(true);
    expect((await story.repro('sub:one')).code).toBe(0);
  });

  test('as a list has no shell: an item that is exactly $name is replaced', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: [sh, -c, 'printf "%s|%s|%s" "$1" "$2" "$3" > "$0"', $made, $word, "a $word", "*"]
    matrix: {word: ["it's \\"quoted\\" $HOME"]}
    outs: {made: "made/{word}.txt"}
`);
    expect((await story.repro()).code).toBe(0);
    expect(story.texts('made')).toEqual(['it\'s "quoted" $HOME.txt: it\'s "quoted" $HOME|a $word|*']);
  });

  test('that does not exist is named', async () => {
    const story = await openOne('cmd: [no-such-tool-here, $made]');
    const run = await story.repro();
    expect([run.code, messages(run)[0]]).toEqual([3, expect.stringContaining('no-such-tool-here')]);
  });
});

describe('env without a value', () => {
  test('comes from the caller and is in the key', async () => {
    const story = await openOne('cmd: echo "$A" > "$made"\nenv: {A: }');
    await story.reproWith({ env: { A: 'one' } });
    expect((await story.reproWith({ env: { A: 'one' } })).counts).toEqual({ skipped: 1 });
    expect((await story.reproWith({ env: { A: 'two' } })).ran).toEqual(['one']);
    expect(story.read('made.txt')).toBe('two\n');
    expect((await story.reproWith({ env: { A: 'one' } })).counts).toEqual({ planned: 1, cached: 1 });
  });

  test('that nobody gives is an error before anything runs', async () => {
    const story = await openOne('cmd: echo "$A" > "$made"\nenv: {A: }');
    const run = await story.repro();
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain('A');
    expect(story.has('made.txt')).toBe(false);
  });
});

describe('a secret', () => {
  const SECRET = 'xyzzy-plugh-31415';

  test('comes from the caller, is in no key, and no file, record or log has it', async () => {
    const story = await openOne(
      'cmd: test -n "$TOKEN" || exit 9; echo "log $TOKEN"; echo "err $TOKEN" >&2; echo done > "$made"\nsecrets: [TOKEN]',
    );
    const run = await story.reproWith({ env: { TOKEN: SECRET } });
    expect(run.code).toBe(0);
    expect(JSON.stringify(run.events)).not.toContain(SECRET);
    const holders = filesBelow(story.root).filter((path) => {
      const bytes = readFileSync(story.path(path));
      const text = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
      return text.includes(SECRET);
    });
    expect(holders).toEqual([]);
    expect((await story.reproWith({ env: { TOKEN: 'another' } })).counts).toEqual({ skipped: 1 });
    const logs = await story.succeed('log', '--json');
    const id = logs.json<{ run: string }[]>()[0]?.run ?? '';
    expect((await story.succeed('logs', id)).stdout).toContain('log ***');
  });

  test('that nobody gives is an error before anything runs', async () => {
    const story = await openOne('cmd: echo 1 > "$made"\nsecrets: [TOKEN]');
    const run = await story.repro();
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain('TOKEN');
    expect(story.has('made.txt')).toBe(false);
  });
});

describe('params', () => {
  test('are variables by key, from other files too, and only those named are in the key', async () => {
    const story = await openOne(
      'cmd: echo "$model_rate/$deep" > "$made"\nparams: [model.rate, "conf/x.json:deep"]',
    );
    story.files({
      'params.yaml': 'model: {rate: 1, other: 2}\n',
      'conf/x.json': '{"deep": {"b": 1, "a": [true]}}',
    });
    await story.repro();
    expect(story.read('made.txt')).toBe('1/{"a":[true],"b":1}\n');
    story.write('params.yaml', 'model: {rate: 1, other: 3}\n');
    expect((await story.repro()).counts).toEqual({ skipped: 1 });
    story.write('params.yaml', 'model: {rate: 1.0}\n');
    expect((await story.repro()).ran).toEqual(['one']);
    expect(story.read('made.txt')).toBe('1.0/{"a":[true],"b":1}\n');
  });

  test('that are missing are an error with the key', async () => {
    const story = await openOne('cmd: echo 1 > "$made"\nparams: [model.rat]');
    story.write('params.yaml', 'model: {rate: 1}\n');
    const run = await story.repro();
    expect([2, 4]).toContain(run.code);
    expect(run.stderr).toContain('model.rat');
  });
});

describe('code', () => {
  test('in a folder counts as git tracks it or would add it', async () => {
    const story = await openOne('cmd: cat lib/* > "$made"\ncode: [lib/]');
    story.files({ 'lib/a.sh': 'a\n', '.gitignore': '*.pyc\n' });
    await story.repro();
    story.write('lib/x.pyc', 'compiled');
    expect((await story.repro()).counts).toEqual({ skipped: 1 });
    story.write('lib/b.sh', 'b\n');
    expect((await story.repro()).ran).toEqual(['one']);
    expect(story.read('made.txt')).toBe('a\nb\n');
  });

  test('that is not there is an error with the path', async () => {
    const story = await openOne('cmd: "true"\ncode: [tool.sh]');
    const run = await story.repro();
    expect(run.error).toMatchObject({ exit: 4, message: expect.stringContaining('tool.sh') as string });
  });
});

describe('outputs', () => {
  test('appear only on success; the last good file stays when a later run fails', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: cp "$raw" "$made"; grep -q good "$raw"
    deps: {raw: "raw/{d}.txt"}
    outs: {made: "made/{d}.txt"}
`);
    story.files({ 'raw/1.txt': 'good 1', 'raw/2.txt': 'bad 2' });
    const first = await story.repro();
    expect([first.code, first.ran, first.ended('failed')]).toEqual([3, ['one d=1'], ['one d=2']]);
    expect(story.texts('made')).toEqual(['1.txt: good 1']);
    story.files({ 'raw/1.txt': 'bad 1', 'raw/2.txt': 'good 2' });
    expect((await story.repro()).code).toBe(3);
    expect(story.texts('made')).toEqual(['1.txt: good 1', '2.txt: good 2']);
  });

  test('that are a folder may stay empty', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: test -d "$parts"
    outs: {parts: parts/}
`);
    expect((await story.repro()).code).toBe(0);
    expect((await story.repro()).counts).toEqual({ skipped: 1 });
  });

  test('keep the executable bit, and a downstream command can run them', async () => {
    const story = await openStory(`
stages:
  tool:
    cmd: printf '#!/bin/sh\\necho made by tool\\n' > "$tool"; chmod +x "$tool"
    outs: {tool: bin/tool.sh}
  use:
    cmd: '"./$tool" > "$made"'
    deps: {tool: bin/tool.sh}
    outs: {made: made.txt}
`);
    expect((await story.repro()).code).toBe(0);
    expect(story.read('made.txt')).toBe('made by tool\n');
  });
});

test('exit 75 means not yet: the datum waits, the run is fine, the last good file stays', async () => {
  const story = await openStory(`
stages:
  fetch:
    cmd: grep -q ready "$raw" || exit 75; cp "$raw" "$made"
    deps: {raw: "raw/{d}.txt"}
    outs: {made: "made/{d}.txt"}
  next:
    cmd: cp "$made" "$next"
    deps: {made: "made/{d}.txt"}
    outs: {next: "next/{d}.txt"}
`);
  story.files({ 'raw/1.txt': 'ready 1', 'raw/2.txt': 'later' });
  const first = await story.repro();
  expect([first.code, first.ended('waiting')]).toEqual([0, ['fetch d=2']]);
  expect(story.texts('next')).toEqual(['1.txt: ready 1']);
  story.write('raw/1.txt', 'later 1');
  expect((await story.repro()).code).toBe(0);
  expect(story.texts('made')).toEqual(['1.txt: ready 1']);
  story.write('raw/2.txt', 'ready 2');
  expect((await story.repro()).ran).toEqual(['fetch d=2', 'next d=2']);
});

test('sandbox: none runs in the repository itself, and its results are never hits', async () => {
  const story = await openStory(`
stages:
  one:
    cmd: cat undeclared.txt "$raw" > "$made"
    sandbox: none
    deps: {raw: raw.txt}
    outs: {made: made.txt}
`);
  story.files({ 'raw.txt': 'a\n', 'undeclared.txt': 'u\n' });
  expect((await story.repro()).code).toBe(0);
  expect(story.read('made.txt')).toBe('u\na\n');
  expect((await story.repro()).counts).toEqual({ skipped: 1 });
  story.write('raw.txt', 'b\n');
  await story.repro();
  story.write('raw.txt', 'a\n');
  expect((await story.repro()).counts).toEqual({ planned: 1, ran: 1 });
});

describe('a timeout', () => {
  test('ends the whole process group', async () => {
    const children = await openChildren();
    const [node, script, socket] = children.argv;
    const story = await openOne(`cmd: [${node ?? ''}, ${script ?? ''}, ${socket ?? ''}]\ntimeout: 1s`);
    const run = story.repro();
    const child = await children.next();
    const leaving = child.tell({ do: 'leave', detached: false }).catch(() => undefined);
    const left = await children.next();
    await Promise.all([child.gone, left.gone, leaving]);
    const { code, events } = await run;
    expect(code).toBe(3);
    expect(JSON.stringify(events)).toMatch(/1 ?s/);
  });
});

test('retries try again and say so', async () => {
  const story = await openOne(
    'cmd: n=$(wc -l < "$COUNT"); echo x >> "$COUNT"; test "$n" -ge 1 || exit 1; echo "$n" > "$made"\nretries: 2\nenv: {COUNT: }',
  );
  story.write('../count', '');
  const run = await story.reproWith({ env: { COUNT: story.path('../count') } });
  expect(run.code).toBe(0);
  expect(run.warnings).toHaveLength(1);
  expect(run.events.flatMap((event) => (event.event === 'datum-start' ? [event.attempt] : []))).toEqual([
    1, 2,
  ]);
  expect(story.read('made.txt').trim()).toBe('1');
});

test('always runs whenever repro reaches it, and equal bytes stop the rest', async () => {
  const story = await openStory(`
stages:
  list:
    cmd: cat "$SOURCE" > "$list"
    always: true
    env: {SOURCE: }
    outs: {list: list.txt}
  next:
    cmd: cp "$list" "$next"
    deps: {list: list.txt}
    outs: {next: next.txt}
`);
  story.write('../outside.txt', 'one\n');
  const env = { SOURCE: story.path('../outside.txt') };
  await story.reproWith({ env });
  const again = await story.reproWith({ env });
  expect([again.ran, again.ended('identical')]).toEqual([['list'], ['next']]);
  story.write('../outside.txt', 'two\n');
  expect((await story.reproWith({ env })).ran).toEqual(['list', 'next']);
  const status = await story.datawf(['status', '--json', '--check'], { env });
  expect(status.code).toBe(0);
  expect(status.json<{ stages: { state: string }[] }>().stages.map(({ state }) => state)).toEqual([
    'always',
    'current',
  ]);
});
