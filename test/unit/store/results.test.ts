import { describe, expect, it } from 'vitest';
import { formatResultLine, parseResultLine } from '../../../src/formats/result-line.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { ResultRecord } from '../../../src/model/result.ts';
import { compactResults } from '../../../src/store/compact-results.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { ResultWriter } from '../../../src/store/result-writer.ts';
import { openResults } from '../../../src/store/results.ts';
import { digestHex } from '../../../src/util/blake3.ts';

const d = (text: string): Digest => digestHex(text) as Digest;
const CODE = d('code');

function record(input: string, result = `${input} result`, run = 'R1'): ResultRecord {
  return {
    input: d(input),
    result: d(result),
    outs: [{ path: 'data/out.csv', kind: 'f', digest: d('bytes'), size: 5 }],
    made: { host: 'here', sandbox: true },
    run,
    seconds: 1.5,
    deps: { raw: `f ${d('raw')} 3 data/raw.csv` },
  };
}

async function write(store: MemoryStore, run: string, records: readonly ResultRecord[]): Promise<void> {
  const writer = new ResultWriter({ store, run, batch: '0' });
  for (const one of records) writer.add(CODE, one);
  await writer.close();
}

describe('a result as a line', () => {
  it('reads back as it was written', () => {
    expect(parseResultLine(formatResultLine(record('a')))).toEqual(record('a'));
  });

  it('has the input first, then the result', () => {
    expect(formatResultLine(record('a'))).toMatch(
      /^\{"input":"[0-9a-f]{64}","result":"[0-9a-f]{64}","outs":\[\["f",/,
    );
  });

  it('may have fields of later versions', () => {
    const line = formatResultLine(record('a')).replace('"run"', '"later":1,"run"');
    expect(parseResultLine(line)).toEqual(record('a'));
  });

  it.each([
    ['no digest', formatResultLine(record('a')).replace(/"input":"[0-9a-f]{64}"/, '"input":"x"')],
    ['a path that climbs', formatResultLine(record('a')).replace('data/out.csv', '../out.csv')],
    ['a negative size', formatResultLine(record('a')).replace(',5,', ',-5,')],
    ['a cut end', formatResultLine(record('a')).slice(0, -1)],
  ])('with %s is none', (_, line) => {
    expect(parseResultLine(line)).toBeUndefined();
  });
});

describe('the run cache', () => {
  it('finds a result by its input half', async () => {
    const store = new MemoryStore();
    await write(store, 'R1', [record('a'), record('b')]);
    const results = await openResults(store, CODE);
    expect(results.count).toBe(2);
    expect(results.find(d('b'))).toEqual(record('b'));
    expect(results.find(d('c'))).toBeUndefined();
    expect((await openResults(store, d('other code'))).count).toBe(0);
  });

  it('prefers the result that is pinned, else the newest', async () => {
    const store = new MemoryStore();
    await write(store, 'R1', [record('a', 'one', 'R1')]);
    await write(store, 'R3', [record('a', 'three', 'R3')]);
    await write(store, 'R2', [record('a', 'two', 'R2')]);
    const results = await openResults(store, CODE);
    expect(results.find(d('a'))?.result).toBe(d('three'));
    expect(results.find(d('a'), d('one'))?.result).toBe(d('one'));
    expect(results.find(d('a'), d('unknown'))?.result).toBe(d('three'));
  });

  it('passes over a last line that was cut short', async () => {
    const store = new MemoryStore();
    await store.putSegment(CODE, 'R1-0-1.ndjson', `${formatResultLine(record('a'))}\n{"input":"`);
    const results = await openResults(store, CODE);
    expect(results.count).toBe(1);
    expect(results.find(d('a'))).toEqual(record('a'));
  });

  it('tells of a line in between that is damaged', async () => {
    const store = new MemoryStore();
    await store.putSegment(CODE, 'R1-0-1.ndjson', `x\n${formatResultLine(record('a'))}\n`);
    await expect(openResults(store, CODE)).rejects.toMatchObject({
      code: 'corrupt-results',
      exit: 7,
      message: expect.stringContaining('R1-0-1.ndjson is damaged in line 1'),
    });
  });
});

describe('writing results', () => {
  it('makes one segment a code half and flush', async () => {
    const store = new MemoryStore();
    const writer = new ResultWriter({ store, run: 'R1', batch: 'b7' });
    writer.add(CODE, record('a'));
    writer.add(d('other'), record('b'));
    await writer.flush();
    writer.add(CODE, record('c'));
    await writer.close();
    expect(await store.listSegments(CODE)).toEqual(['R1-b7-000000.ndjson', 'R1-b7-000002.ndjson']);
    expect(await store.listSegments(d('other'))).toEqual(['R1-b7-000001.ndjson']);
  });

  it('writes by itself within its interval', async () => {
    const store = new MemoryStore();
    const writer = new ResultWriter({ store, run: 'R1', batch: '0', interval: 1 });
    writer.add(CODE, record('a'));
    await expect.poll(() => store.listSegments(CODE)).toHaveLength(1);
    await writer.close();
  });

  it('writes nothing where there is nothing', async () => {
    const store = new MemoryStore();
    await write(store, 'R1', []);
    expect(await store.listSegments(CODE)).toEqual([]);
  });

  it('throws what a write failed with, and keeps the lines for the next', async () => {
    const store = new MemoryStore();
    const put = store.putSegment.bind(store);
    store.putSegment = () => Promise.reject(new Error('full'));
    const writer = new ResultWriter({ store, run: 'R1', batch: '0' });
    writer.add(CODE, record('a'));
    await expect(writer.flush()).rejects.toThrow('full');
    store.putSegment = put;
    await writer.close();
    expect((await openResults(store, CODE)).find(d('a'))).toEqual(record('a'));
  });
});

describe('merging segments', () => {
  it('leaves up to 64 alone', async () => {
    const store = new MemoryStore();
    for (let run = 0; run < 64; run++) await write(store, `R${run}`, [record(String(run))]);
    expect(await compactResults(store, CODE)).toBe(false);
  });

  it('makes one of many and loses nothing', async () => {
    const store = new MemoryStore();
    for (let run = 100; run < 180; run++) {
      await write(store, `R${run}`, [record(String(run)), record('same', `of ${run % 2}`, `R${run}`)]);
    }
    expect(await compactResults(store, CODE)).toBe(true);
    expect(await store.listSegments(CODE)).toHaveLength(1);
    const results = await openResults(store, CODE);
    expect(results.count).toBe(82);
    expect(results.find(d('150'))).toEqual(record('150'));
    expect(results.find(d('same'))?.result).toBe(d('of 1'));
    expect(results.find(d('same'), d('of 0'))?.run).toBe('R178');
  });
});
