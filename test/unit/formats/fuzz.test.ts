import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readParam } from '../../../src/formats/params-file.ts';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import { pathFault, repoPath } from '../../../src/model/repo-path.ts';
import { runs } from '../../rig/property.ts';
import { mutations, valueOrProblem } from './texts.ts';

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
    { numRuns: runs(500) },
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
