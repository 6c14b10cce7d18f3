import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeText, type TextMerge } from '../../../src/app/merge-text.ts';
import { parseRow, formatRow } from '../../../src/formats/datum-table.ts';
import { formatLockFile, parseLockFile } from '../../../src/formats/lock-file.ts';
import { formatPointerFile, parsePointerFile } from '../../../src/formats/pointer-file.ts';
import { formatListing } from '../../../src/formats/tree-text.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import type { LockStage } from '../../../src/model/lock.ts';
import { compareBytes, type RepoPath } from '../../../src/model/repo-path.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { readTable, writeTable } from '../../../src/store/tables.ts';
import { readListing, writeListing } from '../../../src/store/trees.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import { runs } from '../../rig/property.ts';

const LOCK = 'datawf.lock' as RepoPath;
const POINTER = 'data/raw.datawf' as RepoPath;
const HOME = 'data/clean' as RepoPath;
const digest = (text: string): Digest => digestHex(text) as Digest;

/** What each datum was made from: input, and the text of its two files. A row may have failed. */
interface Made {
  readonly input: string;
  readonly text: string;
  readonly failed?: boolean;
}
type Rows = Readonly<Record<string, Made>>;

const CODE = JSON.stringify({ outs: { clean: { pattern: 'data/clean/{d}/' } } });

function filesOf(name: string, { text }: Made): FileEntry[] {
  return ['one', `two-${text}`].map((file) => ({
    path: `${name}/${file}`,
    kind: 'f',
    digest: digest(text),
    size: text.length,
  }));
}

/** A stage's entry, written as a run writes it. */
async function stageOf(store: MemoryStore, rows: Rows, code = CODE): Promise<LockStage> {
  const half = digest(code);
  await store.putKey(half, code);
  const names = Object.keys(rows).sort(compareBytes);
  const lines = names.map((name) => {
    const { input, failed } = rows[name]!;
    const result = digest(formatListing(filesOf(name, rows[name]!)));
    return formatRow({
      state: failed === true ? 'failed' : 'ok',
      input: digest(input),
      code: half,
      result,
      captures: `d=${name}`,
    });
  });
  const files = names
    .flatMap((name) => filesOf(name, rows[name]!))
    .sort((a, b) => compareBytes(a.path, b.path));
  const failed = names.filter((name) => rows[name]!.failed === true).length;
  return {
    code: half,
    inputs: undefined,
    datums: { ...(await writeTable(store, lines)), failed },
    outs: new Map([[HOME, await writeListing(store, files)]]),
    accepted: new Map(),
  };
}

async function lockText(store: MemoryStore, rows: Rows): Promise<string> {
  return formatLockFile({ stages: new Map([['clean', await stageOf(store, rows)]]) });
}

async function mergeLocks(store: MemoryStore, versions: readonly [Rows, Rows, Rows]): Promise<TextMerge> {
  const [base, ours, theirs] = await Promise.all(versions.map((rows) => lockText(store, rows)));
  return mergeText(store, { file: LOCK, texts: { base, ours: ours!, theirs: theirs! }, prefer: undefined });
}

function textOf(merged: TextMerge): string {
  if ('text' in merged) return merged.text;
  throw new Error(merged.conflicts.map(({ message }) => message).join('\n'));
}

const made: fc.Arbitrary<Made> = fc.record({
  input: fc.constantFrom('1', '2', '3'),
  text: fc.constantFrom('x', 'y'),
  failed: fc.boolean(),
});
const rows = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), made);

