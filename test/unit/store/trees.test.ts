import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatListing } from '../../../src/formats/tree-text.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { diffTables, readTable, writeTable } from '../../../src/store/tables.ts';
import {
  diffTrees,
  findInTree,
  listPrefix,
  measureTree,
  patchTree,
  readListing,
  writeListing,
} from '../../../src/store/trees.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import { runs } from '../../rig/property.ts';

/** Counts what is read, so that a test can say what isn't. */
class CountingStore extends MemoryStore {
  reads = new Set<Digest>();
  writes = new Set<Digest>();

  override readTree(digest: Digest): Promise<string> {
    this.reads.add(digest);
    return super.readTree(digest);
  }

  override putTree(digest: Digest, text: string): Promise<void> {
    this.writes.add(digest);
    return super.putTree(digest, text);
  }
}

function entry(number: number, version = 0): FileEntry {
  const path = `d${String(number % 7)}/f${String(number).padStart(7, '0')}`;
  return {
    path,
    kind: number % 11 === 0 ? 'x' : 'f',
    digest: digestHex(`${number} ${version}`) as Digest,
    size: number,
  };
}

function sorted(entries: Iterable<FileEntry>): FileEntry[] {
  return [...entries].sort((a, b) => compareBytes(a.path, b.path));
}

const MANY = sorted(Array.from({ length: 12_000 }, (_, number) => entry(number)));
/** Numbers of entries, and where in that range a change falls. */
const numbers = (max: number): fc.Arbitrary<number[]> => fc.uniqueArray(fc.nat(14_000), { maxLength: max });

describe('a tree', () => {
  it('reads back as it was written, with its totals in the root', async () => {
    const store = new MemoryStore();
    const ref = await writeListing(store, MANY);
    expect(await readListing(store, ref.tree)).toEqual(MANY);
    expect(ref).toMatchObject({ files: 12_000, bytes: (12_000 * 11_999) / 2 });
    expect(await measureTree(store, ref.tree)).toEqual(ref);
  });

  it('of few files is named by the digest of its text', async () => {
    const listing = MANY.slice(0, 3);
    const ref = await writeListing(new MemoryStore(), listing);
    expect(ref.tree).toBe(digestHex(formatListing(listing)));
  });

  it('without a node raises missing-tree', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    await store.removeTree([...(await store.readTree(tree)).matchAll(/[0-9a-f]{64}/g)][2]?.[0] as Digest);
    await expect(readListing(store, tree)).rejects.toMatchObject({ code: 'missing-tree', exit: 4 });
  });

  it('whose leaf is not what the parent says is damaged', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    const text = (await store.readTree(tree)).replace(
      /^(n \S+) (\d+)/,
      (_, head, count) => `${head} ${Number(count) + 1}`,
    );
    await store.putTree(digestHex(text) as Digest, text);
    await expect(readListing(store, digestHex(text) as Digest)).rejects.toMatchObject({
      code: 'corrupt-tree',
      exit: 7,
    });
  });

  it('finds a file and the files of a folder in few nodes', async () => {
    const store = new CountingStore();
    const { tree } = await writeListing(store, MANY);
    const wanted = MANY[7000];
    expect(await findInTree(store, tree, wanted?.path ?? '')).toEqual(wanted);
    expect(store.reads.size).toBe(2);
    expect(await findInTree(store, tree, 'd3/none')).toBeUndefined();
    expect(await findInTree(store, tree, 'a')).toBeUndefined();
    expect(await listPrefix(store, tree, 'd3')).toEqual(MANY.filter((file) => file.path.startsWith('d3/')));
    expect(await listPrefix(store, tree, 'd')).toEqual([]);
    expect(await listPrefix(store, tree, '')).toEqual(MANY);
  });
});

