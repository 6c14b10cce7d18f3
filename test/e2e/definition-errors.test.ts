import { describe, expect, test } from 'vitest';
import { openStory } from './story.ts';

/** Every definition error is found before anything runs, exits 2, and says where, what and the cure. */

const GOOD = `stages:
  one:
    cmd: echo 1 > "$made"
    deps: {raw: "raw/{d}.txt"}
    outs: {made: "made/{d}.txt"}
`;

interface Case {
  readonly name: string;
  readonly text: string;
  /** Where: `line:column` in datawf.yaml. */
  readonly at: string;
  readonly says: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: 'malformed YAML',
    text: 'stages:\n  one:\n   cmd: [x\n  two: y\n',
    at: '4:3',
    says: ['not valid YAML'],
  },
  { name: 'a tab as indentation', text: 'stages:\n\tone: {}\n', at: '2:1', says: ['tab'] },
  {
    name: 'an unknown field',
    text: GOOD.replace('deps:', 'dpes:'),
    at: '4:5',
    says: ['dpes', 'Did you mean "deps"'],
  },
  {
    name: 'an unknown field at the top',
    text: `stgaes: {}\n${GOOD}`,
    at: '1:1',
    says: ['stgaes', 'Did you mean "stages"'],
  },
  {
    name: 'an unquoted pattern',
    text: GOOD.replace('{raw: "raw/{d}.txt"}', '{raw: raw/{d}.txt}'),
    at: '4:',
    says: ['Quote the pattern: "raw/{d}.txt"'],
  },
  {
    name: 'an unquoted pattern in block style',
    text: GOOD.replace('deps: {raw: "raw/{d}.txt"}', 'deps:\n      raw: {d}/x.txt'),
    at: '5:',
    says: ['Quote'],
  },
  {
    name: 'an unclosed capture',
    text: GOOD.replace('raw/{d}.txt', 'raw/{d.txt'),
    at: '4:',
    says: ['{d.txt'],
  },
  { name: 'a capture of a bad name', text: GOOD.replaceAll('{d}', '{d-d}'), at: '4:', says: ['d-d'] },
  { name: 'an unknown code of a time', text: GOOD.replaceAll('{d}', '{d:%Y-%Q}'), at: '4:', says: ['%Q'] },
  {
    name: 'two captures without anything between',
    text: GOOD.replaceAll('{d}', '{d}{e}'),
    at: '4:',
    says: ['raw/{d}{e}.txt'],
  },
  {
    name: 'a pattern that leaves the repository',
    text: GOOD.replace('raw/{d}', '../raw/{d}'),
    at: '4:',
    says: ['..'],
  },
  {
    name: 'a pattern that begins with a capture',
    text: GOOD.replace('raw/{d}.txt', '{d}.txt'),
    at: '4:',
    says: ['{d}.txt'],
  },
  {
    name: 'an out with a wildcard',
    text: GOOD.replace('made/{d}', 'made/*/{d}'),
    at: '5:',
    says: ['wildcard', 'folder per datum'],
  },
  {
    name: 'a capture of a dep that is nowhere else',
    text: GOOD.replace('raw/{d}.txt', 'raw/{station}/{d}.txt'),
    at: '4:',
    says: ['"station"', '*'],
  },
  {
    name: 'a capture of the outs that nothing brings',
    text: GOOD.replace('made/{d}.txt', 'made/{d}/{e}.txt'),
    at: '5:',
    says: ['{e}', 'matrix'],
  },
  {
    name: 'outs with different captures',
    text: GOOD.replace('{made: "made/{d}.txt"}', '{made: "made/{d}.txt", all: all.txt}'),
    at: '5:',
    says: ['all.txt', 'captures'],
  },
  {
    name: 'weeks and months of one time',
    text: GOOD.replace('raw/{d}', 'raw/{d:%G-W%V}').replace('made/{d}', 'made/{d:%Y-%m}'),
    at: '4:',
    says: ['week', 'month', 'nest'],
  },
  {
    name: 'a cycle',
    text: `${GOOD}  two:\n    cmd: x\n    deps: {m: "made/{d}.txt"}\n    outs: {raw2: "raw/{d}.txt"}\n`,
    at: '2:3',
    says: ['one', 'two', 'circle'],
  },
  {
    name: 'a stage that reads what it writes',
    text: GOOD.replace('raw/{d}', 'made/{d}'),
    at: '2:3',
    says: ['one', 'reads what it writes'],
  },
  {
    name: 'a name taken by the contract',
    text: GOOD.replace('{made:', '{PATH:'),
    at: '5:',
    says: ['PATH'],
  },
  {
    name: 'a name that a dep and an out share',
    text: GOOD.replace('{made:', '{raw:'),
    at: '5:',
    says: ['raw'],
  },
  {
    name: 'a name that a capture and a param share',
    text: GOOD.replace('    outs:', '    params: [d]\n    outs:'),
    at: '5:',
    says: ['d'],
  },
  {
    name: 'a bad name of a stage',
    text: GOOD.replace('  one:', '  One Stage:'),
    at: '2:3',
    says: ['One Stage'],
  },
  {
    name: 'a stage without cmd',
    text: GOOD.replace('    cmd: echo 1 > "$made"\n', ''),
    at: '3:5',
    says: ['no cmd'],
  },
  { name: 'a duplicate key', text: `${GOOD}${GOOD.replace('stages:\n', '')}`, at: '6:3', says: ['one'] },
  {
    name: 'an empty range',
    text: GOOD.replace(
      '    outs:',
      '    matrix: {d: {since: 2024-02-01, until: 2024-01-01, every: 1d}}\n    outs:',
    ).replaceAll('{d}', '{d:%Y-%m-%d}'),
    at: '5:',
    says: ['2024-02-01'],
  },
  {
    name: 'a bad duration',
    text: GOOD.replace('    outs:', '    timeout: soon\n    outs:'),
    at: '5:',
    says: ['soon', '10m'],
  },
  { name: 'a bad zone', text: `zone: Mars/Base\n${GOOD}`, at: '1:', says: ['Mars/Base'] },
  {
    name: 'a bad choice',
    text: GOOD.replace('    outs:', '    sandbox: nonw\n    outs:'),
    at: '5:',
    says: ['nonw', 'none'],
  },
];

