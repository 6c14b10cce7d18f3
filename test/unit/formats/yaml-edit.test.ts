import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/formats/yaml-document.ts';
import { editYaml } from '../../../src/formats/yaml-edit.ts';
import { toPlain, type PlainValue } from '../../../src/formats/yaml-node.ts';

function edit(text: string, path: [string, ...string[]], value: PlainValue | undefined): string {
  return editYaml({ text, file: 'x.yaml', code: 'invalid' }, { path, value });
}

const workflow = `# the head
zone: UTC   # of today

stages:
  # makes days
  split:
    cmd: split.sh   # fast
    outs: {days: data/days/}

  clean:
    cmd: |
      one
      two
    outs: {clean: "data/clean/{date}.csv"}

# the tail
`;

describe('an edit in place', () => {
  test('adds a stage behind the last one and keeps every comment', () => {
    expect(
      edit(workflow, ['stages', 'month'], {
        cmd: 'cat "$clean"/*.csv',
        deps: { clean: 'data/clean/{date}.csv' },
      }),
    ).toBe(
      workflow.replace(
        '\n\n# the tail',
        '\n\n  month:\n    cmd: cat "$clean"/*.csv\n    deps:\n      clean: "data/clean/{date}.csv"\n\n# the tail',
      ),
    );
  });

  test('adds a stage below a key that has only comments', () => {
    expect(edit('stages:\n#  clean:\n#    cmd: x\n', ['stages', 'a'], { cmd: 'b' })).toBe(
      'stages:\n  a:\n    cmd: b\n#  clean:\n#    cmd: x\n',
    );
  });

  test('adds to an empty flow map, to a flow map, and to an empty text', () => {
    expect(edit('stages: {}\n', ['stages', 'a'], { cmd: 'b' })).toBe('stages:\n  a:\n    cmd: b\n');
    expect(edit('cache: {dir: x} # here\n', ['cache', 'links'], ['copy'])).toBe(
      'cache: {dir: x, links: [copy]} # here\n',
    );
    expect(edit('', ['cache', 'links'], ['hardlink', 'copy'])).toBe('cache:\n  links: [hardlink, copy]\n');
  });

  test('replaces a value and leaves the rest of its line', () => {
    expect(edit('jobs: 4 # of 8\ncolor: auto\n', ['jobs'], 8)).toBe('jobs: 8 # of 8\ncolor: auto\n');
  });

  test('takes a stage away with what belongs to it', () => {
    expect(edit(workflow, ['stages', 'split'], undefined)).toBe(
      workflow.replace('  split:\n    cmd: split.sh   # fast\n    outs: {days: data/days/}\n\n', ''),
    );
  });

  test('adds a field to a stage and takes it away again', () => {
    const frozen = edit(workflow, ['stages', 'split', 'frozen'], true);
    expect(frozen).toBe(
      workflow.replace('outs: {days: data/days/}\n', 'outs: {days: data/days/}\n    frozen: true\n'),
    );
    expect(edit(frozen, ['stages', 'split', 'frozen'], undefined)).toBe(workflow);
  });

  test('of what is not there changes nothing', () => {
    expect(edit(workflow, ['stages', 'nothing'], undefined)).toBe(workflow);
  });
});

describe('an edit of an unusual text', () => {
  test('falls back to the package where the only entry goes', () => {
    expect(edit('stages:\n  a:\n    cmd: b\n', ['stages', 'a'], undefined)).toBe('stages: {}\n');
  });

  test('keeps a flow map on its line', () => {
    expect(edit('{"stages": {"a": {"cmd": "b"}}}\n', ['stages', 'c'], { cmd: 'd e' })).toBe(
      '{"stages": {"a": {"cmd": "b"}, c: {cmd: d e}}}\n',
    );
  });
});

test('what is written reads back, whatever the texts', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'yes',
      'null',
      '0.10',
      '- a',
      'a: b',
      'a #b',
      "it's",
      '{x}',
      '*',
      'a\nb',
      '$a',
      ' x ',
      '~',
    ),
  );
  fc.assert(
    fc.property(word, word, fc.array(word), (key, text, list) => {
      fc.pre(
        key !== '<<' &&
          key.isWellFormed() &&
          text.isWellFormed() &&
          list.every((item) => item.isWellFormed()),
      );
      fc.pre(![key, text, ...list].some((item) => item.includes('\0')));
      const edited = edit(edit('a: 1\n', ['b', key], text), ['c'], list);
      expect(toPlain(parseYaml({ text: edited, file: 'x', code: 'x' })!)).toEqual({
        a: 1,
        b: { [key]: text },
        c: list,
      });
    }),
  );
});
