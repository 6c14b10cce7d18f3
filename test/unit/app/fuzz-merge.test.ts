import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeText } from '../../../src/app/merge-text.ts';
import { formatRow } from '../../../src/formats/datum-table.ts';
import { formatLockFile, parseLockFile } from '../../../src/formats/lock-file.ts';
import { formatPointerFile, parsePointerFile } from '../../../src/formats/pointer-file.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { dataFault, repoPath } from '../../../src/model/repo-path.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { writeTable } from '../../../src/store/tables.ts';
import { writeListing } from '../../../src/store/trees.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import { runs } from '../../rig/property.ts';
import { damage } from '../formats/texts.ts';

const LOCK = repoPath('datawf.lock');
const POINTER = repoPath('data/raw.datawf');
const of = (text: string): Digest => digestHex(text) as Digest;
const HALF = JSON.stringify({ outs: { clean: { pattern: 'data/clean/{d}.csv' } } });

/** A lock and a pointer that a version has, with what they name in the store. */
async function version(store: MemoryStore, text: string): Promise<Record<'lock' | 'pointer', string>> {
  await store.putKey(of(HALF), HALF);
  const names = ['a', 'b', text];
  const listing = names.map((name) => ({
    path: `${name}.csv`,
    kind: 'f' as const,
    digest: of(name + text),
    size: 3,
  }));
  const rows = names.map((name) =>
    formatRow({ state: 'ok', input: of(text), code: of(HALF), result: of(name), captures: `d=${name}` }),
  );
  const tree = await writeListing(store, listing);
  const stage = {
    code: of(HALF),
    inputs: undefined,
    datums: { ...(await writeTable(store, rows)), failed: 0 },
    outs: new Map([[repoPath('data/clean'), tree]]),
    accepted: new Map(),
  };
  const pointer = {
    path: repoPath('data/raw'),
    content: { type: 'folder' as const, ...tree },
    source: undefined,
  };
  return {
    lock: formatLockFile({ stages: new Map([['clean', stage]]) }),
    pointer: formatPointerFile(pointer, POINTER),
  };
}

test('versions damaged in any way merge to a valid file or to conflicts', async () => {
  const store = new MemoryStore();
  const good = await Promise.all(['x', 'y', 'z'].map((text) => version(store, text)));
  const none = (text: string): string => text;
  const change = fc.oneof(fc.constant(none), damage);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('lock' as const, 'pointer' as const),
      fc.tuple(change, change, change),
      fc.constantFrom(undefined, 'ours' as const, 'theirs' as const),
      async (kind, [one, two, three], prefer) => {
        const file = kind === 'lock' ? LOCK : POINTER;
        const [base, ours, theirs] = good.map((each) => each[kind]);
        const texts = { base: one(base ?? ''), ours: two(ours ?? ''), theirs: three(theirs ?? '') };
        const merged = await mergeText(store, { file, texts, prefer });
        if (!('text' in merged)) {
          expect(merged.conflicts.length).toBeGreaterThan(0);
        } else if (kind === 'pointer') {
          parsePointerFile(merged.text, file);
        } else {
          for (const stage of parseLockFile(merged.text, file).stages.values())
            for (const home of stage.outs.keys()) expect(dataFault(home)).toBeUndefined();
        }
      },
    ),
    { numRuns: runs(1000) },
  );
});

test('tables with any lines merge to a table or to conflicts', async () => {
  const line = formatRow({
    state: 'ok',
    input: of('i'),
    code: of(HALF),
    result: of('r'),
    captures: 'd=a',
  });
  const lines = [
    line,
    line.replace('d=a', 'd=..%2F..%2Fb'),
    line.replace('d=a', 'd=%2e%2e'),
    `failed - - - d=c`,
  ];
  const odd = fc.array(
    fc.tuple(
      fc.constantFrom(...lines),
      fc.oneof(
        fc.constant((text: string) => text),
        damage,
      ),
    ),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(fc.tuple(odd, odd, odd), async (sides) => {
      const store = new MemoryStore();
      await store.putKey(of(HALF), HALF);
      const texts: string[] = [];
      for (const [index, side] of sides.entries()) {
        const text = side
          .map(([row, change]) => `${change(row).replaceAll('\n', ' ').toWellFormed()}\n`)
          .join('');
        await store.putTree(of(text), text);
        const tree = await writeListing(store, [
          { path: 'a.csv', kind: 'f', digest: of(`${index}`), size: 1 },
        ]);
        const stage = {
          code: of(HALF),
          inputs: undefined,
          datums: { table: of(text), count: side.length, failed: 0 },
          outs: new Map([[repoPath('data/clean'), tree]]),
          accepted: new Map(),
        };
        texts.push(formatLockFile({ stages: new Map([['clean', stage]]) }));
      }
      const [base = '', ours = '', theirs = ''] = texts;
      const merged = await mergeText(store, { file: LOCK, texts: { base, ours, theirs }, prefer: undefined });
      if ('text' in merged) parseLockFile(merged.text, LOCK);
    }),
    { numRuns: runs(1000) },
  );
});
