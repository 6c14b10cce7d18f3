import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readWithPackage } from '../../../src/formats/yaml-document.ts';
import type { YamlNode } from '../../../src/formats/yaml-node.ts';
import { readSubset } from '../../../src/formats/yaml-subset.ts';
import { runs } from '../../rig/property.ts';
import { mutations, valueOrProblem } from './texts.ts';

const ORDINARY = `# a comment
zone: UTC   # of today
stages:
  fetch:
    desc: One file per day, from the archive
    cmd: ./fetch.sh "$ARCHIVE/$date.csv" "$raw"   # exits 75
    code: [fetch.sh, 'it''s']
    env: {ARCHIVE: https://data.example.org/daily, EMPTY: , "Q": "a \\"b\\" c"}
    matrix: {date: {since: 2020-01-01, until: today, every: 1d}}
    retries: 3

  clean:
    cmd: |
      set -e
      python3 clean.py
        --deep

    deps:
      raw: "data/raw/{date:%Y-%m-%d}.csv"
      fix: {path: "fixes/*.csv", optional: true}
    code:
    - a.py
    - lib/
    secrets:
      - A
      - B # two
    window: [-6d, 0d]
    last:
`;

const SCRIPTS = [
  ORDINARY,
  'a: b\n',
  'a:\n  b:\n    c: |-\n      x\n\n       y\n    d: e\nf: [x, [y, {z: 1}], "q"]\n',
  'k: x:y\nl: a#b\nm: -1\nn: "#"\no: {a: b:c, d: x y z }\n',
];

/** What both readers must agree on: everything but the places of what is absent and the ends of blocks. */
function meaning(node: YamlNode): unknown {
  if (node.kind === 'text') return { text: node.text, plain: node.plain, at: node.text === '' ? 0 : node.at };
  if (node.kind === 'list') return { flow: node.flow, at: node.at, items: node.items.map(meaning) };
  const entries = node.entries.map(({ key, value }) => [key.text, key.plain, key.at, meaning(value)]);
  return { flow: node.flow, at: node.at, entries };
}

function viaPackage(text: string): unknown {
  const node = valueOrProblem(() => readWithPackage({ file: 'x.yaml', text, code: 'x' }));
  return node === undefined ? undefined : meaning(node);
}

describe('the quick reader', () => {
  test('reads the YAML of every day', () => {
    for (const text of SCRIPTS) expect(readSubset(text), text).toBeDefined();
  });

  test.each(SCRIPTS)('reads what the package reads: %#', (text) => {
    expect(meaning(readSubset(text)!)).toEqual(viaPackage(text));
  });

  test('never reads a text in another way than the package', () => {
    fc.assert(
      fc.property(mutations(SCRIPTS), (text) => {
        const quick = readSubset(text);
        if (quick !== undefined) expect(meaning(quick)).toEqual(viaPackage(text));
      }),
      { numRuns: runs(4000) },
    );
  });

  const word = fc.oneof(
    fc.stringMatching(/^[ -~]{0,12}$/),
    fc.constantFrom(
      '-',
      '- a',
      'a: b',
      'a #b',
      '?',
      ': x',
      '{a}',
      '',
      "'",
      '"',
      'x ',
      '|',
      '...',
      '---',
      '~',
      '<<',
    ),
  );
  const line = fc
    .tuple(fc.constantFrom('', '  ', '    ', '  - ', '- '), fc.constantFrom('a', 'b', 'c', '"d"'), word)
    .map(([lead, key, value]) => `${lead}${key}: ${value}`);

  test('never reads lines at random in another way than the package', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(line, word), { maxLength: 6 }), (lines) => {
        const text = `${lines.join('\n')}\n`;
        const quick = readSubset(text);
        if (quick !== undefined) expect(meaning(quick)).toEqual(viaPackage(text));
      }),
      { numRuns: runs(4000) },
    );
  });

  test('leaves anchors, tags, folded and multi-line texts to the package', () => {
    for (const text of [
      'a: &x 1\n',
      'a: *x\n',
      'a: !t 1\n',
      'a: >\n  x\n',
      'a: b\n  c\n',
      'a: [1,\n  2]\n',
      'a: 1\na: 2\n',
    ]) {
      expect(readSubset(text), text).toBeUndefined();
    }
  });
});
