import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HistoryOptions } from '../../../src/history/history-options.ts';
import type { History, RunFilter } from '../../../src/history/history.ts';
import { createHistory } from '../../../src/history/store-history.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { NO_COUNTS } from '../../../src/model/outcome.ts';
import {
  NO_TOTALS,
  type AttemptRecord,
  type RowRecord,
  type RunHead,
  type StageRecord,
} from '../../../src/model/run-record.ts';

const DIGEST = 'a'.repeat(64) as Digest;
const START = 1_700_000_000_000;

const HEAD: RunHead = {
  kind: 'repro',
  argv: ['repro', '--token=abc'],
  user: { name: 'Ada', mail: 'ada@example.org' },
  client: '0.1.0',
  process: { host: 'here', pid: 1, boot: '', started: '' },
  branch: 'main',
  commit: 'c0ffee',
  dirty: false,
  environment: 'local',
  executor: 'local',
};

interface Rig {
  readonly history: History;
  readonly files: Map<string, Uint8Array>;
  time: number;
  alive: boolean | undefined;
  full: boolean;
}

function makeRig(options: Partial<HistoryOptions> = {}): Rig {
  const files = new Map<string, Uint8Array>();
  let seed = 0;
  const rig = { files, time: START, alive: true as boolean | undefined, full: false };
  const history = createHistory({
    store: {
      readFile: async (name) => files.get(name),
      writeFile: async (name, bytes) => {
        if (rig.full) throw new Error('disk full');
        files.set(name, bytes);
        return true;
      },
      listFiles: async (prefix) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
      removeFile: async (name) => void files.delete(name),
    },
    now: () => rig.time,
    random: () => ((seed = (seed * 7 + 3) % 1_000), seed / 1_000),
    isAlive: () => rig.alive,
    ...options,
  });
  return Object.assign(rig, { history });
}

const stageRecord = (stage: string): StageRecord => ({
  stage,
  code: DIGEST,
  why: [{ kind: 'never-run', count: 2 }],
  whyNot: [{ kind: 'waiting', count: 1, detail: 'raw' }],
  counts: { ...NO_COUNTS, planned: 2, ran: 2 },
  seconds: 1.5,
  trees: { 'data/clean': { after: DIGEST } },
});

const attemptRecord = (stage: string, datum: string, attempt = 1): AttemptRecord => ({
  stage,
  datum,
  attempt,
  state: 'ok',
  key: { code: DIGEST, input: DIGEST },
  reason: 'never-run',
  queued: START,
  started: START + 1,
  ended: START + 2,
  bytesIn: 10,
  bytesOut: 20,
});

const rowRecord = (datum: string, path: string): RowRecord => ({
  stage: 'clean',
  datum,
  how: 'ran',
  result: DIGEST,
  outs: { [path]: DIGEST },
  files: 1,
});

const SEAL = {
  state: 'done',
  exit: 0,
  counts: { ...NO_COUNTS, planned: 2, ran: 2 },
  totals: NO_TOTALS,
} as const;

/** A sealed run that put one file in place. */
async function makeRun(
  rig: Rig,
  more: { head?: Partial<RunHead>; stage?: string; path?: string } = {},
): Promise<string> {
  const run = await rig.history.openRun({ ...HEAD, ...more.head });
  run.stage(stageRecord(more.stage ?? 'clean'));
  run.row(rowRecord('-', more.path ?? 'data/clean/1.csv'));
  await run.seal(SEAL);
  rig.time += 1_000;
  return run.id;
}

