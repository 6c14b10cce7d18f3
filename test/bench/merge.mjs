// CPU time of the merge driver on a lock with one stage of many datums, a part of which both sides made anew.
//   node test/bench/merge.mjs [--rows 100000] [--rounds 5] [--part 1] [--apart]
// Prints JSON: seconds of CPU (of the median round, in a process of its own) and how many rows differ. With --apart each side
// has made half of those, without it both have made all.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DATAWF, median, run } from './measure.mjs';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    part: { type: 'string', default: '1' },
    apart: { type: 'boolean', default: false },
  },
});
const [rows, rounds, part] = [Number(values.rows), Number(values.rounds), Number(values.part)];
const load = async (name) => await import(new URL(`../../dist/${name}.js`, import.meta.url));
const [{ DiskStore }, { digestHex }, { writeTable }, { writeListing }, { formatLockFile }] =
  await Promise.all(
    ['store/disk-store', 'util/blake3', 'store/tables', 'store/trees', 'formats/lock-file'].map(load),
  );

const folder = mkdtempSync(join(tmpdir(), 'datawf-bench-merge-'));
try {
  await run(['git', 'init', '--quiet', folder]);
  await run([...DATAWF, 'init', '-C', folder]);
  const files = await makeVersions(new DiskStore(join(folder, '.git/datawf')));
  const seconds = [];
  for (let round = 0; round < rounds; round++) {
    const [base, ours, theirs] = Object.entries(files).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const driver = [...DATAWF, 'merge-driver', base, ours, theirs, 'datawf.lock'];
    // The second line that `times` prints is of the children.
    const { stdout } = await run(['/bin/sh', '-c', '"$@" && times', 'sh', ...driver], { cwd: folder });
    const [user, system] = [
      ...stdout
        .trim()
        .split('\n')
        .at(-1)
        .matchAll(/(\d+)m([\d.]+)s/g),
    ];
    seconds.push([user, system].reduce((sum, [, m, sec]) => sum + 60 * Number(m) + Number(sec), 0));
  }
  process.stdout.write(
    `${JSON.stringify({ rows, differing: Math.floor(rows * part), cpuSeconds: median(seconds) })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The three locks, with what they name in the store. */
async function makeVersions(store) {
  const half = JSON.stringify({ outs: { out: { pattern: 'out/{id}.csv' } } });
  const code = digestHex(half);
  await store.putKey(code, half);
  const locks = {};
  for (const side of ['base', 'ours', 'theirs']) {
    const table = [];
    const listing = [];
    for (let row = 0; row < rows; row++) {
      const id = `id-${String(row).padStart(7, '0')}`;
      const turn = (row * 7919) % rows;
      const isOwn = turn < rows * part && (!values.apart || (turn % 2 === 0) === (side === 'ours'));
      const made = isOwn ? side : 'base';
      const [input, content] = [digestHex(`in ${made} ${id}`), digestHex(`out ${made} ${id}`)];
      const entry = { kind: 'f', digest: content, size: 20, path: `${id}.csv` };
      table.push(`ok ${input} ${code} ${digestHex(`f ${content} 20 out/${id}.csv\n`)} id=${id}`);
      listing.push(entry);
    }
    const { table: digest, count } = await writeTable(store, table);
    const tree = await writeListing(store, listing);
    const stage = {
      code,
      inputs: undefined,
      accepted: new Map(),
      datums: { table: digest, count, failed: 0 },
      outs: new Map([['out', tree]]),
    };
    locks[side] = formatLockFile({ stages: new Map([['one', stage]]) });
  }
  return locks;
}
