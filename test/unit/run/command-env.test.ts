import { describe, expect, it } from 'vitest';
import { commandArgv, pathFrom } from '../../../src/run/command-env.ts';

describe('a path as it works from a folder', () => {
  it.each([
    ['', 'data/x.csv', 'data/x.csv'],
    ['sub', 'sub/data/x.csv', 'data/x.csv'],
    ['sub', 'data/x.csv', '../data/x.csv'],
    ['a/b', 'a/c/x', '../c/x'],
    ['a/b', 'a/bc/x', '../bc/x'],
    ['sub', 'sub', '.'],
    ['a/b', 'a', '..'],
    ['sub', '', ''],
    ['', '-rf', './-rf'],
    ['sub', 'sub/-x/y', './-x/y'],
  ])('from "%s" to "%s" is "%s"', (base, path, expected) => {
    expect(pathFrom(base, path)).toBe(expected);
  });
});

describe('what is executed', () => {
  it('is a shell for a string', () => {
    expect(commandArgv('echo $x', {})).toEqual(['/bin/sh', '-c', 'echo $x']);
  });

  it('is a list as it stands, but for items that are exactly a name', () => {
    expect(commandArgv(['tool', '$x', '$x/y', '$', '${x}'], { x: 'a b' })).toEqual([
      'tool',
      'a b',
      '$x/y',
      '$',
      '${x}',
    ]);
  });

  it('is refused where an item names nothing, with the names there are', () => {
    expect(() => commandArgv(['tool', '$toString'], { raw: '', DATAWF_INPUTS: '' })).toThrow(
      expect.objectContaining({ code: 'unknown-variable', exit: 2, hint: 'Known are raw.' }),
    );
  });
});
