import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLine, formatListing, parseInner, parseListing } from '../../../src/formats/tree-text.ts';
import { endsNode, FILE_LINES, ROW_LINES, splitLines } from '../../../src/formats/tree-split.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { compareBytes, pathFault } from '../../../src/model/repo-path.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import { runs } from '../../rig/property.ts';

const A = 'a'.repeat(64) as Digest;

function faultOf(text: string): string {
  try {
    parseListing(text, 'tree');
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('a listing as text', () => {
  it('has kind, digest, size and path on a line', () => {
    expect(formatLine({ path: 'a b/c', kind: 'x', digest: A, size: 12 })).toBe(`x ${A} 12 a b/c`);
  });

  it('of no files is empty', () => {
    expect(formatListing([])).toBe('');
    expect(parseListing('')).toEqual([]);
  });

  it.each([
    ['cut short', `f ${A} 1 a`, 'tree is cut short: its last line has no end'],
    ['of an unknown kind', `d ${A} 1 a\n`, 'line 1 does not begin with a kind and a digest'],
    ['with a short digest', `f ${'a'.repeat(63)} 1 a\n`, 'line 1 does not begin with a kind and a digest'],
    [
      'with a digest in capitals',
      `f ${'A'.repeat(64)} 1 a\n`,
      'line 1 has a digest that is not 64 hex digits',
    ],
    ['with a zero before its size', `f ${A} 01 a\n`, 'line 1 has no proper size'],
    ['with a size beyond 2^53', `f ${A} 9007199254740993 a\n`, 'line 1 has no proper size'],
    ['without a path', `f ${A} 1 \n`, 'line 1 has a path that is empty'],
    ['with an empty line', `f ${A} 1 a\n\n`, 'line 2 does not begin'],
    ['that climbs', `f ${A} 1 a/../../b\n`, 'line 1 has a path that leaves or repeats a folder by ".."'],
    ['that is absolute', `f ${A} 1 /etc/passwd\n`, 'line 1 has a path that is absolute'],
    ['with a path twice', `f ${A} 1 a\nf ${A} 1 a\n`, 'line 2 has the path of the line before'],
    ['out of order', `f ${A} 1 b\nf ${A} 1 a\n`, 'line 2 is not in order'],
    [
      'with a file as folder',
      `f ${A} 1 a\nf ${A} 1 a-b\nf ${A} 1 a/c\n`,
      'line 3 lies in "a", which is a file',
    ],
  ])('%s is refused with its line', (_, text, message) => {
    expect(faultOf(text)).toContain(message);
  });

  it('reads back as it was written', () => {
    fc.assert(
      fc.property(listings(40), (listing) => {
        expect(parseListing(formatListing(listing))).toEqual(listing);
      }),
    );
  });

  it('that is accepted is what would be written', () => {
    const mutated = fc
      .tuple(listings(5), fc.nat(), fc.constantFrom('', '\n', ' ', '0', 'n', '/', '..', '\0', '\r'))
      .map(([listing, place, piece]) => {
        const text = formatListing(listing);
        const at = text.length === 0 ? 0 : place % text.length;
        return text.slice(0, at) + piece + text.slice(at + 1);
      });
    fc.assert(
      fc.property(mutated, (text) => {
        let read: FileEntry[];
        try {
          read = parseListing(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt-tree', exit: 7 });
          return;
        }
        expect(formatListing(read)).toBe(text);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('an inner node', () => {
  it.each([
    ['an empty child', `n ${A} 0 0 a\n`, 'is no reference'],
    ['no order', `n ${A} 1 0 b\nn ${A} 1 0 a\n`, 'is not in order'],
    ['a file among nodes', `n ${A} 1 0 a\nf ${A} 1 b\n`, 'is no reference'],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseInner(text)).toThrow(message);
  });
});

describe('splitting', () => {
  it('leaves up to 1,024 lines in one node', () => {
    expect([...splitLines(fileLines(1024), FILE_LINES)]).toHaveLength(1);
    expect([...splitLines(fileLines(1025), FILE_LINES)].length).toBeGreaterThan(1);
  });

  it('ends a node where the last ten bits of the digest of the path are zero', () => {
    const nodes = [...splitLines(fileLines(20_000), FILE_LINES)]
      .slice(0, -2)
      .filter((node) => node.ref.count < 4096);
    const lasts = nodes.map((node) => FILE_LINES.keyOf(node.text.trimEnd().split('\n').at(-1) ?? ''));
    const bits = lasts.map((path) => Number.parseInt(digestHex(path).slice(-3), 16) & 0x3ff);
    expect(bits.length).toBeGreaterThan(10);
    expect(new Set(bits)).toEqual(new Set([0]));
  });

  it('ends a node at 4,096 lines where no path ends it', () => {
    const lines = numbered(30_000)
      .filter((path) => !endsNode(path))
      .slice(0, 10_000)
      .map((path) => `f ${A} 3 ${path}`);
    const counts = [...splitLines(lines, FILE_LINES)].slice(0, -1).map((node) => node.ref.count);
    expect(counts).toEqual([4096, 4096, 1808]);
  });

  it('gives leaves that are the whole listing one after the other, and a root with the sums', () => {
    const lines = fileLines(9000);
    const nodes = [...splitLines(lines, FILE_LINES)];
    const root = nodes.pop();
    expect(nodes.map((node) => node.text).join('')).toBe(lines.map((line) => `${line}\n`).join(''));
    expect(root?.ref).toMatchObject({ count: 9000, bytes: 27_000, first: 'p0000000' });
    expect(parseInner(root?.text ?? '').map((ref) => ref.digest)).toEqual(
      nodes.map((node) => digestHex(node.text)),
    );
  });

  it('adds a level when there are more than 1,024 nodes', () => {
    // Paths that each end a node but for every second one: two lines a leaf.
    const lines = ENDS.flatMap((path) => [`f ${A} 3 ${path}`, `f ${A} 3 ${path}x`]);
    expect(lines.length).toBeGreaterThan(2 * 1025);
    const nodes = [...splitLines(lines, FILE_LINES)];
    const root = nodes.pop();
    expect(root?.ref.count).toBe(lines.length);
    const inner = nodes.filter((node) => node.text.startsWith('n '));
    expect(inner.length).toBeGreaterThan(0);
    expect(root?.text.split('\n').length).toBeLessThan(1025);
  });

  it('comes to an end for paths that each end a node', () => {
    const lines = ENDS.map((path) => `f ${A} 3 ${path}`);
    expect(lines.length).toBeGreaterThan(1024);
    expect([...splitLines(lines, FILE_LINES)]).toHaveLength(1);
  });

  it('sorts a table by its captures and counts the bytes of its text', () => {
    const line = `ok ${A} ${A} ${A} date=2024-01-03&name=a b`;
    expect(ROW_LINES.keyOf(line)).toBe('date=2024-01-03&name=a b');
    expect([...splitLines([line], ROW_LINES)][0]?.ref).toMatchObject({ count: 1, bytes: line.length + 1 });
  });
});

/** About 1,170 paths that each end a node. */
const ENDS = numbered(1_200_000).filter(endsNode);

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${String(index).padStart(7, '0')}`);
}

function fileLines(count: number): string[] {
  return numbered(count).map((path) => `f ${A} 3 ${path}`);
}

function listings(maxLength: number): fc.Arbitrary<FileEntry[]> {
  const segment = fc.oneof(
    fc.constantFrom('a', 'b', 'a-b', 'a.csv', 'é', '\u{1f600}', '\ufffd', ' ', 'n'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
  );
  const path = fc
    .array(segment, { minLength: 1, maxLength: 3 })
    .map((segments) => segments.join('/'))
    .filter((text) => pathFault(text) === undefined);
  const entry = fc.record({
    path,
    kind: fc.constantFrom('f' as const, 'x' as const, 'l' as const),
    digest: fc.nat().map((seed) => digestHex(String(seed)) as Digest),
    size: fc.maxSafeNat(),
  });
  return fc
    .uniqueArray(entry, { maxLength, selector: (file) => file.path })
    .map((files) => files.sort((a, b) => compareBytes(a.path, b.path)))
    .map((files) => files.filter((file) => !files.some((other) => file.path.startsWith(`${other.path}/`))));
}