describe('datawf.yaml with', () => {
  test.each(CASES)('$name', async ({ text, at, says }) => {
    const story = await openStory(text);
    story.write('raw/1.txt', '');
    const { code, stderr } = await story.datawf(['repro']);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(`datawf.yaml:${at}`);
    for (const word of says) expect(stderr).toContain(word);
    expect(stderr).toMatch(/^\s+\d+ \| /m);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(story.has('made')).toBe(false);
    expect(story.has('datawf.lock')).toBe(false);
  });

  test('several errors names them all', async () => {
    const story = await openStory(GOOD.replace('deps:', 'dpes:').replace('cmd:', 'cdm:'));
    const { code, stderr } = await story.datawf(['repro']);
    expect(code).toBe(2);
    expect(stderr).toContain('"cdm"');
    expect(stderr).toContain('"dpes"');
  });

  test.each(['status', 'dag', 'why one', 'stage list'])('an error is the same for %s', async (line) => {
    const story = await openStory(GOOD.replace('deps:', 'dpes:'));
    const { code, stderr } = await story.datawf(line.split(' '));
    expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean "deps"')]);
  });

  test('an error is one line of JSON with its place under --json', async () => {
    const story = await openStory(GOOD.replace('deps:', 'dpes:'));
    const { error } = await story.repro();
    expect(error).toMatchObject({ error: 'invalid-pipeline', file: 'datawf.yaml', line: 4, exit: 2 });
  });
});

describe('other files', () => {
  test.each([
    ['datawf.lock', 'version: 1\nstages:\n  one: {code: zzz}\n'],
    ['datawf.lock', '<<<<<<< ours\nversion: 1\n=======\nversion: 1\n>>>>>>> theirs\n'],
    ['datawf.lock', 'version: 99\nstages: {}\n'],
    ['raw.datawf', 'version: 1\npath: ../../etc\ntree: 00\nfiles: 1\nbytes: 1\n'],
    ['.datawf/config.yaml', 'stores: [1\n'],
    ['.datawf/config.yaml', 'sotres: {}\n'],
  ])('%s with %j is refused with its place, and nothing is lost', async (path, text) => {
    const story = await openStory(GOOD);
    story.files({ 'raw/1.txt': '', [path]: text });
    await story.git('add', '-f', path);
    const { code, stderr } = await story.datawf(['repro']);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(`${path}:`);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(story.read(path)).toBe(text);
  });
});