describe('the index of the log', () => {
  /** A rig whose reads are counted, with an index on disk. */
  function makeIndexed(): { rig: Rig; again: () => Rig; file: string; reads: () => number } {
    const folder = mkdtempSync(join(tmpdir(), 'datawf-log-index-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'index', 'log');
    let reads = 0;
    const rig = makeRig({ indexFile: file });
    const again = (): Rig => {
      const next = makeRig({
        indexFile: file,
        store: {
          readFile: async (name) => (reads++, rig.files.get(name)),
          writeFile: async () => true,
          listFiles: async (prefix) => [...rig.files.keys()].filter((name) => name.startsWith(prefix)).sort(),
          removeFile: async (name) => void rig.files.delete(name),
        },
      });
      return Object.assign(next, { alive: rig.alive });
    };
    return { rig, again, file, reads: () => reads };
  }

  async function runs(rig: Rig): Promise<readonly string[]> {
    return (await rig.history.listRuns()).map((run) => run.id);
  }

  it('lists and filters runs that have ended without reading a record', async () => {
    const { rig, again, reads } = makeIndexed();
    const first = await makeRun(rig, { path: 'data/a/1.csv', head: { branch: 'zürich' } });
    const second = await makeRun(rig, { path: 'data/b/1.csv', stage: 'monthly' });
    const other = again();
    expect(await runs(other)).toEqual([second, first]);
    const listed = async (filter: RunFilter): Promise<string[]> =>
      (await other.history.listRuns(filter)).map((run) => run.id);
    expect(await listed({ path: 'data/a/1.csv' })).toEqual([first]);
    expect(await listed({ path: 'data/b' })).toEqual([second]);
    expect(await listed({ path: 'data' })).toEqual([second, first]);
    expect(await listed({ path: 'data/a/2.csv' })).toEqual([]);
    expect(await listed({ branch: 'zürich' })).toEqual([first]);
    expect(await listed({ stages: ['monthly', 'x'] })).toEqual([second]);
    expect(await listed({ state: 'failed' })).toEqual([]);
    expect((await other.history.listRuns({ limit: 1 }))[0]).toMatchObject({
      id: second,
      exit: 0,
      stages: [{ stage: 'monthly', why: [{ kind: 'never-run', count: 2 }] }],
    });
    expect(reads()).toBe(0);
  });

  it('is made anew where it is missing', async () => {
    const { rig, again, file, reads } = makeIndexed();
    const ids = [await makeRun(rig), await makeRun(rig)].reverse();
    rmSync(file);
    expect(await runs(again())).toEqual(ids);
    const before = reads();
    expect(before).toBeGreaterThan(0);
    expect(await runs(again())).toEqual(ids);
    expect(reads()).toBe(before);
  });

  it('takes in runs that it lacks, and forgets those that are gone', async () => {
    const { rig, again, file, reads } = makeIndexed();
    const first = await makeRun(rig);
    const kept = readFileSync(file);
    const second = await makeRun(rig);
    writeFileSync(file, kept);
    expect(await runs(again())).toEqual([second, first]);
    const before = reads();
    expect(await runs(again())).toEqual([second, first]);
    expect(reads()).toBe(before);
    for (const name of [...rig.files.keys()]) if (name.includes(first)) rig.files.delete(name);
    expect(await runs(again())).toEqual([second]);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 7)],
    ['damaged in its last run', (bytes: Buffer) => bytes.fill(0x41, bytes.length - 40)],
    ['damaged at its beginning', (bytes: Buffer) => bytes.fill(0, 0, 5)],
    ['damaged in a length', (bytes: Buffer) => bytes.fill(0xff, 13, 17)],
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('hello')],
  ])('is mended where it is %s', async (_, damage) => {
    const { rig, again, file, reads } = makeIndexed();
    const ids = [await makeRun(rig), await makeRun(rig), await makeRun(rig)].reverse();
    writeFileSync(file, damage(readFileSync(file)));
    expect(await runs(again())).toEqual(ids);
    const before = reads();
    expect(await runs(again())).toEqual(ids);
    expect(reads()).toBe(before);
  });

  it('reads a run that works each time, and keeps a lost one once its process is gone', async () => {
    const { rig, again, reads } = makeIndexed();
    const writer = await rig.history.openRun(HEAD);
    writer.stage(stageRecord('clean'));
    await writer.flush();
    expect((await again().history.listRuns())[0]).toMatchObject({
      state: 'running',
      stages: [{ stage: 'clean' }],
    });
    rig.alive = false;
    expect((await again().history.listRuns())[0]).toMatchObject({ state: 'lost' });
    const before = reads();
    expect((await again().history.listRuns({ state: 'lost' }))[0]).toMatchObject({ id: writer.id });
    expect(reads()).toBe(before);
    await writer.seal(SEAL);
  });

  it('has the times of attempts and the sums of stages', async () => {
    const { rig, again, reads } = makeIndexed();
    const run = await rig.history.openRun(HEAD);
    run.stage(stageRecord('clean'));
    run.attempt({ ...attemptRecord('clean', 'd=a'), started: START + 10, ended: START + 1510 });
    run.attempt({ ...attemptRecord('monthly', '-'), state: 'failed' });
    await run.seal(SEAL);
    const sums = [...(await again().history.sumRuns())];
    expect(sums).toMatchObject([
      { state: SEAL.state, stages: [{ stage: 'clean' }, { stage: 'monthly', seconds: 0 }] },
    ]);
    const { seconds, counts } = stageRecord('clean');
    const { planned, ran, cached, identical, failed } = counts;
    expect(sums[0]!.stages[0]).toEqual({
      stage: 'clean',
      seconds,
      counts: { planned, ran, cached, identical, failed },
    });
    const { attempts } = sums[0]!;
    expect(attempts).toEqual([
      { stage: 'clean', state: 'ok', started: START + 10, ended: START + 1510 },
      { stage: 'monthly', state: 'failed', started: START + 1, ended: START + 2 },
    ]);
    expect([...(await again().history.sumRuns({ stages: ['monthly'] }))][0]!.attempts).toEqual(
      attempts.slice(1),
    );
    expect(reads()).toBe(0);
  });
});

