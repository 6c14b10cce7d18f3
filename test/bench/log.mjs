#!/usr/bin/env node
// node test/bench/log.mjs [--attempts 100000] [--runs 1000] [--rounds 5] [--dir DIR] [--keep FOLDER]
// Makes a history through the build's own writer and prints, as JSON, what `datawf log` takes over it.
// --keep makes it in a folder that stays.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRepository } from './fixtures.mjs';
import { datawf, median, run } from './measure.mjs';

const { values: options } = parseArgs({
  options: {
    attempts: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
    keep: { type: 'string' },
  },
});
const [attempts, runs, rounds] = [options.attempts, options.runs, options.rounds].map(Number);
const STAGES = ['fetch', 'clean', 'monthly', 'report'];
const HOUR = 3_600_000;
const DIGEST = 'ab'.repeat(32);

const top = options.keep ?? mkdtempSync(join(options.dir, 'datawf-bench-log-'));
try {
  await makeRepository(top);
  writeFileSync(
    join(top, 'datawf.yaml'),
    `stages:\n${STAGES.map((stage) => `  ${stage}: {cmd: "true", outs: {out: data/${stage}/}}\n`).join('')}`,
  );
  await makeHistory();
  const index = join(top, '.git', 'datawf', 'index', 'log');
  const figures = {
    attempts,
    runs,
    indexBytes: statSync(index).size,
    node: await time(() => run([process.execPath, '-e', '0'])),
    version: await time(() => datawf(['--version'], { cwd: top })),
  };
  const commands = {
    newest: ['log', '--limit', '20'],
    failed: ['log', '--state', 'failed', '--limit', '20'],
    stage: ['log', 'clean', '--limit', '20'],
    path: ['log', `data/clean/${String(attempts >> 1)}.csv`],
    folder: ['log', 'data/clean', '--limit', '20'],
    window: ['log', '--since', '2024-01-10', '--until', '2024-01-12', '--json'],
    stats: ['log', '--stats'],
    stageStats: ['log', 'clean', '--stats', '--json'],
    all: ['log', '--json'],
  };
  for (const [name, argv] of Object.entries(commands))
    figures[name] = await time(() => datawf(argv, { cwd: top }));
  rmSync(index);
  figures.rebuild = Math.round((await datawf(['log', '--state', 'lost'], { cwd: top })).ms);
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
} finally {
  if (options.keep === undefined) rmSync(top, { recursive: true, force: true });
}

/** Median milliseconds, after one go that isn't counted. */
async function time(work) {
  await work();
  const all = [];
  for (let round = 0; round < rounds; round++) all.push((await work()).ms);
  return Math.round(median(all));
}

async function makeHistory() {
  const dist = new URL('../../dist/', import.meta.url);
  if (!existsSync(dist)) throw new Error('There is no build. Run: npm run build');
  const [{ createHistory }, { DiskStore }] = await Promise.all([
    import(new URL('history/store-history.js', dist)),
    import(new URL('store/disk-store.js', dist)),
  ]);
  let now = Date.parse('2024-01-01T00:00:00Z');
  const history = createHistory({
    store: new DiskStore(join(top, '.git', 'datawf')),
    now: () => now,
    random: Math.random,
    isAlive: () => true,
    indexFile: join(top, '.git', 'datawf', 'index', 'log'),
    flushMs: 1e9,
    heartbeatMs: 1e9,
  });
  for (let number = 0; number < runs; number++) {
    await makeRun(history, number, now);
    now += HOUR;
  }
}

async function makeRun(history, number, start) {
  const writer = await history.openRun(headOf(number));
  const first = Math.floor((number * attempts) / runs);
  const last = Math.floor(((number + 1) * attempts) / runs);
  for (let at = first; at < last; at++) {
    const stage = STAGES[at % STAGES.length];
    const key = { code: DIGEST, input: DIGEST };
    const times = { queued: start, started: start + at, ended: start + at + 100 + (at % 900) };
    const state = at % 97 === 0 ? 'failed' : 'ok';
    const usage = { bytesIn: 1, bytesOut: 1, cpuSeconds: 0.1, peakMemory: 1 << 20 };
    writer.attempt({
      stage,
      datum: `d=${at}`,
      attempt: 1,
      state,
      key,
      reason: 'input-changed',
      ...times,
      ...usage,
    });
    const outs = { [`data/${stage}/${at}.csv`]: DIGEST };
    writer.row({ stage, datum: `d=${at}`, how: 'ran', key, result: DIGEST, outs, files: 1 });
  }
  const counts = countsOf(last - first);
  for (const stage of STAGES) {
    const why = [{ kind: 'input-changed', count: 1, paths: [`data/${stage}/${first}.csv`] }];
    const trees = { [`data/${stage}`]: { before: DIGEST, after: DIGEST } };
    writer.stage({ stage, code: DIGEST, why, whyNot: [], counts, seconds: 1.5, trees });
  }
  const totals = { commandSeconds: 1, cpuSeconds: 1, peakMemory: 1, bytesIn: 1, bytesOut: 1 };
  const failed = number % 10 === 0;
  await writer.seal({ state: failed ? 'failed' : 'done', exit: failed ? 3 : 0, counts, totals });
}

function headOf(number) {
  return {
    kind: 'repro',
    argv: ['repro'],
    user: { name: 'Bench', mail: 'bench@example.org' },
    client: '0.1.0',
    process: { host: 'bench', pid: 1, boot: '', started: '' },
    branch: number % 3 === 0 ? 'trial' : 'main',
    commit: DIGEST.slice(0, 40),
    dirty: false,
    environment: 'local',
    executor: 'local',
  };
}

function countsOf(ran) {
  return { planned: ran, ran, cached: 0, identical: 0, failed: 0, blocked: 0, waiting: 0, skipped: 0 };
}
