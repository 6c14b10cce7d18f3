import { describe, expect, test } from 'vitest';
import { ownersOf } from '../../../src/app/dataset-owners.ts';
import { loadProject } from '../../../src/app/project.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';

const DIGEST = 'a'.repeat(64);

/** The owner of a path in a project of these stages, with the pointers `data` (a folder) and `model.bin` (a file). */
function ownerOf(path: string): string | undefined {
  const texts: Readonly<Record<string, string>> = {
    'datawf.yaml': `
stages:
  clean:
    cmd: "true"
    outs: {clean: "data/clean/{name}.csv"}
    matrix: {name: [a]}
  parts:
    cmd: "true"
    outs: {parts: "data/parts/{name}/"}
    matrix: {name: [a]}
  other:
    cmd: "true"
    outs: {other: "data/clean/{name}.txt", one: "report/{name}/out.html"}
    matrix: {name: [a]}
  report:
    cmd: "true"
    outs: {report: report.html}
`,
    'data.datawf': `version: 1\npath: data\ntree: ${DIGEST}\nfiles: 1\nbytes: 1\n`,
    'model.bin.datawf': `version: 1\npath: model.bin\ndigest: ${DIGEST}\nfiles: 1\nbytes: 1\n`,
  };
  const project = loadProject({
    pipelines: ['datawf.yaml' as RepoPath],
    pointers: ['data.datawf', 'model.bin.datawf'] as RepoPath[],
    read: (file) => texts[file],
  });
  return ownersOf(project)(path)?.owner;
}

describe('a file belongs', () => {
  test.each([
    ['data/clean/a.csv', 'stage:clean:data/clean'],
    ['data/clean/a.txt', 'stage:other:data/clean'],
    ['data/parts/a/deep/file', 'stage:parts:data/parts'],
    ['report/x/out.html', 'stage:other:report'],
    ['report.html', 'stage:report:report.html'],
  ])('to the stage whose out it matches: %s', (path, owner) => {
    expect(ownerOf(path)).toBe(owner);
  });

  test.each([
    ['data/raw.csv', 'pointer:data'],
    ['data/clean/notes.md', 'pointer:data'],
    ['data/clean/deep/a.csv', 'pointer:data'],
    ['model.bin', 'pointer:model.bin'],
  ])('else to the data added by hand that it lies in: %s', (path, owner) => {
    expect(ownerOf(path)).toBe(owner);
  });

  test.each(['elsewhere.csv', 'report/out.html', 'database/x', 'model.bin/inner'])(
    'else to nobody: %s',
    (path) => {
      expect(ownerOf(path)).toBeUndefined();
    },
  );
});
