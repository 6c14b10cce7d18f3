import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { HistoryOptions } from '../../../src/history/history-options.ts';
import type { History } from '../../../src/history/history.ts';
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
