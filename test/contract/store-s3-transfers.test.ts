import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { openS3Store, type S3StoreOptions } from '../../src/store/s3-store.ts';
import { partBytesFor } from '../../src/store/s3-upload.ts';
import type { Store } from '../../src/store/store.ts';
import { digestHex } from '../../src/util/blake3.ts';
import type { FakeRequest } from '../rig/fake-s3.ts';
import { useFakeS3 } from '../rig/use-fake-s3.ts';

const PART = 1000;
/** Nine parts and a bit, each different. */
const BYTES = Buffer.from(Array.from({ length: 9 * PART + 7 }, (_, at) => (at * 31 + (at >> 8)) & 0xff));
const DIGEST = digestHex(BYTES) as Digest;
const KEY = `p/objects/${DIGEST.slice(0, 2)}/${DIGEST}`;

const fake = await useFakeS3();
let folder: string;
let file: string;
let store: Store;
let others: Store[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'datawf-s3-transfers-'));
  file = join(folder, 'file');
  writeFileSync(file, BYTES);
  others = [];
  store = await open();
  await store.writeFile('refs/main.json', Buffer.from('{}'));
  fake.requests.length = 0;
});
afterEach(async () => {
  for (const other of others) await other.close();
  rmSync(folder, { recursive: true });
});

async function open(options: Partial<S3StoreOptions> = {}): Promise<Store> {
  const opened = await openS3Store({
    url: 's3://test/p',
    endpoint: fake.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    env: { AWS_ACCESS_KEY_ID: 'AKFAKE', AWS_SECRET_ACCESS_KEY: 'secret' },
    now: Date.now,
    random: () => 0,
    tempFolder: join(folder, 'temp'),
    ...options,
    tuning: {
      attempts: 2,
      partsFrom: 2 * PART,
      partBytes: PART,
      rangeBytes: PART,
      memoryBytes: 8192,
      ...options.tuning,
    },
  });
  others.push(opened);
  return opened;
}

const isPart = ({ query }: FakeRequest): boolean => query.has('partNumber');
const records = (): string[] =>
  readdirSync(join(folder, 'temp')).filter((name) => name.startsWith('s3-upload-'));
const parts = (): number[] =>
  fake.requests
    .filter(isPart)
    .map(({ query }) => Number(query.get('partNumber')))
    .sort((a, b) => a - b);

