import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatLockFile, parseLockFile } from '../../../src/formats/lock-file.ts';
import { readLockYaml } from '../../../src/formats/lock-yaml.ts';
import { isDigest, type Digest } from '../../../src/model/digest.ts';
import { EMPTY_LOCK, type Lock, type LockStage } from '../../../src/model/lock.ts';
import { pathFault, type RepoPath } from '../../../src/model/repo-path.ts';
import { runs } from '../../rig/property.ts';
import { digest, mutations, problemOf, valueOrProblem } from './texts.ts';

const TEXT = `version: 1
stages:
  clean:
    code: ${digest('4f')}
    inputs: {raw: ${digest('9a')}, stations: ${digest('7b')}}
    datums: {table: ${digest('c0')}, count: 2516, failed: 1}
    outs:
      data/clean: {tree: ${digest('5b')}, files: 2515, bytes: 88123904}
  report:
    code: ${digest('0a')}
    datums: {table: ${digest('c1')}, count: 1}
    outs: {}
    accepted:
      ${digest('4f')}: {as: ${digest('9d')}, by: "Ann <ann@example.org>", reason: "renamed \\"x\\": no change"}
`;

const digests = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as Digest);
const names = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/),
  fc.constantFrom('null', 'true', 'on', '123', '1e5', '0x1f', 'y'),
);
const paths = fc
  .oneof(fc.stringMatching(/^[a-z/.]{1,9}$/), fc.string({ minLength: 1, maxLength: 9, unit: 'grapheme' }))
  .filter((text) => pathFault(text) === undefined && !/(^|\/)\.git(\/|$)/i.test(text))
  .map((text) => text as RepoPath);
const sizes = fc.nat({ max: 1e12 });
const words = fc
  .string({ maxLength: 12, unit: 'grapheme' })
  .filter((text) => text.isWellFormed() && !text.includes('\0'));

function maps<Key extends string, Value>(keys: fc.Arbitrary<Key>, values: fc.Arbitrary<Value>) {
  return fc
    .uniqueArray(fc.tuple(keys, values), { maxLength: 4, selector: ([key]) => key })
    .map((entries) => new Map(entries));
}

const stages: fc.Arbitrary<LockStage> = fc.record({
  code: digests,
  inputs: fc.option(maps(names, digests), { nil: undefined }),
  datums: fc
    .tuple(digests, sizes, sizes)
    .map(([table, a, b]) => ({ table, count: Math.max(a, b), failed: Math.min(a, b) })),
  outs: maps(paths, fc.record({ tree: digests, files: sizes, bytes: sizes })),
  accepted: maps(digests, fc.record({ as: digests, by: words, reason: words })),
});
const locks: fc.Arbitrary<Lock> = maps(names, stages).map((map) => ({ stages: map }));

