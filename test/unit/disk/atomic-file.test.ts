import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syncFile, writeAtomic } from '../../../src/disk/atomic-file.ts';
import { fsProblem } from '../../../src/disk/fs-problem.ts';
import { hasSealedTime, sealedSeconds } from '../../../src/disk/object-file.ts';
import { Problem } from '../../../src/model/problem.ts';
import { digestOf, makeFolder, type TestFolder } from './folder.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

describe('an atomic write', () => {
  it('makes the file and its folder, and replaces it', () => {
    const file = `${folder.root}/a/b`;
    writeAtomic(file, 'one');
    writeAtomic(file, Buffer.from('two'), { sync: true });
    syncFile(file);
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(readdirSync(`${folder.root}/a`)).toEqual(['b']);
  });

  it('gives the mode asked for', () => {
    const file = `${folder.root}/a`;
    writeAtomic(file, 'one', { mode: 0o400, tempFolder: folder.path });
    expect(lstatSync(file).mode & 0o777).toBe(0o400);
  });

  it('that fails leaves the old and nothing unfinished', () => {
    mkdirSync(`${folder.root}/a/b`, { recursive: true });
    expect(() => writeAtomic(`${folder.root}/a`, 'one')).toThrow(Problem);
    expect(readdirSync(folder.root)).toEqual(['a']);
  });
});

describe('a file system error', () => {
  const errorOf = (code: string): Error => Object.assign(new Error(`${code}: made up`), { code });

  it.each([
    ['ENOSPC', 'disk-full', 5],
    ['EDQUOT', 'disk-full', 5],
    ['EROFS', 'read-only', 6],
    ['EACCES', 'no-permission', 6],
    ['EMFILE', 'too-many-open-files', 5],
    ['EIO', 'device-error', 7],
    ['ENAMETOOLONG', 'name-too-long', 2],
    ['ENOENT', 'missing-file', 4],
    ['EXDEV', 'other-device', 6],
    ['EMLINK', 'too-many-links', 6],
    ['EWEIRD', 'file-system', 1],
  ])('%s is the problem %s with exit %i', (errno, code, exit) => {
    expect(fsProblem(errorOf(errno), 'write', '/data/x')).toMatchObject({ code, exit });
  });

  it('is told with what was done, where, why and the cure', () => {
    expect(fsProblem(errorOf('ENOSPC'), 'write', '/data/x')).toMatchObject({
      message: "can't write /data/x: no space is left there",
      hint: expect.stringContaining('Free some space'),
    });
  });

  it('that is none stays as it is', () => {
    const bug = new TypeError('bug');
    expect(fsProblem(bug, 'write', 'x')).toBe(bug);
    const argument = errorOf('ERR_INVALID_ARG_TYPE');
    expect(fsProblem(argument, 'write', 'x')).toBe(argument);
  });
});

describe('a seal', () => {
  const times = [0, 1, 999.9, 1_000, 1_700_000_000_123.4567, 1_763_990_000_999.999, -5_500.25];

  it('fits its own digest, at a time not after and less than a second before', () => {
    for (const [index, time] of times.entries()) {
      const digest = digestOf(String(index));
      const sealed = sealedSeconds(time, digest) * 1000;
      expect(hasSealedTime(sealed, digest)).toBe(true);
      expect(sealed).toBeLessThanOrEqual(time);
      expect(sealed).toBeGreaterThan(time - 1000);
    }
  });

  it('does not fit whole seconds nor another digest', () => {
    expect(hasSealedTime(1_700_000_000_000, digestOf('a'))).toBe(false);
    expect(hasSealedTime(sealedSeconds(1_700_000_000_000, digestOf('a')) * 1000, digestOf('b'))).toBe(false);
  });
});
