import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conflictSides } from '../../../src/formats/conflict-text.ts';
import { readParam } from '../../../src/formats/params-file.ts';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import { formatResultLine, parseResultLine, peekResultLine } from '../../../src/formats/result-line.ts';
import { formatListing, formatNodeRef, parseInner, parseListing } from '../../../src/formats/tree-text.ts';
import { dataFault, pathFault, repoPath } from '../../../src/model/repo-path.ts';
import { runs } from '../../rig/property.ts';
import { digest, mutations, valueOrProblem } from './texts.ts';

const PIPELINE = `defaults: {image: "i:1", env: {A: 1}}
stages:
  clean:
    desc: x
    cmd: [python3, clean.py, "$raw"]
    code: [clean.py, lib/, /shared/]
    params: [clean.threshold, other.yaml:a.b]
    deps:
      raw: "data/raw/{date:%Y-%m-%d}/{station}.csv"
      fix: {path: "fixes/**/{date:%Y-%m}.csv", optional: true, window: [-6d, 0d], access: url}
    outs: {clean: {path: "data/clean/{date:%Y-%m-%d}/", optional: false}}
    matrix: {date: {since: 2020-01-01, until: today, every: 1d}, station: [a, b]}
    env: {B: }
    secrets: [TOKEN]
    on_code_change: keep
    retries: 3
    timeout: 10m
    resources: {cpu: 2, memory: [2Gi, 4Gi], disk: 10Gi, gpu: 0, limit: {db: 2}}
    pod_patch: {spec: {x: [1, ~, true]}}
`;

test('a pipeline damaged in any way is one or a problem, and never leads out of the repository', () => {
  fc.assert(
    fc.property(mutations([PIPELINE]), (text) => {
      const read = valueOrProblem(() => parsePipelineFile(text, repoPath('sub/datawf.yaml')));
      for (const stage of read?.stages ?? []) {
        const paths = [
          ...stage.code.map((code) => code.path),
          ...stage.params.map((param) => param.file),
          ...[...stage.deps, ...stage.outs].map((one) => one.pattern.home),
        ];
        for (const path of paths) {
          expect(pathFault(path)).toBeUndefined();
          expect(path).not.toMatch(/^\.git(\/|$)/);
        }
        read?.place(stage.id, ['deps', 'raw', 0]);
      }
    }),
    { numRuns: runs(2000) },
  );
});

test('params damaged in any way have a value or are a problem', () => {
  const text = 'a:\n  b: &x [1, {c: 0.10}]\n  d: *x\n';
  fc.assert(
    fc.property(mutations([text]), fc.constantFrom('a', 'a.b', 'a.b.1.c', 'a.d.0'), (damaged, key) => {
      valueOrProblem(() => readParam(damaged, 'params.yaml', key));
    }),
    { numRuns: runs(500) },
  );
});

const HALF = digest('0a');
const LISTING = `f ${HALF} 3 a/b.csv\nl ${digest('1b')} 10 a/c é.csv\nx ${digest('2c')} 0 d\n`;

test('a tree damaged in any way is one or a problem, in order and without a way out', () => {
  fc.assert(
    fc.property(mutations([LISTING, LISTING.repeat(2)]), (text) => {
      const files = valueOrProblem(() => parseListing(text));
      expect(files?.find(({ path }) => dataFault(path) !== undefined)).toBeUndefined();
      if (files !== undefined) expect(formatListing(files)).toBe(text);
    }),
    { numRuns: runs(3000) },
  );
});

test('an inner node damaged in any way is one or a problem', () => {
  const node = `n ${HALF} 1000 123456 a\nn ${digest('1b')} 24 9 b/c d\n`;
  fc.assert(
    fc.property(mutations([node]), (text) => {
      const refs = valueOrProblem(() => parseInner(text));
      if (refs !== undefined) expect(refs.map((ref) => `${formatNodeRef(ref)}\n`).join('')).toBe(text);
    }),
    { numRuns: runs(2000) },
  );
});

test('a line of results damaged in any way is a result or none, and names no path that leads out', () => {
  const line = formatResultLine({
    input: HALF,
    result: digest('1b'),
    outs: [
      { kind: 'f', digest: digest('2c'), size: 12, path: 'data/clean/a.csv' },
      { kind: 'x', digest: digest('3d'), size: 0, path: 'data/clean/b' },
    ],
    made: { host: 'me', sandbox: true },
    run: '01J',
    seconds: 1.5,
  });
  fc.assert(
    fc.property(mutations([line]), (text) => {
      const peeked = peekResultLine(text);
      const result = parseResultLine(text);
      if (result !== undefined) expect(peeked).toMatchObject({ input: result.input, result: result.result });
      expect(result?.outs.find(({ path }) => dataFault(path) !== undefined)).toBeUndefined();
    }),
    { numRuns: runs(3000) },
  );
});

test('conflict markers damaged in any way have two sides or none', () => {
  const text = 'a\n<<<<<<< ours\nb\n||||||| base\nc\n=======\nd\n>>>>>>> theirs\ne\n';
  fc.assert(
    fc.property(mutations([text]), (damaged) => {
      valueOrProblem(() => conflictSides(damaged));
    }),
    { numRuns: runs(2000) },
  );
});