describe('a run', () => {
  it('is readable with its stages once it is sealed', async () => {
    const rig = makeRig();
    const id = await makeRun(rig);
    expect(await rig.history.readRun(id)).toMatchObject({
      ...HEAD,
      argv: ['repro', '--token=***'],
      id,
      state: 'done',
      exit: 0,
      start: START,
      end: START,
      counts: SEAL.counts,
      stages: [stageRecord('clean')],
    });
  });

  it('shows what is flushed while it works', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.stage(stageRecord('clean'));
    run.attempt(attemptRecord('clean', 'date=2024-01-01'));
    await run.flush();
    expect(await rig.history.readRun(run.id)).toMatchObject({
      state: 'running',
      stages: [{ stage: 'clean' }],
    });
    expect(await rig.history.readAttempts(run.id)).toMatchObject([{ datum: 'date=2024-01-01', state: 'ok' }]);
    await run.seal(SEAL);
  });

  it('flushes by itself within the interval', async () => {
    const rig = makeRig({ flushMs: 1 });
    const run = await rig.history.openRun(HEAD);
    run.attempt(attemptRecord('clean', '-'));
    await expect.poll(() => rig.history.readAttempts(run.id)).toHaveLength(1);
    await run.seal(SEAL);
  });

  it('keeps the last record of a stage', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.stage(stageRecord('clean'));
    run.stage({ ...stageRecord('clean'), seconds: 9 });
    await run.seal(SEAL);
    expect((await rig.history.readRun(run.id)).stages).toMatchObject([{ seconds: 9 }]);
  });

  it('writes again what could not be written', async () => {
    const rig = makeRig({ flushMs: 1e6 });
    const run = await rig.history.openRun(HEAD);
    rig.full = true;
    run.attempt(attemptRecord('clean', '1'));
    await expect(run.flush()).rejects.toThrow('disk full');
    rig.full = false;
    run.attempt(attemptRecord('clean', '2'));
    await run.seal(SEAL);
    expect((await rig.history.readAttempts(run.id)).map((attempt) => attempt.datum)).toEqual(['1', '2']);
  });

  it('is lost once its process is gone, with the stages it had recorded', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.stage(stageRecord('clean'));
    await run.flush();
    rig.alive = false;
    expect(await rig.history.readRun(run.id)).toMatchObject({
      state: 'lost',
      end: START,
      stages: [{ stage: 'clean' }],
    });
    await run.seal(SEAL);
  });

  it('without an end comes to what its stages and finished attempts came to', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.attempt(attemptRecord('clean', '1'));
    run.attempt(attemptRecord('clean', '2'));
    run.stage(stageRecord('clean'));
    run.attempt({ ...attemptRecord('join', '1'), state: 'failed' });
    run.attempt({ ...attemptRecord('join', '1', 2), ended: START + 1_001 });
    run.attempt({ ...attemptRecord('join', '2'), state: 'waiting' });
    await run.flush();
    const counts = { ...NO_COUNTS, planned: 4, ran: 3, waiting: 1 };
    expect(await rig.history.readRun(run.id)).toMatchObject({ state: 'running', counts });
    rig.alive = false;
    const lost = await rig.history.readRun(run.id);
    expect(lost).toMatchObject({ state: 'lost', end: START + 1_001, counts });
    expect(lost.totals.commandSeconds).toBeCloseTo(1.004);
    expect(lost.totals).toMatchObject({ bytesIn: 50, bytesOut: 100 });
    await run.seal(SEAL);
  });

  it('is lost once its heartbeat is old, where its process cannot be asked', async () => {
    const rig = makeRig({ heartbeatMs: 1 });
    rig.alive = undefined;
    const run = await rig.history.openRun(HEAD);
    rig.time += 5;
    await expect.poll(() => [...rig.files.keys()].includes(`runs/${run.id}/alive.json`)).toBe(true);
    expect(await rig.history.readRun(run.id)).toMatchObject({ state: 'running' });
    rig.time += 1_000;
    const files = new Map(rig.files);
    await run.seal(SEAL);
    expect([...rig.files.keys()].filter((name) => name.endsWith('alive.json'))).toEqual([]);
    const other = makeRig({ heartbeatMs: 1 });
    for (const [name, bytes] of files) other.files.set(name, bytes);
    other.alive = undefined;
    other.time = rig.time + 100_000;
    expect(await other.history.readRun(run.id)).toMatchObject({ state: 'lost' });
  });

  it('is found by a prefix in any case, and told apart from others', async () => {
    const rig = makeRig();
    const [first, second] = [await makeRun(rig), await makeRun(rig)];
    const unique = Array.from(first).findIndex((letter, index) => letter !== second[index]) + 1;
    expect(await rig.history.readRun(first.slice(0, unique).toLowerCase())).toMatchObject({ id: first });
    await expect(rig.history.readRun('0')).rejects.toMatchObject({ code: 'ambiguous-run', exit: 2 });
    await expect(rig.history.readRun('ZZZ')).rejects.toMatchObject({ code: 'no-run', exit: 4 });
    await expect(rig.history.readRun('')).rejects.toMatchObject({ code: 'no-run' });
  });
});

