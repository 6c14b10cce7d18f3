import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import type { Store } from '../../src/store/store.ts';
import { digestHex } from '../../src/util/blake3.ts';

/** A store to test, and ways to hurt it that its port doesn't offer. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Changes a byte of an object that is held; undefined where a store's bytes can't be reached. */
  readonly flip?: (digest: Digest) => void | Promise<void>;
  /** A second view of the same bytes, without this one's memory. */
  readonly reopen?: () => Store | Promise<Store>;
}

const digestOf = (text: string | Uint8Array): Digest => digestHex(text) as Digest;
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const ABSENT = digestOf('never stored');

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The specification of `Store`, as tests; run by every implementer. `make` gets a new empty folder. */
export function describeStore(
  name: string,
  make: (folder: string) => StoreUnderTest | Promise<StoreUnderTest>,
): void {
  describe(`a ${name} store`, () => {
    let folder: string;
    let test: StoreUnderTest;
    let store: Store;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'datawf-store-'));
      test = await make(join(folder, 'store'));
      store = test.store;
    });

    afterEach(async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const fileOf = (text: string): string => {
      const file = join(folder, `file-${digestOf(text).slice(0, 8)}`);
      writeFileSync(file, text);
      return file;
    };

    it('holds nothing at first', async () => {
      expect(await store.missingObjects([ABSENT])).toEqual([ABSENT]);
      expect(await collect(store.listObjects())).toEqual([]);
      expect(await collect(store.listTrees())).toEqual([]);
      expect(await store.hasTree(ABSENT)).toBe(false);
      expect(await store.readKey(ABSENT)).toBeUndefined();
      expect(await store.listSegments(ABSENT)).toEqual([]);
      expect(await store.readFile('refs/main.json')).toBeUndefined();
      expect(await store.listFiles('runs/')).toEqual([]);
    });

    it('gives back the bytes of a file by their digest', async () => {
      const digest = digestOf('hello');
      await store.putObject(digest, fileOf('hello'));
      expect(Buffer.from(await store.readObject(digest)).toString()).toBe('hello');
      expect(await store.missingObjects([ABSENT, digest])).toEqual([ABSENT]);
      expect(await collect(store.listObjects())).toMatchObject([{ digest, size: 5 }]);
    });

    it('holds empty bytes and large ones', async () => {
      const large = Buffer.alloc(3 * 1024 * 1024 + 7, 'abcdefg');
      const file = join(folder, 'large');
      writeFileSync(file, large);
      await store.putObject(digestOf(large), file);
      await store.putBytes(digestOf(''), bytesOf(''));
      const out = join(folder, 'out');
      await store.fetchObject(digestOf(large), out);
      expect(readFileSync(out).equals(large)).toBe(true);
      expect((await store.readObject(digestOf(''))).byteLength).toBe(0);
    });

    it('takes an object that is there already as success', async () => {
      const digest = digestOf('twice');
      await store.putBytes(digest, bytesOf('twice'));
      await store.putBytes(digest, bytesOf('twice'));
      await store.putObject(digest, fileOf('twice'));
      expect(await collect(store.listObjects())).toHaveLength(1);
    });

    it('refuses bytes under a name that is not theirs, and keeps nothing', async () => {
      const wrong = { code: 'corrupt-object', exit: 7 };
      await expect(store.putBytes(ABSENT, bytesOf('x'))).rejects.toMatchObject(wrong);
      await expect(store.putObject(ABSENT, fileOf('x'))).rejects.toMatchObject(wrong);
      await expect(store.putTree(ABSENT, 'x')).rejects.toMatchObject(wrong);
      expect(await store.missingObjects([ABSENT])).toEqual([ABSENT]);
      expect(await store.hasTree(ABSENT)).toBe(false);
    });

    it('says which object or tree is missing', async () => {
      const missing = { code: 'missing-object', exit: 4, message: expect.stringContaining(ABSENT) as string };
      await expect(store.readObject(ABSENT)).rejects.toMatchObject(missing);
      await expect(store.fetchObject(ABSENT, join(folder, 'out'))).rejects.toMatchObject(missing);
      await expect(store.readTree(ABSENT)).rejects.toMatchObject({ code: 'missing-tree', exit: 4 });
    });

    it('fetches over a file that is there', async () => {
      await store.putBytes(digestOf('new'), bytesOf('new'));
      const out = fileOf('old');
      await store.fetchObject(digestOf('new'), out);
      expect(readFileSync(out, 'utf8')).toBe('new');
    });

    it('never hands out bytes that were changed', async () => {
      if (test.flip === undefined) return;
      const digest = digestOf('fragile');
      const damaged = { code: 'corrupt-object', exit: 7, message: expect.stringContaining(digest) as string };
      await store.putBytes(digest, bytesOf('fragile'));
      await test.flip(digest);
      await expect(store.fetchObject(digest, join(folder, 'out'))).rejects.toMatchObject(damaged);
      await store.putBytes(digest, bytesOf('fragile'));
      await test.flip(digest);
      await expect(store.readObject(digest)).rejects.toMatchObject(damaged);
    });

    it('forgets what is removed, and removes what is not there', async () => {
      const digest = digestOf('gone');
      await store.putBytes(digest, bytesOf('gone'));
      await store.putTree(digest, 'gone');
      await store.removeObject(digest);
      await store.removeTree(digest);
      expect(await store.missingObjects([digest])).toEqual([digest]);
      expect(await store.hasTree(digest)).toBe(false);
      await store.removeObject(digest);
      await store.removeTree(digest);
      await store.removeFile('runs/none');
      await store.removeSegment(digest, 'R-0-1.ndjson');
    });

    it('keeps trees', async () => {
      const digest = digestOf('text\n');
      await store.putTree(digest, 'text\n');
      await store.putTree(digest, 'text\n');
      expect(await store.hasTree(digest)).toBe(true);
      expect(await store.readTree(digest)).toBe('text\n');
      expect(await collect(store.listTrees())).toMatchObject([{ digest }]);
      expect(await ((await test.reopen?.()) ?? store).readTree(digest)).toBe('text\n');
    });

    it('keeps the first readable code half of a digest', async () => {
      await store.putKey(ABSENT, '{"a":1}');
      await store.putKey(ABSENT, '{"a":2}');
      expect(await store.readKey(ABSENT)).toBe('{"a":1}');
      expect(await store.listCodeHalves()).toEqual([ABSENT]);
      await store.removeKey(ABSENT);
      expect(await store.readKey(ABSENT)).toBeUndefined();
      expect(await store.listCodeHalves()).toEqual([]);
      await store.removeKey(ABSENT);
    });

    it('keeps segments by code half, sorted, the first of a name', async () => {
      await store.putSegment(ABSENT, 'B-0-000001.ndjson', 'b\n');
      await store.putSegment(ABSENT, 'A-0-000001.ndjson', 'a\n');
      await store.putSegment(ABSENT, 'A-0-000001.ndjson', 'other\n');
      expect(await store.listSegments(ABSENT)).toEqual(['A-0-000001.ndjson', 'B-0-000001.ndjson']);
      expect(await store.readSegment(ABSENT, 'A-0-000001.ndjson')).toBe('a\n');
      await store.removeSegment(ABSENT, 'A-0-000001.ndjson');
      expect(await store.listSegments(ABSENT)).toEqual(['B-0-000001.ndjson']);
      await expect(store.readSegment(ABSENT, 'A-0-000001.ndjson')).rejects.toMatchObject({
        code: 'missing-segment',
      });
    });

    it('creates a named file once, and replaces it when told to', async () => {
      expect(await store.writeFile('refs/main.json', bytesOf('1'))).toBe(true);
      expect(await store.writeFile('refs/main.json', bytesOf('2'))).toBe(false);
      expect(Buffer.from((await store.readFile('refs/main.json')) ?? []).toString()).toBe('1');
      expect(await store.writeFile('refs/main.json', bytesOf('3'), { replace: true })).toBe(true);
      expect(Buffer.from((await store.readFile('refs/main.json')) ?? []).toString()).toBe('3');
      await store.removeFile('refs/main.json');
      expect(await store.readFile('refs/main.json')).toBeUndefined();
    });

    it('lists names below a prefix by their bytes, as many as asked for', async () => {
      const names = [
        'runs/a-b',
        'runs/a/x',
        'runs/a.json',
        'runs/b/c/d',
        'runs/\u{1f600}',
        'runs/\ufffd',
        'logs/z',
      ];
      for (const name of names) await store.writeFile(name, bytesOf(name));
      const sorted = ['runs/a-b', 'runs/a.json', 'runs/a/x', 'runs/b/c/d', 'runs/\ufffd', 'runs/\u{1f600}'];
      expect(await store.listFiles('runs/')).toEqual(sorted);
      expect(await store.listFiles('runs/', 3)).toEqual(sorted.slice(0, 3));
      expect(await store.listFiles('runs/b/')).toEqual(['runs/b/c/d']);
    });

    it.each([
      '../x',
      'objects/ab/x',
      'FORMAT',
      'refs',
      'refs/',
      'refs/../../x',
      '/etc/passwd',
      'runs//x',
      'runs/a\nb',
      'refs/./x',
    ])('refuses the name %j', async (name) => {
      const refusal = { code: 'bad-name', exit: 2 };
      await expect(store.readFile(name)).rejects.toMatchObject(refusal);
      await expect(store.writeFile(name, bytesOf('x'))).rejects.toMatchObject(refusal);
      await expect(store.removeFile(name)).rejects.toMatchObject(refusal);
    });

    it.each(['../A-0-1.ndjson', 'A-0-1', 'A.ndjson', 'A-0-1.ndjson/x'])(
      'refuses the segment %j',
      async (name) => {
        await expect(store.putSegment(ABSENT, name, 'x')).rejects.toMatchObject({
          code: 'bad-name',
          exit: 2,
        });
        await expect(store.readSegment(ABSENT, name)).rejects.toMatchObject({ code: 'bad-name', exit: 2 });
      },
    );

    it('stops when it is told to', async () => {
      const stopped = AbortSignal.abort(new Error('stopped'));
      await store.putBytes(digestOf('a'), bytesOf('a'));
      await expect(store.missingObjects([ABSENT], stopped)).rejects.toThrow('stopped');
      await expect(store.putObject(digestOf('b'), fileOf('b'), stopped)).rejects.toThrow('stopped');
      await expect(store.fetchObject(digestOf('a'), join(folder, 'out'), stopped)).rejects.toThrow('stopped');
    });
  });
}