describe('a large file', () => {
  it('goes up in parts, some at once and within its memory', async () => {
    await store.putObject(DIGEST, file);
    expect(fake.read(KEY)?.equals(BYTES)).toBe(true);
    expect(parts()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(fake.mostAtOnce).toBeLessThanOrEqual(8);
    expect(records()).toEqual([]);
    expect(fake.uploads.size).toBe(0);
  });

  it.each([
    [100, 100],
    [1e9, 16 << 20],
    [200 * 1024 ** 3, 21 << 20],
    [5 * 1024 ** 4, 525 << 20],
  ])('of %i bytes has parts of %i', (size, bytes) => {
    expect(partBytesFor(size, Math.min(size, 16 << 20))).toBe(bytes);
    expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(10_000);
  });

  it('that is there costs one question', async () => {
    const big = Buffer.alloc(1 << 20, 'x');
    const digest = digestHex(big) as Digest;
    writeFileSync(file, big);
    await (await open({ tuning: { partBytes: 1 << 18, memoryBytes: 1 << 20 } })).putObject(digest, file);
    fake.requests.length = 0;
    await store.putObject(digest, file);
    expect(fake.requests.map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('whose bytes aren’t its name’s leaves nothing', async () => {
    const other = digestHex('other') as Digest;
    await expect(store.putObject(other, file)).rejects.toMatchObject({ code: 'corrupt-object', exit: 7 });
    expect(fake.keys('p/objects/')).toEqual([]);
    expect(fake.uploads.size).toBe(0);
    expect(records()).toEqual([]);
  });

  it('that somebody else stores meanwhile is stored', async () => {
    fake.fault(({ method, query }) => {
      if (method === 'POST' && query.has('uploadId')) fake.write(KEY, BYTES);
      return undefined;
    });
    await store.putObject(DIGEST, file);
    expect(fake.uploads.size).toBe(0);
  });

  it('whose last answer is lost is stored', async () => {
    fake.failFirst(
      1,
      { kind: 'lost-answer' },
      ({ method, query }) => method === 'POST' && query.has('uploadId'),
    );
    await store.putObject(DIGEST, file);
    expect(fake.read(KEY)?.equals(BYTES)).toBe(true);
    expect(records()).toEqual([]);
  });

  it('comes by ranges, some at once and whole', async () => {
    fake.settings.latency = 5;
    fake.write(KEY, BYTES);
    const out = join(folder, 'out');
    await store.fetchObject(DIGEST, out);
    expect(readFileSync(out).equals(BYTES)).toBe(true);
    expect(fake.requests).toHaveLength(10);
    expect(fake.mostAtOnce).toBeGreaterThan(1);
    expect(readdirSync(folder).sort()).toEqual(['file', 'out', 'temp']);
  });

  it('comes whole from a server without ranges', async () => {
    fake.settings.ranges = false;
    fake.write(KEY, BYTES);
    const out = join(folder, 'out');
    await store.fetchObject(DIGEST, out);
    expect(readFileSync(out).equals(BYTES)).toBe(true);
  });

  it.each(['truncate', 'reset'] as const)('comes whole although ranges fail once: %s', async (kind) => {
    fake.write(KEY, BYTES);
    const seen = new Set<string>();
    fake.fault(({ headers }) => {
      const range = headers.range ?? '';
      if (seen.has(range)) return undefined;
      seen.add(range);
      return { kind };
    });
    const out = join(folder, 'out');
    await store.fetchObject(DIGEST, out);
    expect(readFileSync(out).equals(BYTES)).toBe(true);
  });

  it.each([0, 4, 9])('with a wrong byte in range %i is not kept', async (number) => {
    fake.write(KEY, BYTES);
    fake.fault(({ headers }) =>
      headers.range?.startsWith(`bytes=${number * PART}-`) ? { kind: 'flip' } : undefined,
    );
    await expect(store.fetchObject(DIGEST, join(folder, 'out'))).rejects.toMatchObject({
      code: 'corrupt-object',
      exit: 7,
    });
    expect(readdirSync(folder).sort()).toEqual(['file', 'temp']);
  });

  it.each([0, 4, 9])('whose range %i is refused ends, with nothing left', async (number) => {
    fake.write(KEY, BYTES);
    fake.fault(({ headers }) =>
      headers.range?.startsWith(`bytes=${number * PART}-`)
        ? { kind: 'refuse', status: 403, code: 'AccessDenied' }
        : undefined,
    );
    await expect(store.fetchObject(DIGEST, join(folder, 'out'))).rejects.toMatchObject({
      code: 'access-denied',
    });
    expect(readdirSync(folder).sort()).toEqual(['file', 'temp']);
  });

  it('stops on the way, up and down', async () => {
    fake.write(`p/x`, BYTES);
    fake.fault((request) =>
      isPart(request) || request.headers.range?.startsWith('bytes=3000-') ? { kind: 'hang' } : undefined,
    );
    const up = new AbortController();
    const rising = store.putObject(DIGEST, file, up.signal);
    await expect.poll(() => fake.requests.some(isPart)).toBe(true);
    up.abort(new Error('stopped'));
    await expect(rising).rejects.toThrow('stopped');
    fake.write(KEY, BYTES);
    const down = new AbortController();
    const falling = store.fetchObject(DIGEST, join(folder, 'out'), down.signal);
    await expect
      .poll(() => fake.requests.some(({ headers }) => headers.range?.startsWith('bytes=3000-')))
      .toBe(true);
    down.abort(new Error('stopped'));
    await expect(falling).rejects.toThrow('stopped');
    expect(readdirSync(folder).sort()).toEqual(['file', 'temp']);
  });

  it('many at once share the memory and all arrive', async () => {
    const files = Array.from({ length: 12 }, (_, at) => {
      const bytes = Buffer.concat([BYTES, Buffer.from(`${at}`)]);
      const name = join(folder, `many-${at}`);
      writeFileSync(name, bytes);
      return { name, digest: digestHex(bytes) as Digest };
    });
    const small = await open({ tuning: { sockets: 3, memoryBytes: 4096 } });
    await Promise.all(files.map(({ digest, name }) => small.putObject(digest, name)));
    await Promise.all(files.map(({ digest, name }) => small.fetchObject(digest, `${name}-back`)));
    for (const { name } of files) expect(readFileSync(`${name}-back`).equals(readFileSync(name))).toBe(true);
  });
});

describe('an interrupted upload', () => {
  async function interrupt(): Promise<void> {
    const busy = { kind: 'refuse', status: 503, code: 'SlowDown' } as const;
    fake.fault((request) =>
      isPart(request) && Number(request.query.get('partNumber')) > 6 ? busy : undefined,
    );
    await expect(store.putObject(DIGEST, file)).rejects.toMatchObject({ code: 'store-busy', exit: 5 });
    expect(records()).toHaveLength(1);
    for (const opened of others) await opened.close();
    await expect.poll(() => fake.connections()).toBe(0);
    fake.calm();
  }

  it('is taken up where it ended', async () => {
    await interrupt();
    const sent =
      readFileSync(join(folder, 'temp', records()[0]!), 'utf8')
        .trim()
        .split('\n').length - 1;
    expect(sent).toBeGreaterThan(0);
    fake.settings.pageKeys = 2;
    await (await open()).putObject(DIGEST, file);
    expect(parts()).toHaveLength(10 - sent);
    expect(fake.read(KEY)?.equals(BYTES)).toBe(true);
    expect(records()).toEqual([]);
  });

  it('begins anew where the server has forgotten it', async () => {
    await interrupt();
    fake.uploads.clear();
    await (await open()).putObject(DIGEST, file);
    expect(parts()).toHaveLength(10);
  });

  it('begins anew where the source is another file, and drops the old one', async () => {
    await interrupt();
    rmSync(file);
    writeFileSync(`${file}-2`, BYTES);
    await (await open()).putObject(DIGEST, `${file}-2`);
    expect(parts()).toHaveLength(10);
    expect(fake.uploads.size).toBe(0);
  });

  it('begins anew after a day', async () => {
    await interrupt();
    await (
      await open({ now: () => Date.now() + 21 * 3_600_000 })
    )
      .putObject(DIGEST, file)
      .catch(() => undefined);
    expect(fake.requests.some(({ method, query }) => method === 'DELETE' && query.has('uploadId'))).toBe(
      true,
    );
  });

  it('sends a part again that the server lists otherwise', async () => {
    await interrupt();
    const upload = [...fake.uploads.values()][0]!;
    const [first] = [...upload.parts.keys()];
    const part = upload.parts.get(first!)!;
    upload.parts.set(first!, { ...part, etag: '"other"' });
    const before = upload.parts.size;
    await (await open()).putObject(DIGEST, file);
    expect(parts()).toHaveLength(10 - before + 1);
    expect(fake.read(KEY)?.equals(BYTES)).toBe(true);
  });

  it('survives a record that was cut short', async () => {
    await interrupt();
    appendFileSync(join(folder, 'temp', records()[0]!), '{"number":9,"et');
    await (await open()).putObject(DIGEST, file);
    expect(fake.read(KEY)?.equals(BYTES)).toBe(true);
  });
});

describe('a copy within the server', () => {
  it('moves no bytes through here', async () => {
    const other = await open({ url: 's3://test/other' });
    fake.write(KEY, BYTES);
    expect(await other.copyObject?.(DIGEST, store)).toBe(true);
    expect(fake.read(KEY.replace(/^p/, 'other'))?.equals(BYTES)).toBe(true);
    fake.requests.length = 0;
    expect(await other.copyObject?.(DIGEST, store)).toBe(true);
    expect(fake.requests.map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('is not for other servers, other stores or too large objects', async () => {
    const other = await open({ url: 's3://test/other' });
    expect(await other.copyObject?.(DIGEST, new MemoryStore())).toBe(false);
    const elsewhere = await open({ endpoint: fake.endpoint.replace('127.0.0.1', 'localhost') });
    expect(await other.copyObject?.(DIGEST, elsewhere)).toBe(false);
    await expect(other.copyObject?.(DIGEST, store)).rejects.toMatchObject({
      code: 'missing-object',
      exit: 4,
    });
    fake.write(KEY, BYTES);
    fake.fault(({ headers }) =>
      headers['x-amz-copy-source'] === undefined
        ? undefined
        : { kind: 'refuse', status: 400, code: 'InvalidRequest' },
    );
    expect(await other.copyObject?.(DIGEST, store)).toBe(false);
  });

  it('is of parts where the object is too large for one, without a word of the SDK', async () => {
    const other = await open({ url: 's3://test/other', tuning: { copyBytes: 2 * PART } });
    const target = KEY.replace(/^p/, 'other');
    fake.write(KEY, BYTES);
    fake.fault(({ headers, query }) =>
      headers['x-amz-copy-source'] === undefined || query.has('partNumber')
        ? undefined
        : { kind: 'refuse', status: 400, code: 'InvalidRequest' },
    );
    const warned: unknown[] = [];
    const note = (warning: unknown): void => void warned.push(warning);
    process.on('warning', note);
    expect(await other.copyObject?.(DIGEST, store)).toBe(true);
    expect(fake.read(target)?.equals(BYTES)).toBe(true);
    const before = other.traffic.requests;
    expect(await other.copyObject?.(DIGEST, store)).toBe(true);
    expect(other.traffic.requests).toBe(before + 1);

    fake.buckets.get('test')?.delete(target);
    fake.failFirst(9, { kind: 'refuse', status: 403, code: 'AccessDenied' }, ({ query }) =>
      query.has('partNumber'),
    );
    expect(await other.copyObject?.(DIGEST, store)).toBe(false);
    expect([fake.read(target), fake.uploads.size]).toEqual([undefined, 0]);
    process.off('warning', note);
    expect(warned).toEqual([]);
  });
});

describe('AWS’s own providers', () => {
  it('give the keys that a profile’s program prints, without a word of the SDK', async () => {
    const keys = { Version: 1, AccessKeyId: 'AKPROFILE', SecretAccessKey: 'secret' };
    writeFileSync(join(folder, 'keys'), JSON.stringify(keys));
    const config = join(folder, 'config');
    writeFileSync(config, `[profile weather]\ncredential_process = cat ${join(folder, 'keys')}\n`);
    const env = {
      AWS_PROFILE: 'weather',
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
      AWS_ACCESS_KEY_ID: undefined,
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const warned: unknown[] = [];
    const note = (warning: unknown): void => void warned.push(warning);
    process.on('warning', note);
    fake.write('p/refs/main.json', Buffer.from('{}'));
    expect((await (await open({ env })).readFile('refs/main.json'))?.toString()).toBe('{}');
    process.off('warning', note);
    vi.unstubAllEnvs();
    expect(warned).toEqual([]);
    expect(fake.requests[0]?.headers.authorization).toContain('Credential=AKPROFILE/');
  });
});