describe('runs are listed', () => {
  it('newest first, as many as asked for', async () => {
    const rig = makeRig();
    const [first, second, third] = [await makeRun(rig), await makeRun(rig), await makeRun(rig)];
    expect((await rig.history.listRuns()).map((run) => run.id)).toEqual([third, second, first]);
    expect((await rig.history.listRuns({ limit: 1 })).map((run) => run.id)).toEqual([third]);
  });

  it('by time, state, branch, stage and path', async () => {
    const rig = makeRig();
    const one = await makeRun(rig, { head: { branch: 'test' } });
    const two = await makeRun(rig, { stage: 'sub:report', path: 'report.html' });
    const ids = async (filter: object): Promise<string[]> =>
      (await rig.history.listRuns(filter)).map((run) => run.id);
    expect(await ids({ since: START + 1 })).toEqual([two]);
    expect(await ids({ until: START + 1_000 })).toEqual([one]);
    expect(await ids({ state: 'failed' })).toEqual([]);
    expect(await ids({ branch: 'test' })).toEqual([one]);
    expect(await ids({ stage: 'sub:report' })).toEqual([two]);
    expect(await ids({ path: 'data/clean' })).toEqual([one]);
    expect(await ids({ path: 'report.html' })).toEqual([two]);
  });

  it('without what is damaged or foreign', async () => {
    const rig = makeRig();
    const id = await makeRun(rig);
    rig.files.set('runs/9999999999999-notes.json', Buffer.from('{}'));
    const name = [...rig.files.keys()].find((key) => key.endsWith(`${id}.json`))!;
    rig.files.set(name, Buffer.from('{"id":'));
    expect(await rig.history.listRuns()).toEqual([]);
  });

  it('in an order that a plain LIST gives', async () => {
    const rig = makeRig();
    const ids = [await makeRun(rig), await makeRun(rig)];
    const heads = [...rig.files.keys()].filter((name) => name.startsWith('runs/')).sort();
    expect(heads.map((name) => name.slice(-31, -5))).toEqual(ids.reverse());
  });
});

