import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPointerFile, parsePointerFile } from '../../../src/formats/pointer-file.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { Pointer } from '../../../src/model/pointer.ts';
import { isWithin, pathFault, repoPath, type RepoPath } from '../../../src/model/repo-path.ts';
import { runs } from '../../rig/property.ts';
import { digest, mutations, problemOf, valueOrProblem } from './texts.ts';

const FILE = repoPath('data/raw.datawf');
const FOLDER_TEXT = `version: 1\npath: raw\ntree: ${digest('5b')}\nfiles: 2516\nbytes: 88123904\n`;
const FILE_TEXT = `version: 1\npath: "a b.sh"\ndigest: ${digest('5b')}\nkind: x\nfiles: 1\nbytes: 12\nsource: "s3://b/a b.sh"\n`;

const segments = fc
  .oneof(fc.stringMatching(/^[a-z0-9._-]{1,8}$/), fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }))
  .filter((text) => !text.includes('/') && pathFault(text) === undefined && text.toLowerCase() !== '.git');
const digests = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as Digest);
const sizes = fc.nat({ max: 1e14 });
const pointers = fc
  .record({
    folder: fc.array(segments, { maxLength: 2 }),
    name: segments,
    content: fc.oneof(
      fc.record({ type: fc.constant('folder' as const), tree: digests, files: sizes, bytes: sizes }),
      fc.record({
        type: fc.constant('file' as const),
        digest: digests,
        kind: fc.constantFrom('f' as const, 'x' as const, 'l' as const),
        bytes: sizes,
      }),
    ),
    source: fc.option(fc.constantFrom('s3://bucket/x', '../other#1', 'https://example.org/a?b=c: d'), {
      nil: undefined,
    }),
  })
  .map(({ folder, name, content, source }): { file: RepoPath; pointer: Pointer } => {
    const path = [...folder, name].join('/') as RepoPath;
    return { file: `${path}.datawf` as RepoPath, pointer: { path, content, source } };
  });

describe('a pointer file', () => {
  test('of a folder is read and written as in the formats', () => {
    const pointer = parsePointerFile(FOLDER_TEXT, FILE);
    expect(pointer).toEqual({
      path: 'data/raw',
      content: { type: 'folder', tree: digest('5b'), files: 2516, bytes: 88_123_904 },
      source: undefined,
    });
    expect(formatPointerFile(pointer, FILE)).toBe(FOLDER_TEXT);
  });

  test('of one file has its digest, and its kind where it is executable', () => {
    const pointer = parsePointerFile(FILE_TEXT, repoPath('a b.sh.datawf'));
    expect(pointer).toEqual({
      path: 'a b.sh',
      content: { type: 'file', digest: digest('5b'), kind: 'x', bytes: 12 },
      source: 's3://b/a b.sh',
    });
    expect(formatPointerFile(pointer, repoPath('a b.sh.datawf'))).toBe(FILE_TEXT);
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(pointers, ({ file, pointer }) => {
        expect(parsePointerFile(formatPointerFile(pointer, file), file)).toEqual(pointer);
      }),
    );
  });

  test.each([
    ['path: ../../etc', '".."'],
    ['path: /etc/passwd', 'is absolute'],
    ['path: .git/hooks', "git's own folder"],
    ['path: x/.GIT', "git's own folder"],
    ['path: "a\\nb"', 'newline'],
    ['path: a//b', 'empty segment'],
    ['path: ', 'takes a text, not nothing'],
  ])('cannot name %s', (line, message) => {
    const problem = problemOf(() => parsePointerFile(FOLDER_TEXT.replace('path: raw', line), FILE));
    expect(problem).toMatchObject({ code: 'invalid-pointer', exit: 2, place: { file: FILE, line: 2 } });
    expect(problem.message).toContain(message);
  });

  test.each([
    ['nothing', ''],
    ['no version', FOLDER_TEXT.replace('version: 1\n', '')],
    ['another version', FOLDER_TEXT.replace('version: 1', 'version: 2')],
    ['neither tree nor digest', FOLDER_TEXT.replace(/tree: .*\n/, '')],
    ['both', `${FOLDER_TEXT}digest: ${digest('aa')}\n`],
    ['a bad digest', FOLDER_TEXT.replace('5b5b', '5B5B')],
    ['two files for one', FILE_TEXT.replace('files: 1', 'files: 2')],
    ['a kind of a tree', `${FOLDER_TEXT}kind: x\n`],
    ['an unknown field', `${FOLDER_TEXT}size: 3\n`],
    ['a float', FOLDER_TEXT.replace('2516', '2.5')],
    ['a list', '- a\n'],
  ])('with %s is refused', (_name, text) => {
    const problem = problemOf(() => parsePointerFile(text, FILE));
    expect(problem).toMatchObject({ code: 'invalid-pointer', exit: 2 });
    expect(problem.hint).toContain('git checkout');
  });

  test('damaged in any way is a pointer or a problem, and never leads out of its folder', () => {
    fc.assert(
      fc.property(mutations([FOLDER_TEXT, FILE_TEXT]), (text) => {
        const pointer = valueOrProblem(() => parsePointerFile(text, FILE));
        if (pointer === undefined) return;
        expect(pathFault(pointer.path)).toBeUndefined();
        expect(isWithin(pointer.path, 'data')).toBe(true);
        expect(pointer.path).not.toMatch(/(^|\/)\.git(\/|$)/i);
      }),
      { numRuns: runs(2000) },
    );
  });
});