describe('a patched tree', () => {
  it('is the tree of the whole listing, byte for byte', async () => {
    const store = new MemoryStore();
    const before = await writeListing(store, MANY);
    await fc.assert(
      fc.asyncProperty(numbers(300), numbers(300), fc.nat(20), async (put, remove, cut) => {
        // Also from and to trees that aren't split.
        const base = cut < 15 ? MANY : MANY.slice(0, cut * 60);
        const root = cut < 15 ? before : await writeListing(store, base);
        const patch = {
          put: put.map((number) => entry(number, 1)),
          remove: remove.map((number) => entry(number).path),
        };
        const files = new Map(base.map((file) => [file.path, file]));
        for (const path of patch.remove) files.delete(path);
        for (const file of patch.put) files.set(file.path, file);
        const whole = await writeListing(new MemoryStore(), sorted(files.values()));
        const patched = await patchTree(store, root.tree, patch);
        expect(patched).toEqual(whole);
        expect(await readListing(store, patched.tree)).toEqual(sorted(files.values()));
      }),
      { numRuns: runs(12) },
    );
  }, 120_000);

  it('of nothing is a new tree', async () => {
    const store = new MemoryStore();
    const patch = { put: [entry(3), entry(1)], remove: ['x'] };
    expect(await patchTree(store, undefined, patch)).toEqual(
      await writeListing(store, sorted([entry(1), entry(3)])),
    );
  });

  it('without any file is the empty tree', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    const patched = await patchTree(store, tree, { put: [], remove: MANY.map((file) => file.path) });
    expect(patched).toEqual({ tree: digestHex(''), files: 0, bytes: 0 });
  });

  it('shrinks below the split', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    const patched = await patchTree(store, tree, {
      put: [],
      remove: MANY.slice(500).map((file) => file.path),
    });
    expect(patched).toEqual(await writeListing(new MemoryStore(), MANY.slice(0, 500)));
  });

  it('writes the leaf of the change and the root', async () => {
    const store = new CountingStore();
    const { tree } = await writeListing(store, MANY);
    store.writes.clear();
    store.reads.clear();
    await patchTree(store, tree, { put: [{ ...MANY[5000]!, size: 1 }], remove: [] });
    expect(store.writes.size).toBe(2);
    expect(store.reads.size).toBeLessThanOrEqual(3);
  });
});

describe('the difference of two trees', () => {
  it('is what was put and removed', async () => {
    const store = new MemoryStore();
    const before = await writeListing(store, MANY);
    await fc.assert(
      fc.asyncProperty(numbers(100), numbers(100), async (put, remove) => {
        const after = await patchTree(store, before.tree, {
          put: put.map((number) => entry(number, 1)),
          remove: remove.map((number) => entry(number).path),
        });
        const diff = await diffTrees(store, before.tree, after.tree);
        const here = put.filter((number) => number < 12_000);
        const gone = remove.filter((number) => number < 12_000 && !put.includes(number));
        expect(diff).toEqual({
          added: sorted(put.filter((number) => number >= 12_000).map((number) => entry(number, 1))),
          changed: sorted(here.map((number) => entry(number, 1))).map((now) => ({
            before: entry(now.size),
            after: now,
          })),
          deleted: sorted(gone.map((number) => entry(number))),
        });
        const back = await diffTrees(store, after.tree, before.tree);
        expect(back.added).toEqual(diff.deleted);
        expect(back.deleted).toEqual(diff.added);
      }),
      { numRuns: runs(40) },
    );
  }, 120_000);

  it('to nothing is everything', async () => {
    const store = new MemoryStore();
    const { tree } = await writeListing(store, MANY);
    expect((await diffTrees(store, undefined, tree)).added).toEqual(MANY);
    expect((await diffTrees(store, tree, undefined)).deleted).toEqual(MANY);
    expect(await diffTrees(store, tree, tree)).toEqual({ added: [], changed: [], deleted: [] });
  });

  it('reads only nodes that differ', async () => {
    const store = new CountingStore();
    const before = await writeListing(store, MANY);
    const after = await patchTree(store, before.tree, { put: [{ ...MANY[5000]!, size: 1 }], remove: [] });
    store.reads.clear();
    await diffTrees(store, before.tree, after.tree);
    expect(store.reads.size).toBe(4);
  });
});

describe('a datum table', () => {
  const row = (number: number, result = number): string => {
    const half = digestHex(String(result));
    return `ok ${half} ${half} ${half} n=${String(number).padStart(6, '0')}`;
  };
  const rows = Array.from({ length: 5000 }, (_, number) => row(number));

  it('reads back as it was written', async () => {
    const store = new MemoryStore();
    const { table, count } = await writeTable(store, rows);
    expect(count).toBe(5000);
    expect(await readTable(store, table)).toEqual(rows);
  });

  it('differs by captures', async () => {
    const store = new MemoryStore();
    const before = await writeTable(store, rows);
    const after = await writeTable(store, [
      ...rows.slice(1, 4000),
      row(4000, 1),
      ...rows.slice(4001),
      row(5000),
    ]);
    expect(await diffTables(store, before.table, after.table)).toEqual({
      added: [row(5000)],
      changed: [{ before: row(4000), after: row(4000, 1) }],
      deleted: [row(0)],
    });
  });
});