describe('records', () => {
  it('are filtered by stage, datum and attempt', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.attempt(attemptRecord('clean', '1'));
    run.attempt(attemptRecord('clean', '1', 2));
    run.attempt(attemptRecord('clean', '2'));
    run.attempt(attemptRecord('report', '1'));
    await run.seal(SEAL);
    expect(await rig.history.readAttempts(run.id, { stage: 'clean', datum: '1' })).toHaveLength(2);
    expect(await rig.history.readAttempts(run.id, { attempt: 2 })).toHaveLength(1);
  });

  it('keep the first 1,000 outs of a row and count all', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    const outs = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`d/${index}`, DIGEST]));
    run.row({ ...rowRecord('-', 'd/0'), outs, files: 1_500 });
    await run.seal(SEAL);
    const [row] = await rig.history.readRows(run.id);
    expect(Object.keys(row!.outs)).toHaveLength(1_000);
    expect(row!.files).toBe(1_500);
  });

  it('survive a damaged piece beside them', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.attempt(attemptRecord('clean', '1'));
    await run.seal(SEAL);
    rig.files.set(`logs/${run.id}/_records/000002.ndjson.gz`, Buffer.from('not gzip'));
    expect(await rig.history.readAttempts(run.id)).toHaveLength(1);
  });
});

describe('logs', () => {
  const line = (
    text: string,
    datum = '-',
  ): { time: number; datum: string; attempt: number; stream: 'out'; text: string } => ({
    time: START,
    datum,
    attempt: 1,
    stream: 'out',
    text,
  });
  const texts = async (history: History, run: string, ...more: [object?, string?]): Promise<string[]> => {
    const found: string[] = [];
    for await (const piece of history.readLogs(run, ...more))
      found.push(...piece.lines.map((one) => `${piece.stage} ${one.text}`));
    return found;
  };

  it('come back in the order in which they were flushed, over stages and by filter', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.log('sub:clean', line('one', 'a'));
    await run.flush();
    run.log('fetch', line('two', 'b'));
    await run.flush();
    run.log('sub:clean', line('three', 'b'));
    await run.seal(SEAL);
    expect(await texts(rig.history, run.id)).toEqual(['sub:clean one', 'fetch two', 'sub:clean three']);
    expect(await texts(rig.history, run.id, { stage: 'sub:clean' })).toEqual([
      'sub:clean one',
      'sub:clean three',
    ]);
    expect(await texts(rig.history, run.id, { datum: 'b' })).toEqual(['fetch two', 'sub:clean three']);
  });

  it('go on behind a cursor', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.log('fetch', line('one'));
    await run.flush();
    let cursor = '';
    for await (const piece of rig.history.readLogs(run.id)) ({ cursor } = piece);
    run.log('fetch', line('two'));
    await run.seal(SEAL);
    expect(await texts(rig.history, run.id, {}, cursor)).toEqual(['fetch two']);
  });

  it('are gzipped lines of JSON, readable without datawf', async () => {
    const rig = makeRig();
    const run = await rig.history.openRun(HEAD);
    run.log('fetch', line('one'));
    await run.seal(SEAL);
    const bytes = rig.files.get(`logs/${run.id}/fetch/0-000001.ndjson.gz`)!;
    expect(gunzipSync(bytes).toString()).toBe(`${JSON.stringify(line('one'))}\n`);
  });
});
