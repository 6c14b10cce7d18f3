import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openRig } from './rig.ts';

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

describe('the version', () => {
  test.each(['--version', '-V'])('%s prints it alone', async (flag) => {
    const rig = await openRig({ git: false });
    expect(await rig.datawf([flag])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])(
    'datawf %s lists every command in groups on stdout',
    async (word) => {
      const rig = await openRig({ git: false });
      const { code, stdout, stderr } = await rig.datawf([word]);
      expect(code).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^Starting:\n {2}init +make a git repository ready for datawf$/m);
      expect(stdout.match(/^(Starting|Data|Running|History):$/gm)).toEqual([
        'Starting:',
        'Data:',
        'Running:',
        'History:',
      ]);
    },
  );

  test('without a command it goes to stderr and is an error of usage', async () => {
    const rig = await openRig({ git: false });
    const { code, stdout, stderr } = await rig.datawf([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: datawf COMMAND');
  });

  test('of every command has examples', async () => {
    const rig = await openRig({ git: false });
    const { stdout } = await rig.datawf(['--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2}/gm)]
      .map((match) => match[1]!)
      .filter((name) => !/^datawf/.test(name));
    expect(names.length).toBeGreaterThan(25);
    for (const name of names) {
      const help = await rig.datawf([...name.split(' '), '--help']);
      expect(help, name).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout, name).toContain(`Usage: datawf ${name}`);
      expect(help.stdout, name).toContain('\nExamples:\n');
    }
  });

  test('of a command is also "help COMMAND", of a family its verbs', async () => {
    const rig = await openRig({ git: false });
    expect((await rig.datawf(['help', 'status'])).stdout).toContain('Usage: datawf status');
    expect((await rig.datawf(['help', 'stage', 'add'])).stdout).toContain('Usage: datawf stage add');
    expect((await rig.datawf(['help', 'config'])).stdout).toContain('datawf config set');
  });
});

describe('a mistake on the command line', () => {
  test.each([
    [['statsu'], 'error: there is no command "statsu"\nhint: Did you mean "status"?\n'],
    [
      ['config', 'gte'],
      'error: there is no command "datawf config gte"\nhint: Did you mean "datawf config get"?\n',
    ],
    [
      ['config'],
      'error: "datawf config" needs a verb\nhint: Verbs: datawf config get, datawf config set, datawf config list.\n',
    ],
    [['status', '--chek'], 'error: "datawf status" has no option --chek\nhint: Did you mean "--check"?\n'],
    [['xyzzy'], 'error: there is no command "xyzzy"\nhint: See "datawf --help" for all commands.\n'],
    [['why'], 'error: "datawf why" needs TARGET\nhint: See "datawf why --help".\n'],
    [['show', 'a', 'b'], 'error: "datawf show" takes fewer arguments\nhint: See "datawf show --help".\n'],
    [['status', '-j', 'many'], 'error: --jobs takes a whole number above 0, not "many"\n'],
  ])('%j exits 2 and says what to type', async (args, stderr) => {
    const rig = await openRig({ git: false });
    expect(await rig.datawf(args)).toMatchObject({ code: 2, stdout: '', stderr });
  });

  test('with --json is one line of JSON on stderr', async () => {
    const rig = await openRig({ git: false });
    const { code, stdout, stderr } = await rig.datawf(['statsu', '--json']);
    expect([code, stdout, stderr.split('\n').length]).toEqual([2, '', 2]);
    expect(JSON.parse(stderr)).toEqual({
      error: 'unknown-command',
      message: 'there is no command "statsu"',
      hint: 'Did you mean "status"?',
      exit: 2,
    });
  });
});

describe('outside a git repository', () => {
  test('a command says so, exit 2', async () => {
    const rig = await openRig({ git: false });
    const { code, stderr } = await rig.datawf(['status']);
    expect(code).toBe(2);
    expect(stderr).toContain('git init');
  });
});

describe('global flags', () => {
  test('-C works in another folder, before and after the verb, and as a variable', async () => {
    const rig = await openRig();
    rig.write('sub/x', '');
    const { root } = rig;
    for (const args of [
      ['-C', root, 'stage', 'list'],
      ['stage', 'list', '-C', root],
      ['stage', '-C', root, 'list'],
    ]) {
      expect(await rig.datawf([...args, '--json'], { cwd: '..' }), args.join(' ')).toMatchObject({
        code: 0,
        stdout: '[]\n',
      });
    }
    expect(await rig.datawf(['stage', 'list'], { cwd: '..', env: { DATAWF_DIR: root } })).toMatchObject({
      code: 0,
    });
    expect(await rig.datawf(['stage', 'list', '-C', 'nowhere'])).toMatchObject({ code: 4 });
  });

  test('every flag can come from a variable, and the flag is stronger', async () => {
    const rig = await openRig();
    expect((await rig.datawf(['stage', 'list'], { env: { DATAWF_JSON: '1' } })).stdout).toBe('[]\n');
    expect((await rig.datawf(['stage', 'list'], { env: { DATAWF_JSON: '0' } })).stdout).toBe(
      'no stages yet\n',
    );
    expect(await rig.datawf(['stage', 'list'], { env: { DATAWF_JSON: 'perhaps' } })).toMatchObject({
      code: 2,
      stderr: 'error: DATAWF_JSON is "perhaps"\nhint: Set it to 1 or 0.\n',
    });
    expect(await rig.datawf(['log', '--limit', '1'], { env: { DATAWF_LIMIT: 'x' } })).toMatchObject({
      code: 0,
    });
  });
});

describe('color', () => {
  const escape = '\u001B[';

  test.each([
    ['a pipe has none', [], {}, false],
    ['FORCE_COLOR gives it', [], { FORCE_COLOR: '1' }, true],
    ['NO_COLOR is stronger than FORCE_COLOR', [], { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    ['--no-color is stronger than FORCE_COLOR', ['--no-color'], { FORCE_COLOR: '1' }, false],
    ['DATAWF_NO_COLOR too', [], { FORCE_COLOR: '1', DATAWF_NO_COLOR: '1' }, false],
  ])('%s', async (_, flags, env, colored) => {
    const rig = await openRig();
    const { stdout } = await rig.datawf(['doctor', ...flags], { env });
    expect(stdout.includes(escape)).toBe(colored);
  });
});

test('a reader that goes away is no error', async () => {
  const rig = await openRig();
  const { code, stderr } = await rig.run(['sh', '-c', `"$NODE" "$BIN" completion bash | head -n 1`], {
    env: { NODE: process.execPath, BIN: new URL('../../bin/datawf.js', import.meta.url).pathname },
  });
  expect([code, stderr]).toEqual([0, '']);
});

test.each(['bash', 'zsh', 'fish'])('the completion for %s names every command', async (shell) => {
  const rig = await openRig({ git: false });
  const { code, stdout } = await rig.datawf(['completion', shell]);
  expect(code).toBe(0);
  for (const word of ['repro', 'checkout', '--dry-run'.replace(shell === 'fish' ? '--' : '', '')])
    expect(stdout).toContain(word);
});

test('the completion for bash completes', async () => {
  const rig = await openRig({ git: false });
  const script = `source <("$NODE" "$BIN" completion bash)
    COMP_WORDS=(datawf che); COMP_CWORD=1; _datawf; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(datawf repro --fa); COMP_CWORD=2; _datawf; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(datawf stage ad); COMP_CWORD=2; _datawf; echo "\${COMPREPLY[@]}"`;
  const env = { NODE: process.execPath, BIN: new URL('../../bin/datawf.js', import.meta.url).pathname };
  const { stdout } = await rig.run(['bash', '-c', script], { env });
  expect(stdout).toBe('checkout\n--fail-fast\nadd\n');
});

describe('the code that is kept between runs', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));

  test('is made by the first run, and damage to it changes nothing', async () => {
    const rig = await openRig({ git: false });
    for (const part of ['bin', 'dist/bundle', 'package.json'])
      cpSync(`${root}/${part}`, rig.path(`copy/${part}`), {
        recursive: true,
        filter: (file) => !file.endsWith('/code'),
      });
    symlinkSync(`${root}/node_modules`, rig.path('copy/node_modules'));
    const help = (): string =>
      execFileSync(process.execPath, [rig.path('copy/bin/datawf.js'), 'help', 'add'], { encoding: 'utf8' });
    const folder = rig.path('copy/dist/bundle/code');
    const first = help();
    const [name = '', ...others] = readdirSync(folder);
    expect(name).toMatch(/^main-[0-9a-f]{16}-v[0-9.]+-[a-z0-9]+-help[.]code$/);
    expect(others).toEqual([]);
    const bytes = readFileSync(`${folder}/${name}`);
    for (const at of [100, bytes.length >> 1, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0xff, at);
      writeFileSync(`${folder}/${name}`, damaged);
      expect(help()).toBe(first);
    }
    writeFileSync(`${folder}/${name}`, bytes.subarray(0, 1000));
    expect(help()).toBe(first);
  });
});
