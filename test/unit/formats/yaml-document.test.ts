import { describe, expect, test } from 'vitest';
import { parseYaml, type YamlSource } from '../../../src/formats/yaml-document.ts';
import { toPlain, type PlainValue } from '../../../src/formats/yaml-node.ts';
import { problemOf } from './texts.ts';

function source(text: string): YamlSource {
  return { file: 'datawf.yaml', text, code: 'invalid-x' };
}

function plain(text: string): PlainValue | undefined {
  const node = parseYaml(source(text));
  return node === undefined ? undefined : toPlain(node);
}

describe('a YAML text', () => {
  test('that holds nothing is nothing', () => {
    for (const text of ['', '\n', '# only a comment\n', '---\n', '~\n'])
      expect(plain(text), text).toBeUndefined();
  });

  test('keeps scalars as written', () => {
    const node = parseYaml(source('a: [0.10, 2020-01-01, 0x10, 1_000, yes, 010]\n'));
    expect(JSON.stringify(node)).toContain('"text":"0.10"');
    expect(plain('a: [0.10, 2020-01-01, 0x10, 1_000, yes, 010]\n')).toEqual({
      a: [0.1, '2020-01-01', '0x10', '1_000', 'yes', '010'],
    });
  });

  test('may use anchors and merge keys', () => {
    expect(plain('a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: [*a]\n')).toEqual({
      a: { x: 1, y: 2 },
      b: { x: 1, y: 3 },
      c: [{ x: 1, y: 2 }],
    });
    expect(plain('a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n')).toMatchObject({
      c: { x: 1, y: 2 },
    });
  });

  test('with a fault of syntax is refused with line, column and the excerpt', () => {
    const problem = problemOf(() => parseYaml(source('a: 1\nb: "x\n')));
    expect(problem).toMatchObject({ code: 'invalid-x', exit: 2 });
    expect(problem.place?.file).toBe('datawf.yaml');
    expect(problem.place?.line).toBeGreaterThan(1);
    expect(problem.place?.excerpt).toContain('^');
  });

  test('with a key twice is refused', () => {
    const problem = problemOf(() => parseYaml(source('a: 1\nb: 2\na: 3\n')));
    expect(problem.message).toBe('"a" is here twice');
    expect(problem.place).toMatchObject({ line: 3, column: 1, excerpt: '3 | a: 3\n  | ^' });
  });

  test.each([
    ['outs: {raw: data/raw/{date:%Y-%m-%d}.csv}\n', 'Quote the pattern: "data/raw/{date:%Y-%m-%d}.csv"'],
    ['outs:\n  raw: {date:%Y}.csv\n', 'Quote the pattern: "{date:%Y}.csv"'],
    ['outs:\n  raw: *.csv\n', 'Quote the pattern: "*.csv"'],
    ['outs:\n  raw: **/x.csv\n', 'Quote the pattern: "**/x.csv"'],
    ['format: %Y\n', 'Quote a text that begins with %: "%Y"'],
    ['name: @x\n', 'Quote a text that begins with @: "@x"'],
  ])('with an unquoted pattern is told to quote it: %s', (text, hint) => {
    expect(problemOf(() => parseYaml(source(text))).hint).toBe(hint);
  });

  test('isn’t told to quote what is quoted', () => {
    const problem = problemOf(() => parseYaml(source('outs {clean: "clean/{date:%Y-%m-%d}.csv"}\n')));
    expect(problem.message).toContain('not valid YAML');
    expect(problem.hint).toBeUndefined();
  });

  test('with conflict markers is told so, with the cure for its kind', () => {
    const text = 'a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n';
    const problem = problemOf(() => parseYaml(source(text)));
    expect(problem).toMatchObject({ code: 'merge-conflict', exit: 2 });
    expect(problem.place?.line).toBe(2);
    const lock = problemOf(() => parseYaml({ ...source(text), file: 'sub/datawf.lock' }));
    expect(lock.hint).toBe('Run: datawf lock resolve');
  });

  test('that names itself is refused', () => {
    expect(problemOf(() => parseYaml(source('a: &x [*x]\n'))).message).toContain('inside what it names');
  });

  test('whose aliases would name billions is refused at once', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array<string>(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problemOf(() => parseYaml(source(lines.join('\n')))).message).toContain(
      'repeats itself too often',
    );
  });

  test.each(['[', '{a: ', '- ', '? ', '{"a": ['])(
    'nested a hundred thousand deep by %j is refused',
    (piece) => {
      expect(problemOf(() => parseYaml(source(piece.repeat(100_000)))).message).toContain(
        'nested too deeply',
      );
    },
  );

  test('with a tag, a NUL or half a character is refused', () => {
    for (const text of ['a: !!binary x\n', 'a: !x y\n', 'a: "\\0"\n', 'a: "\\ud800"\n']) {
      expect(problemOf(() => parseYaml(source(text))).exit, text).toBe(2);
    }
  });

  test('cannot steer the terminal through its excerpt', () => {
    const problem = problemOf(() => parseYaml(source('a: "\u001b[31m\nb: [\n')));
    expect(problem.place?.excerpt).not.toContain('\u001b');
  });

  test('as JSON is YAML too, with tabs as well', () => {
    expect(plain('{\n\t"a": {"b": [1, true, null]},\n\t"c": "d"\n}\n')).toEqual({
      a: { b: [1, true, null] },
      c: 'd',
    });
  });
});
