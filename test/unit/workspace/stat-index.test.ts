import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import { emptyRows } from '../../../src/workspace/file-rows.ts';
import { readTable, writeTable } from '../../../src/workspace/stat-file.ts';
import { viewOf } from '../../../src/workspace/stat-index.ts';
import { mergeTable, type FileRows } from '../../../src/workspace/stat-merge.ts';
import { flagsOfKind } from '../../../src/workspace/stat-table.ts';
import { snapshotHome } from '../../../src/workspace/snapshot.ts';
import { runs } from '../../rig/property.ts';
import { entryOf, HomeRig, newFolder } from './fixture.ts';

function rowsOf(entries: readonly FileEntry[]): FileRows {
  const rows = emptyRows(entries.map(({ path }) => path));
  entries.forEach((entry, row) => {
    rows.flags[row] = flagsOfKind(entry.kind);
    rows.stats[4 * row] = entry.size;
    rows.digests.set(Buffer.from(entry.digest, 'hex'), 32 * row);
  });
  return rows;
}

const name = fc.constantFrom(
  'a',
  'b',
  'a-b',
  'a.b',
  'ab',
  'z',
  'é',
  '中',
  '\u{1F600}',
  '\uFFFD',
  'B',
  '0',
  'a b',
);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => ['data', ...names].join('/'));
const entry = fc
  .tuple(path, fc.constantFrom('1', '22', '333'), fc.constantFrom('f', 'x', 'l'))
  .map(([at, text, kind]) => entryOf(at, text, kind));
const change = fc.record({
  put: fc.uniqueArray(entry, { maxLength: 12, selector: (one) => one.path }),
  drop: fc.array(path, { maxLength: 6 }),
});

describe('an index', () => {
  it('holds after any changes what was put last and not dropped', () => {
    const file = join(newFolder(), 'index');
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        rmSync(file, { force: true });
        const model = new Map<string, FileEntry>();
        for (const { put, drop } of changes) {
          for (const gone of drop) model.delete(gone);
          for (const one of put) model.set(one.path, one);
          const open = readTable(file);
          const old = open === undefined ? undefined : { table: open.table, digests: open.digests() };
          const meta = { home: 'data', trees: {} };
          const { hot, cold } = mergeTable(old, {
            put: rowsOf(put),
            drop,
            folders: new Map(),
            meta,
            single: false,
          });
          writeTable(file, hot, cold);
        }
        const open = readTable(file);
        const view = open === undefined ? undefined : viewOf(open);
        const wanted = [...model.values()].sort((a, b) => compareBytes(a.path, b.path));
        expect(view?.listing() ?? []).toEqual(wanted);
        for (const one of wanted) expect(view?.entry(one.path)).toEqual(one);
        expect(view?.entry('data/never')).toBeUndefined();
      }),
      { numRuns: runs(300) },
    );
  });

  it('is looked at by several threads with the same result', async () => {
    const rig = new HomeRig();
    for (let folder = 0; folder < 5; folder++) {
      mkdirSync(rig.at(`data/${folder}`), { recursive: true });
      for (let file = 0; file < 700; file++)
        writeFileSync(rig.at(`data/${folder}/${file}`), `${folder} ${file}`);
    }
    await rig.add();
    rmSync(rig.at('data/0/13'));
    rmSync(rig.at('data/4'), { recursive: true });
    replace(rig, 'data/2/699', 'edited');
    rig.write('data/3/new', 'new');
    const alone = await snapshotHome({ ...rig.request(), workers: 0 });
    const together = await snapshotHome({ ...rig.request(), workers: 3 });
    expect(together.edits).toEqual(alone.edits);
    expect(alone.edits.deleted).toHaveLength(701);
    expect([...alone.edits.added, ...alone.edits.changed].map((one) => one.path)).toEqual([
      'data/3/new',
      'data/2/699',
    ]);
  });

  it('stops looking when told to', async () => {
    const rig = new HomeRig();
    rig.write('data/a', 'a');
    await rig.add();
    const stopped = snapshotHome({ ...rig.request(), signal: AbortSignal.abort(new Error('stop')) });
    await expect(stopped).rejects.toThrow('stop');
  });
});

function replace(rig: HomeRig, path: string, text: string): void {
  rmSync(rig.at(path));
  rig.write(path, text);
}
