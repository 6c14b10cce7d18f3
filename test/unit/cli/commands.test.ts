import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { splitArgv } from '../../../src/cli/argv.ts';
import { TABLE } from '../../../src/cli/commands/table.ts';
import { addGlobals, applyVariables } from '../../../src/cli/globals.ts';

describe('the first look at the arguments', () => {
  test.each([
    [['status', 'a'], 'status', ['a']],
    [['-C', 'x', '--json', 'status', 'a'], 'status', ['-C', 'x', '--json', 'a']],
    [['-j', '4', 'repro'], 'repro', ['-j', '4']],
    [['stage', 'add', 'clean', '--', 'stage', 'add'], 'stage add', ['clean', '--', 'stage', 'add']],
    [['stage', '-q', 'list'], 'stage list', ['-q']],
    [['repro', '--', 'status'], 'repro', ['--', 'status']],
  ])('%j is %s with %j', (argv, name, rest) => {
    const split = splitArgv(argv);
    expect([split.entry?.name, split.rest]).toEqual([name, rest]);
  });

  test('flags behind -- are not datawf’s', () => {
    expect(splitArgv(['stage', 'add', 'x', '--', 'tool', '--json', '--help'])).toMatchObject({
      json: false,
      help: false,
    });
    expect(splitArgv(['repro', '--version'])).toMatchObject({ version: false });
  });
});

describe('variables', () => {
  const command = (): Command => {
    const made = new Command('x').option('--fail-fast').option('--no-run-cache').option('--since <TIME>');
    addGlobals(made);
    return made.exitOverride();
  };

  test('set what the command line left open', async () => {
    const made = command();
    made.parse(['--since', 'typed'], { from: 'user' });
    applyVariables(made, {
      DATAWF_FAIL_FAST: 'yes',
      DATAWF_NO_RUN_CACHE: '1',
      DATAWF_SINCE: 'variable',
      DATAWF_JOBS: '3',
    });
    expect(made.opts()).toMatchObject({ failFast: true, runCache: false, since: 'typed', jobs: 3 });
  });

  test('with 0 or nothing say no', () => {
    const made = command();
    made.parse([], { from: 'user' });
    applyVariables(made, { DATAWF_FAIL_FAST: '0', DATAWF_NO_RUN_CACHE: '', DATAWF_NO_COLOR: 'off' });
    expect(made.opts()).toMatchObject({ failFast: false, runCache: true, color: true });
  });
});

describe('docs/commands.md', () => {
  const text = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');
  const sections = new Map(
    text
      .split(/^### datawf /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part]),
  );

  test('has a section for every command and for no other', () => {
    expect([...sections.keys()]).toEqual(TABLE.map((row) => row.name));
  });

  test.each(TABLE.map((row) => [row.name, row] as const))('names every option of %s', async (name, row) => {
    const command = new Command(name);
    (await row.load())(command, () => async () => undefined);
    const documented = [...sections.get(name)!.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
    expect(documented).toEqual(command.options.map((option) => option.flags));
  });
});