describe('a datawf.lock', () => {
  test('is read and written as in the formats', () => {
    const lock = parseLockFile(TEXT, 'datawf.lock');
    expect(formatLockFile(lock)).toBe(TEXT);
    const clean = lock.stages.get('clean')!;
    expect(clean.datums).toEqual({ table: digest('c0'), count: 2516, failed: 1 });
    expect(clean.outs.get('data/clean' as RepoPath)).toEqual({
      tree: digest('5b'),
      files: 2515,
      bytes: 88_123_904,
    });
    expect(lock.stages.get('report')!.inputs).toBeUndefined();
    expect(lock.stages.get('report')!.accepted.get(digest('4f'))!.reason).toBe('renamed "x": no change');
  });

  test('without stages has one text', () => {
    expect(formatLockFile(EMPTY_LOCK)).toBe('version: 1\nstages: {}\n');
    expect(parseLockFile('version: 1\nstages: {}\n', 'datawf.lock')).toEqual(EMPTY_LOCK);
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(locks, (lock) => {
        expect(parseLockFile(formatLockFile(lock), 'datawf.lock')).toEqual(lock);
      }),
    );
  });

  test('is the same lock to the quick reader and to YAML', () => {
    fc.assert(
      fc.property(locks, (lock) => {
        expect(readLockYaml(formatLockFile(lock), 'datawf.lock')).toEqual(lock);
      }),
      { numRuns: runs(50) },
    );
  });

  test('has one text, whatever the order of its maps', () => {
    fc.assert(
      fc.property(locks, fc.infiniteStream(fc.nat()), (lock, seeds) => {
        const shuffled = { stages: shuffle(lock.stages, seeds) };
        expect(formatLockFile(shuffled)).toBe(formatLockFile(lock));
      }),
    );
  });

  test('is sorted by bytes', () => {
    const stage: LockStage = { ...parseLockFile(TEXT, 'x').stages.get('report')!, accepted: new Map() };
    const tree = { tree: digest('aa'), files: 1, bytes: 1 };
    const outs = new Map(
      ['b', 'a/b', 'a.b', 'é', '\u{1f600}', '\uffee'].map((home) => [home as RepoPath, tree]),
    );
    const text = formatLockFile({ stages: new Map([['s', { ...stage, outs }]]) });
    const homes = [...text.matchAll(/^ {6}(.+): \{/gm)].map((match) => match[1]!.replaceAll('"', ''));
    expect(homes).toEqual(['a.b', 'a/b', 'b', 'é', '\uffee', '\u{1f600}']);
  });

  test('that a person has written in another form is the same lock', () => {
    const other = TEXT.replace('outs: {}', 'outs: {   }   # none').replace(/inputs: .*\n/, (line) =>
      line.replace('{', '\n      ').replace(', ', '\n      ').replace('}', ''),
    );
    expect(other).not.toBe(TEXT);
    expect(formatLockFile(parseLockFile(other, 'datawf.lock'))).toBe(TEXT);
  });

  test.each([
    ['empty', '', 'datawf.lock is empty'],
    ['cut off inside a line', TEXT.slice(0, 300), 'cut off'],
    ['cut off inside a stage', TEXT.slice(0, TEXT.indexOf('    datums')), 'has no datums'],
    ['cut off before the outs', TEXT.slice(0, TEXT.indexOf('    outs:')), 'has no outs'],
    ['cut off inside the outs', TEXT.slice(0, TEXT.indexOf('      data/clean')), 'takes a map, not nothing'],
    ['cut off behind the version', 'version: 1\n', 'has no stages'],
    ['of a newer version', TEXT.replace('version: 1', 'version: 2'), "version of datawf.lock isn't 1"],
    ['with a short digest', TEXT.replace(digest('5b'), '5b5b'), `can't be "5b5b"`],
    ['with an uppercase digest', TEXT.replace(digest('5b'), digest('5B')), `can't be "5B`],
    ['with an unknown field', TEXT.replace('code:', 'coed:'), 'has no field "coed"'],
    ['with a negative number', TEXT.replace('count: 2516', 'count: -1'), 'takes a whole number'],
    ['with more failed than lines', TEXT.replace('count: 1}', 'count: 1, failed: 2}'), 'more failed lines'],
    ['with no failed', TEXT.replace('failed: 1', 'failed: 0'), 'takes a whole number from 1'],
    ['with a stage twice', TEXT.replace('report:', 'clean:'), '"clean" is here twice'],
    ['whose home leaves the repository', TEXT.replace('data/clean', '../x'), '".."'],
    ['with a stage of no name', TEXT.replace('clean:', '"../x":'), 'is no stage name'],
    ['whose home is absolute', TEXT.replace('data/clean', '/etc'), 'is absolute'],
    ["whose home is git's", TEXT.replace('data/clean', '.git/hooks'), "git's own folder"],
    ['of another kind', '[]\n', 'takes a map, not a list'],
  ])('%s is refused with its line and the cure', (_name, text, message) => {
    const problem = problemOf(() => parseLockFile(text, 'datawf.lock'));
    expect(problem).toMatchObject({ code: 'invalid-lock', exit: 2, place: { file: 'datawf.lock' } });
    expect([problem.message, ...problem.details].join('\n')).toContain(message);
    expect(problem.place?.line).toBeGreaterThan(0);
    expect(problem.hint).toContain('git checkout');
  });

  test('with conflict markers is left to lock resolve', () => {
    const problem = problemOf(() =>
      parseLockFile(TEXT.replace('  report:', '<<<<<<< ours\n  report:'), 'datawf.lock'),
    );
    expect(problem).toMatchObject({ code: 'merge-conflict', exit: 2, hint: 'Run: datawf lock resolve' });
  });

  test('damaged in any way is a lock or a problem, and never leads out of the repository', () => {
    fc.assert(
      fc.property(mutations([TEXT]), (text) => {
        const lock = valueOrProblem(() => parseLockFile(text, 'datawf.lock'));
        for (const stage of lock?.stages.values() ?? []) {
          expect(isDigest(stage.code)).toBe(true);
          expect(stage.datums.failed).toBeLessThanOrEqual(stage.datums.count);
          for (const home of stage.outs.keys()) {
            expect(pathFault(home)).toBeUndefined();
            expect(home).not.toMatch(/(^|\/)\.git(\/|$)/i);
          }
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});

function shuffle<Key, Value>(map: ReadonlyMap<Key, Value>, seeds: fc.Stream<number>): Map<Key, Value> {
  const random = [...seeds.take(map.size)];
  return new Map(
    [...map]
      .map((entry, index) => [random[index]!, entry] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, entry]) => entry),
  );
}
