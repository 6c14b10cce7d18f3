import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { TreeCursor } from '../../../src/store/tree-cursor.ts';
import { writeListing } from '../../../src/store/trees.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import { runs } from '../../rig/property.ts';

class CountingStore extends MemoryStore {
  reads = 0;
  override readTree(digest: Digest): Promise<string> {
    this.reads++;
    return super.readTree(digest);
  }
}

const entryAt = (path: string): FileEntry => ({
  path,
  kind: 'f',
  digest: digestHex(path) as Digest,
  size: 1,
});
const MANY = Array.from({ length: 30_000 }, (_, at) =>
  entryAt(`d${at % 9}/f${String(at * 2).padStart(6, '0')}`),
).sort((a, b) => compareBytes(a.path, b.path));

describe('a cursor in a tree', () => {
  it('finds what comes at or behind any place, in any order of asking', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    const cursor = new TreeCursor(store, tree);
    const place = fc.oneof(
      fc.tuple(fc.nat(9), fc.nat(60_002)).map(([d, f]) => `d${d}/f${String(f).padStart(6, '0')}`),
      fc.constantFrom('', 'a', 'd3', 'd3/', 'd30', 'd8/f999999', 'z', '\u{1F600}'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 15 }), async (places) => {
        for (const from of places) {
          const wanted = MANY.find(({ path }) => compareBytes(path, from) >= 0);
          expect(await cursor.seek(from)).toEqual(wanted);
        }
      }),
      { numRuns: runs(8) },
    );
  });

  it('reads one node a level for a place, and none again while it stays in a leaf', async () => {
    const store = new CountingStore();
    const { tree } = await writeListing(store, MANY);
    const cursor = new TreeCursor(store, tree);
    store.reads = 0;
    let at = MANY[15_000]?.path ?? '';
    for (let count = 0; count < 100; count++) at = `${(await cursor.seek(at))?.path ?? ''}\0`;
    expect(store.reads).toBeLessThanOrEqual(4);
  });

  it('of a small tree and an empty one', async () => {
    const store = new MemoryStore();
    const small = new TreeCursor(store, (await writeListing(store, [entryAt('a'), entryAt('b')])).tree);
    expect([await small.seek('a\0'), await small.seek('c')]).toEqual([entryAt('b'), undefined]);
    expect(await new TreeCursor(store, (await writeListing(store, [])).tree).seek('')).toBeUndefined();
  });
});
