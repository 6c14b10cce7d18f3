import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRef, parseRef, refName } from '../../../src/formats/ref-file.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { pathFault, repoPath } from '../../../src/model/repo-path.ts';
import { digestHex } from '../../../src/util/blake3.ts';

const path = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  .filter((text) => pathFault(text) === undefined)
  .map(repoPath);
const digests = fc
  .dictionary(path, fc.nat())
  .map(
    (named) =>
      new Map(Object.entries(named).map(([name, seed]) => [repoPath(name), digestHex(`${seed}`) as Digest])),
  );

describe('a ref', () => {
  test('comes back from its text', () => {
    fc.assert(
      fc.property(digests, digests, fc.array(fc.webUrl()), (locks, pointers, reads) => {
        const single = [...locks.keys()].sort();
        const ref = { commit: 'c0ffee', reads, locks, pointers, single, files: locks, remote: reads[0] };
        const read = parseRef(formatRef(ref), 'refs/main.json');
        expect(read).toEqual({ ...ref, single: expect.arrayContaining(ref.single) as string[] });
      }),
    );
  });

  test('has a field a line, sorted', () => {
    const digest = digestHex('x') as Digest;
    const locks = new Map(['b', 'a'].map((name) => [repoPath(name), digest]));
    const none = { pointers: new Map(), single: [], files: new Map(), remote: undefined };
    expect(formatRef({ commit: undefined, reads: [], locks, ...none })).toBe(
      `{\n"commit": "",\n"reads": [],\n"locks": {"a": "${digest}", "b": "${digest}"},\n"pointers": {},\n"single": []\n}\n`,
    );
  });

  test.each([
    '',
    '[]',
    '{"locks": {"../x": "y"}, "pointers": {}}',
    '{"locks": {}}',
    '{"locks": {"a": "short"}}',
  ])('that is %s is refused', (text) => {
    expect(() => parseRef(text, 'refs/main.json')).toThrow(/is no ref/);
  });

  test('lies below the name of its branch', () => {
    expect(refName('feature/x')).toBe('refs/feature/x.json');
  });
});
