#!/usr/bin/env node
// node test/bench/plans.mjs [--datums 20000] [--rounds 5] [--dir DIR] [--keep FOLDER]
// Runs a stage of so many days once, and prints, as JSON, milliseconds that plans over it take: with nothing to do, with ten
// days changed, and with new code, so that all of them are stale. --keep makes the repository there, or takes the one it finds.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRepository } from './fixtures.mjs';
import { datawf, median, run } from './measure.mjs';

const { values: options } = parseArgs({
  options: {
    datums: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
    keep: { type: 'string' },
  },
});
const [datums, rounds] = [options.datums, options.rounds].map(Number);
const DAY = 86_400_000;
const day = (index) => new Date(index * DAY).toISOString().slice(0, 10);
const PIPELINE = `stages:
  clean:
    cmd: 'cp "$raw" "$clean"'
    code: [mark.txt]
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
`;

const top = options.keep ?? mkdtempSync(join(options.dir, 'datawf-bench-plans-'));
try {
  if (!existsSync(join(top, 'datawf.lock'))) await makeFixture();
  await datawf(['repro'], { cwd: top });
  const figures = { datums, node: await time(() => run([process.execPath, '-e', '0'])) };
  const half = ['--since', day(datums >> 1), '--until', day(datums)];
  const measure = async (name, commands) => {
    for (const [what, argv] of Object.entries(commands))
      figures[`${name}: ${what}`] = await time(() => datawf(argv, { cwd: top }));
  };
  const before = stamp();
  await measure('nothing', {
    status: ['status'],
    repro: ['repro'],
    'repro -n': ['repro', '-n'],
    'backfill of half': ['backfill', 'clean', ...half],
    'backfill -n of half': ['backfill', 'clean', ...half, '-n'],
    'why of a file': ['why', `clean/${day(3)}.csv`],
    blame: ['blame', `clean/${day(3)}.csv`],
  });
  figures['nothing: wrote nothing'] = stamp() === before;
  for (let index = 0; index < 10; index++) change(`raw/${day(index * 97)}.csv`, 'changed\n');
  await measure('ten files', { status: ['status'], 'repro -n': ['repro', '-n'] });
  await datawf(['repro'], { cwd: top });
  change('mark.txt', `${Date.now()}\n`);
  await measure('code', {
    status: ['status'],
    'repro -n': ['repro', '-n'],
    'backfill -n of half': ['backfill', 'clean', ...half, '-n'],
  });
  change('mark.txt', 'a\n');
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
} finally {
  if (options.keep === undefined) rmSync(top, { recursive: true, force: true });
}

async function makeFixture() {
  await makeRepository(top);
  mkdirSync(join(top, 'raw'));
  for (let index = 0; index < datums; index++)
    writeFileSync(join(top, `raw/${day(index)}.csv`), `${index}\n`);
  writeFileSync(join(top, 'mark.txt'), 'a\n');
  writeFileSync(join(top, 'datawf.yaml'), PIPELINE);
  await datawf(['add', 'raw'], { cwd: top });
  await datawf(['repro', '-q'], { cwd: top });
}

function change(path, text) {
  rmSync(join(top, path), { force: true });
  writeFileSync(join(top, path), text);
}

/** Changes with the tracked lock and whatever the store gets. */
function stamp() {
  const store = join(top, '.git', 'datawf');
  const times = ['results', 'trees', 'runs', 'logs', 'refs'].map((name) =>
    existsSync(join(store, name)) ? statSync(join(store, name)).mtimeMs : 0,
  );
  return JSON.stringify([
    readFileSync(join(top, 'datawf.lock'), 'utf8'),
    statSync(join(top, 'datawf.lock')).mtimeMs,
    times,
  ]);
}

/** Median milliseconds, after one go that isn't counted. */
async function time(work) {
  await work();
  const all = [];
  for (let round = 0; round < rounds; round++) all.push((await work()).ms);
  return Math.round(median(all));
}