describe('merging a stage that both sides ran', () => {
  test('gives a lock whose trees are the files of its rows, and that counts them', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, rows, async (base, ours, theirs) => {
        const store = new MemoryStore();
        const stage = parseLockFile(textOf(await mergeLocks(store, [base, ours, theirs])), LOCK).stages.get(
          'clean',
        )!;
        const table = (await readTable(store, stage.datums.table)).map(parseRow);
        expect(stage.datums.count).toBe(table.length);
        expect(stage.datums.failed).toBe(table.filter(({ state }) => state === 'failed').length);
        const expected = table.flatMap((row) => {
          const name = row.captures.slice(2);
          const from = [ours, theirs].find(
            (side) =>
              side[name] !== undefined && digest(formatListing(filesOf(name, side[name]))) === row.result,
          );
          return filesOf(name, from![name]!);
        });
        const out = stage.outs.get(HOME)!;
        expect(await readListing(store, out.tree)).toEqual(expected);
        expect([out.files, out.bytes]).toEqual([
          expected.length,
          expected.reduce((sum, { size }) => sum + size, 0),
        ]);
      }),
      { numRuns: runs(60) },
    );
  });

  test('gives the bytes of the side that changed, where the other changed nothing', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, async (a, b) => {
        const store = new MemoryStore();
        expect(textOf(await mergeLocks(store, [a, a, b]))).toBe(await lockText(store, b));
        expect(textOf(await mergeLocks(store, [a, b, a]))).toBe(await lockText(store, b));
        expect(textOf(await mergeLocks(store, [a, b, b]))).toBe(await lockText(store, b));
      }),
      { numRuns: runs(30) },
    );
  });

  test('gives the bytes that one run of all would have given, from either side', async () => {
    const store = new MemoryStore();
    const base: Rows = { a: { input: '1', text: 'x' }, b: { input: '1', text: 'x' } };
    const ours: Rows = { ...base, a: { input: '2', text: 'y' }, c: { input: '1', text: 'z' } };
    const theirs: Rows = { a: base['a']!, d: { input: '1', text: 'w' } };
    const all = await lockText(store, { a: ours['a']!, c: ours['c']!, d: theirs['d']! });
    expect(textOf(await mergeLocks(store, [base, ours, theirs]))).toBe(all);
    expect(textOf(await mergeLocks(store, [base, theirs, ours]))).toBe(all);
  });

  test('does so for tables and trees of many nodes', async () => {
    const store = new MemoryStore();
    const table = (rowAt: (number: number) => string | undefined): Rows =>
      Object.fromEntries(
        Array.from({ length: 4000 }, (_, number) => [String(number).padStart(5, '0'), rowAt(number)] as const)
          .filter(([, text]) => text !== undefined)
          .map(([name, text = '']) => [name, { input: text, text }]),
      );
    const old = (number: number): string | undefined => (number % 5 === 4 ? undefined : 'old');
    /** Rows of one remainder are made, of another one dropped. */
    const edit = (text: string, made: number) => (number: number) =>
      number % 7 === made ? text : number % 7 === made + 3 ? undefined : old(number);
    const [mine, other] = [edit('mine', 0), edit('other', 1)];
    const [base, ours, theirs] = [table(old), table(mine), table(other)];
    const all = table((number) => ([0, 3].includes(number % 7) ? mine(number) : other(number)));
    expect(textOf(await mergeLocks(store, [base, ours, theirs]))).toBe(await lockText(store, all));
    expect(textOf(await mergeLocks(store, [base, theirs, ours]))).toBe(await lockText(store, all));
  });

  test('says how many datums both made from different inputs', async () => {
    const merged = await mergeLocks(new MemoryStore(), [
      { a: { input: '1', text: 'x' }, b: { input: '1', text: 'x' } },
      { a: { input: '2', text: 'y' }, b: { input: '2', text: 'y' } },
      { a: { input: '3', text: 'z' }, b: { input: '2', text: 'z' } },
    ]);
    expect(merged).toMatchObject({ contested: new Map([['clean', 1]]) });
  });

  test('takes equal stage lists in another order for the same', async () => {
    const store = new MemoryStore();
    const [one, two] = [await stageOf(store, {}), await stageOf(store, { a: { input: '1', text: 'x' } })];
    const texts = {
      base: formatLockFile({ stages: new Map() }),
      ours: formatLockFile({
        stages: new Map([
          ['a', one],
          ['b', two],
        ]),
      }),
      theirs: formatLockFile({
        stages: new Map([
          ['b', two],
          ['a', one],
        ]),
      }),
    };
    expect(textOf(await mergeText(store, { file: LOCK, texts, prefer: undefined }))).toBe(texts.ours);
  });
});

describe('a merge that cannot be done for certain is a conflict', () => {
  const base: Rows = { a: { input: '1', text: 'x' } };
  const ours: Rows = { a: { input: '2', text: 'y' } };
  const theirs: Rows = { ...base, b: { input: '1', text: 'x' } };

  test.each(['trees', 'keys'])('where the store has no %s', async (what) => {
    const [full, bare] = [new MemoryStore(), new MemoryStore()];
    const [one, two, three] = await Promise.all(
      [base, ours, theirs].map((version) => lockText(full, version)),
    );
    if (what === 'keys')
      for await (const { digest } of full.listTrees())
        await bare.putTree(digest, await full.readTree(digest));
    const request = { file: LOCK, texts: { base: one, ours: two!, theirs: three! } };
    const merged = await mergeText(bare, { ...request, prefer: undefined });
    expect(merged).toMatchObject({
      conflicts: [
        {
          message: expect.stringMatching(/^stage clean: memory doesn't have /) as string,
          hint: expect.stringContaining('datawf lock resolve datawf.lock') as string,
        },
      ],
    });
    expect(textOf(await mergeText(bare, { ...request, prefer: 'theirs' }))).toBe(three);
  });

  test('where a version has conflict markers or is no lock', async () => {
    const store = new MemoryStore();
    const texts = { base: await lockText(store, base), ours: '<<<<<<< ours\n', theirs: 'x: 1\n' };
    for (const prefer of [undefined, 'theirs'] as const) {
      expect(await mergeText(store, { file: LOCK, texts, prefer })).toMatchObject({
        conflicts: [{ message: expect.stringContaining("ours' version can't be read") as string }],
      });
    }
  });

  test('where a file differs although its datum does not', async () => {
    const store = new MemoryStore();
    const stage = await stageOf(store, theirs);
    const [odd] = [...(await stageOf(store, ours)).outs.values()];
    const lock = (entry: LockStage) => formatLockFile({ stages: new Map([['clean', entry]]) });
    const texts = {
      base: lock(stage),
      ours: lock({ ...stage, outs: new Map([[HOME, odd!]]) }),
      theirs: await lockText(store, { ...theirs, c: { input: '1', text: 'x' } }),
    };
    expect(await mergeText(store, { file: LOCK, texts, prefer: undefined })).toMatchObject({
      conflicts: expect.arrayContaining([
        expect.objectContaining({
          message: 'stage clean: data/clean/a/one differs, and no datum that made it does',
        }),
      ]) as unknown,
    });
  });
});

describe('merging data added by hand', () => {
  type Files = Readonly<Record<string, string>>;
  const anyFiles = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));

  async function pointerText(store: MemoryStore, files: Files): Promise<string> {
    const listing = Object.keys(files)
      .sort(compareBytes)
      .map((path): FileEntry => ({ path, kind: 'f', digest: digest(files[path]!), size: 1 }));
    const content = { type: 'folder', ...(await writeListing(store, listing)) } as const;
    return formatPointerFile({ path: 'data/raw' as RepoPath, content, source: undefined }, POINTER);
  }

  async function merge(
    store: MemoryStore,
    versions: readonly [Files | undefined, Files, Files],
    prefer?: 'ours' | 'theirs',
  ): Promise<TextMerge> {
    const [base, ours, theirs] = await Promise.all(
      versions.map(async (files) => (files === undefined ? undefined : pointerText(store, files))),
    );
    return mergeText(store, { file: POINTER, texts: { base, ours: ours!, theirs: theirs! }, prefer });
  }

  test('is by path, whoever merges', async () => {
    await fc.assert(
      fc.asyncProperty(anyFiles, anyFiles, anyFiles, async (base, a, b) => {
        const store = new MemoryStore();
        const [here, there] = [await merge(store, [base, a, b]), await merge(store, [base, b, a])];
        if ('text' in here) expect(here).toEqual(there);
        else expect('conflicts' in there).toBe(true);
        expect(textOf(await merge(store, [base, a, b], 'ours'))).toBe(
          textOf(await merge(store, [base, b, a], 'theirs')),
        );
      }),
      { numRuns: runs(60) },
    );
  });

  test('takes what both added', async () => {
    const store = new MemoryStore();
    expect(textOf(await merge(store, [{ a: '1' }, { a: '1', b: '1' }, { a: '2', c: '1' }]))).toBe(
      await pointerText(store, { a: '2', b: '1', c: '1' }),
    );
    expect(textOf(await merge(store, [undefined, { b: '1' }, { c: '1' }]))).toBe(
      await pointerText(store, { b: '1', c: '1' }),
    );
  });

  test('names a path that both changed, and takes the preferred one', async () => {
    const store = new MemoryStore();
    const versions = [{ a: '1' }, { a: '2', b: '1' }, { a: '3', c: '1' }] as const;
    expect(await merge(store, versions)).toMatchObject({
      conflicts: [{ message: 'data/raw/a was changed by both sides, each otherwise' }],
    });
    expect(textOf(await merge(store, versions, 'theirs'))).toBe(
      await pointerText(store, { a: '3', b: '1', c: '1' }),
    );
  });

  test('of one file is a conflict where both changed it', async () => {
    const store = new MemoryStore();
    const one = (text: string): string => {
      const content = { type: 'file', digest: digest(text), kind: 'f', bytes: 1 } as const;
      return formatPointerFile({ path: 'data/raw' as RepoPath, content, source: undefined }, POINTER);
    };
    const texts = { base: one('1'), ours: one('2'), theirs: one('3') };
    expect(await mergeText(store, { file: POINTER, texts, prefer: undefined })).toMatchObject({
      conflicts: [{ message: 'data/raw was changed by both sides, each otherwise' }],
    });
    expect(textOf(await mergeText(store, { file: POINTER, texts, prefer: 'theirs' }))).toBe(texts.theirs);
  });

  test('merges where it was imported from apart from its files', async () => {
    const store = new MemoryStore();
    const base = await pointerText(store, { a: '1' });
    const moved = `${base}source: "s3://new"\n`;
    const grown = await pointerText(store, { a: '1', b: '1' });
    const merged = textOf(
      await mergeText(store, {
        file: POINTER,
        texts: { base, ours: moved, theirs: grown },
        prefer: undefined,
      }),
    );
    expect(parsePointerFile(merged, POINTER)).toEqual({
      ...parsePointerFile(grown, POINTER),
      source: 's3://new',
    });
  });
});
