import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import { openS3Store, type S3StoreOptions } from '../../src/store/s3-store.ts';
import type { Store } from '../../src/store/store.ts';
import { digestHex } from '../../src/util/blake3.ts';
import { FakeS3, type FakeRequest } from '../rig/fake-s3.ts';
import { useFakeS3 } from '../rig/use-fake-s3.ts';

const digestOf = (text: string): Digest => digestHex(text) as Digest;
const HELLO = digestOf('hello');
const HELLO_KEY = `p/objects/${HELLO.slice(0, 2)}/${HELLO}`;
const isObject = ({ key }: FakeRequest): boolean => key.startsWith('p/objects/');

const fake = await useFakeS3();
let folder: string;
let stores: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'datawf-s3-faults-'));
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
});

async function open(options: Partial<S3StoreOptions> = {}): Promise<Store> {
  const store = await openS3Store({
    url: 's3://test/p',
    endpoint: fake.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    env: { AWS_ACCESS_KEY_ID: 'AKFAKE', AWS_SECRET_ACCESS_KEY: 'very-secret' },
    now: Date.now,
    random: () => 0,
    tempFolder: join(folder, 'temp'),
    ...options,
    tuning: { connectMs: 10_000, idleMs: 20_000, attempts: 4, ...options.tuning },
  });
  stores.push(store);
  return store;
}

async function holding(): Promise<Store> {
  const store = await open();
  await store.putBytes(HELLO, Buffer.from('hello'));
  fake.requests.length = 0;
  return store;
}

describe('what passes is tried again', () => {
  it.each([
    ['503', { kind: 'refuse', status: 503, code: 'SlowDown' }],
    ['500', { kind: 'refuse', status: 500, code: 'InternalError' }],
    ['429', { kind: 'refuse', status: 429, code: 'TooManyRequests' }],
    ['a request that came too slowly', { kind: 'refuse', status: 400, code: 'RequestTimeout' }],
    ['two writers at once', { kind: 'refuse', status: 409, code: 'ConditionalRequestConflict' }],
    ['a connection that breaks', { kind: 'reset' }],
    ['an answer that is lost', { kind: 'lost-answer' }],
  ] as const)('%s', async (_name, fault) => {
    const store = await open();
    fake.failFirst(2, fault, isObject);
    await store.putBytes(HELLO, Buffer.from('hello'));
    fake.failFirst(2, fault, isObject);
    expect(Buffer.from(await store.readObject(HELLO)).toString()).toBe('hello');
    fake.failFirst(2, fault, isObject);
    expect(await store.missingObjects([HELLO])).toEqual([]);
  });

  it('a body that ends early', async () => {
    const store = await holding();
    fake.failFirst(2, { kind: 'truncate' }, isObject);
    await store.fetchObject(HELLO, join(folder, 'out'));
    expect(fake.requests.filter(isObject)).toHaveLength(3);
  });

  it('a server that falls silent', async () => {
    const store = await holding();
    const patient = await open({ tuning: { idleMs: 150 } });
    fake.failFirst(1, { kind: 'hang' }, isObject);
    expect(Buffer.from(await patient.readObject(HELLO)).toString()).toBe('hello');
    await store.close();
  });

  it('a file that was created though the answer was lost counts as created by us', async () => {
    const store = await open();
    await store.writeFile('refs/other.json', Buffer.from('x'));
    fake.failFirst(1, { kind: 'lost-answer' }, ({ method }) => method === 'PUT');
    expect(await store.writeFile('refs/main.json', Buffer.from('1'))).toBe(true);
    fake.failFirst(1, { kind: 'lost-answer' }, ({ method }) => method === 'PUT');
    expect(await store.writeFile('refs/main.json', Buffer.from('2'))).toBe(false);
  });

  it('pauses grow with full jitter and have a bound', async () => {
    const spans: number[] = [];
    const store = await open({ tuning: { attempts: 3 }, random: () => (spans.push(1), 0.001) });
    fake.fault(() => ({ kind: 'refuse', status: 503, code: 'SlowDown' }));
    await expect(store.readObject(HELLO)).rejects.toMatchObject({ code: 'store-busy', exit: 5 });
    expect(spans).toHaveLength(2);
    expect(fake.requests).toHaveLength(3);
  });
});

describe('what stays is told', () => {
  const problem = async (work: Promise<unknown>): Promise<Record<string, unknown>> =>
    work.then(
      () => expect.unreachable('it should have failed'),
      (error: unknown) => error as Record<string, unknown>,
    );

  it('a right that lacks: whose, which, on what', async () => {
    const store = await holding();
    const message =
      'User: arn:aws:iam::123456789012:user/ann is not authorized to perform: s3:GetObject on resource: x';
    fake.fault(() => ({ kind: 'refuse', status: 403, code: 'AccessDenied', message }));
    const found = await problem(store.readObject(HELLO));
    expect(found).toMatchObject({ code: 'access-denied', exit: 6 });
    expect(found['message']).toBe(
      `arn:aws:iam::123456789012:user/ann, access key AKFAKE (from AWS_ACCESS_KEY_ID) lacks the right s3:GetObject on s3://test/${HELLO_KEY}`,
    );
    expect(JSON.stringify(found)).not.toContain('very-secret');
  });

  it('a right to write that lacks, in parts too', async () => {
    const store = await open({ tuning: { partsFrom: 4, partBytes: 4 } });
    const file = join(folder, 'file');
    writeFileSync(file, 'hello');
    await store.putBytes(digestOf(''), Buffer.alloc(0));
    fake.fault(({ method, query }) =>
      method === 'POST' || query.has('partNumber')
        ? { kind: 'refuse', status: 403, code: 'AccessDenied' }
        : undefined,
    );
    const found = await problem(store.putObject(HELLO, file));
    expect(found['message']).toContain(`lacks the right s3:PutObject on s3://test/${HELLO_KEY}`);
  });

  it('why a HEAD was refused, which has no words itself', async () => {
    const store = await open();
    fake.fault(() => ({ kind: 'refuse', status: 403, code: 'InvalidAccessKeyId' }));
    expect(await problem(store.missingObjects([HELLO]))).toMatchObject({
      code: 'credentials-refused',
      exit: 6,
    });
  });

  it.each([
    ['NoSuchBucket', 404, 'no-such-bucket', 4],
    ['ExpiredToken', 400, 'credentials-expired', 6],
    ['SignatureDoesNotMatch', 403, 'credentials-refused', 6],
    ['RequestTimeTooSkewed', 403, 'clock-skew', 6],
    ['PermanentRedirect', 301, 'wrong-region', 6],
    ['MethodNotAllowed', 405, 'store-refused', 6],
    ['InternalError', 500, 'store-busy', 5],
  ])('%s', async (code, status, own, exit) => {
    const store = await open();
    fake.fault(() => ({ kind: 'refuse', status, code, message: 'because\u001b[2J' }));
    const found = await problem(store.readObject(HELLO));
    expect(found).toMatchObject({ code: own, exit, details: [`${fake.endpoint} said ${code}: because [2J`] });
    expect(found['hint']).toBeTruthy();
  });

  it('a bucket that is gone, also where HEAD only says that nothing is there', async () => {
    const store = await open({ url: 's3://gone/p' });
    const gone = { code: 'no-such-bucket', exit: 4, message: `there is no bucket gone at ${fake.endpoint}` };
    expect(await problem(store.missingObjects([HELLO]))).toMatchObject(gone);
    expect(await problem(store.putBytes(HELLO, Buffer.from('hello')))).toMatchObject(gone);
    expect(await problem(store.readFile('refs/main.json'))).toMatchObject(gone);
    expect(await problem(store.listFiles('runs/'))).toMatchObject(gone);
  });

  it('a newer store', async () => {
    fake.write('p/FORMAT', Buffer.from('datawf-store 9\n'));
    const newer = { code: 'store-format', exit: 2 };
    expect(await problem((await open()).putBytes(HELLO, Buffer.from('hello')))).toMatchObject(newer);
    expect(await problem((await open()).missingObjects([HELLO]))).toMatchObject(newer);
    expect(fake.keys('p/')).toEqual(['p/FORMAT']);
  });

  it('nobody at the endpoint', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const store = await open({ endpoint: `http://127.0.0.1:${port}` });
    expect(await problem(store.readObject(HELLO))).toMatchObject({ code: 'endpoint-refused', exit: 5 });
  });

  it('a name that has no address', async () => {
    const store = await open({ endpoint: 'http://nowhere.invalid', tuning: { attempts: 1 } });
    expect(await problem(store.readObject(HELLO))).toMatchObject({ code: 'unknown-host', exit: 5 });
  });

  it('a server that never answers', async () => {
    const store = await open({ tuning: { idleMs: 50, attempts: 2 } });
    fake.fault(() => ({ kind: 'hang' }));
    expect(await problem(store.readObject(HELLO))).toMatchObject({ code: 'endpoint-silent', exit: 5 });
  });

  it('a server of another protocol', async () => {
    let silent: Server | undefined;
    try {
      silent = createServer((socket) => {
        socket.on('error', () => {});
        socket.end('220 mail.example.org ready\r\n');
      });
      await new Promise<void>((resolve) => silent?.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      for (const scheme of ['http', 'https']) {
        const store = await open({ endpoint: `${scheme}://127.0.0.1:${port}` });
        expect(await problem(store.readObject(HELLO))).toMatchObject({ code: 'not-s3', exit: 6 });
      }
    } finally {
      silent?.close();
    }
  });

  it('a listing that is none', async () => {
    const store = await open();
    fake.fault(({ key }) => (key === '' ? { kind: 'refuse', status: 200, code: 'Login page' } : undefined));
    expect(await problem(store.listFiles('runs/'))).toMatchObject({ code: 'bad-listing', exit: 7 });
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!openssl)('a certificate', () => {
  let secure: FakeS3;
  let ca: string;
  beforeEach(async () => {
    ca = join(folder, 'ca.pem');
    const key = join(folder, 'key.pem');
    const subject = ['-subj', '/CN=fake', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      ca,
    ];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...made, ...subject], { stdio: 'pipe' });
    secure = await FakeS3.start({ key: readFileSync(key, 'utf8'), cert: readFileSync(ca, 'utf8') });
  });
  afterEach(async () => {
    await secure.stop();
  });

  it('that nobody vouches for is refused, with the cure', async () => {
    const store = await open({ endpoint: secure.endpoint });
    await expect(store.readObject(HELLO)).rejects.toMatchObject({ code: 'untrusted-certificate', exit: 6 });
    expect(secure.requests).toHaveLength(0);
  });

  it('is trusted where its authority is named', async () => {
    const named = await open({ endpoint: secure.endpoint, ca });
    await named.putBytes(HELLO, Buffer.from('hello'));
    const env = { AWS_ACCESS_KEY_ID: 'AKFAKE', AWS_SECRET_ACCESS_KEY: 's', AWS_CA_BUNDLE: ca };
    const store = await open({ endpoint: secure.endpoint, env });
    expect(Buffer.from(await store.readObject(HELLO)).toString()).toBe('hello');
  });

  it('stands before large objects, too', async () => {
    const store = await open({ endpoint: secure.endpoint, ca, tuning: { rangeBytes: 100_000 } });
    const bytes = randomBytes(1_000_001);
    const digest = digestHex(bytes) as Digest;
    await store.putBytes(digest, bytes);
    await store.fetchObject(digest, join(folder, 'out'));
    expect(readFileSync(join(folder, 'out')).equals(bytes)).toBe(true);
    const stranger = await open({ endpoint: secure.endpoint, tuning: { rangeBytes: 100_000 } });
    await expect(stranger.fetchObject(digest, join(folder, 'out'))).rejects.toMatchObject({ exit: 6 });
  });

  it('of another name is refused', async () => {
    const store = await open({ endpoint: secure.endpoint.replace('127.0.0.1', 'localhost'), ca });
    await expect(store.readObject(HELLO)).rejects.toMatchObject({ code: 'untrusted-certificate', exit: 6 });
  });

  it('that can’t be read is told', async () => {
    await expect(open({ ca: join(folder, 'none.pem') })).rejects.toMatchObject({
      code: 'missing-file',
      exit: 4,
    });
    writeFileSync(join(folder, 'empty.pem'), 'nothing');
    await expect(open({ ca: join(folder, 'empty.pem') })).rejects.toMatchObject({
      code: 'store-ca',
      exit: 2,
    });
  });
});

describe('wrong bytes', () => {
  it('are never handed out and never kept', async () => {
    const store = await holding();
    fake.fault((request) => (isObject(request) ? { kind: 'flip' } : undefined));
    const damaged = { code: 'corrupt-object', exit: 7 };
    await expect(store.readObject(HELLO)).rejects.toMatchObject(damaged);
    await expect(store.fetchObject(HELLO, join(folder, 'out'))).rejects.toMatchObject(damaged);
    expect(readdirSync(folder)).toEqual(['temp']);
  });

  it('of a tree, too', async () => {
    const text = 'text\n';
    await (await open()).putTree(digestOf(text), text);
    fake.fault(({ key }) => (key.startsWith('p/trees/') ? { kind: 'flip' } : undefined));
    await expect((await open()).readTree(digestOf(text))).rejects.toMatchObject({
      code: 'corrupt-tree',
      exit: 7,
    });
  });
});

describe('what the server says is put right', () => {
  it('the region', async () => {
    fake.settings.region = 'eu-central-1';
    const store = await open();
    await store.putBytes(HELLO, Buffer.from('hello'));
    expect(await store.describe?.()).toMatchObject({ region: 'eu-central-1', isThere: true });
    fake.requests.length = 0;
    await store.missingObjects([HELLO]);
    expect(fake.requests).toHaveLength(1);
  });

  it.each([-3, 3])('the clock, %i hours off, for all requests under way', async (hours) => {
    const store = await open();
    fake.settings.clockAhead = hours * 3_600_000;
    const digests = Array.from({ length: 10 }, (_, at) => digestOf(`${at}`));
    expect(await store.missingObjects(digests)).toEqual(digests);
    await store.putBytes(HELLO, Buffer.from('hello'));
    expect(store.notices).toHaveLength(1);
    expect(store.notices?.[0]).toMatch(/^this machine's clock is 180 min (behind|ahead of) /);
    const facts = await store.describe?.();
    expect(Math.abs((facts?.clockAheadSeconds ?? 0) - hours * 3600)).toBeLessThan(5);
    for await (const { since } of store.listObjects()) expect(since).toBeGreaterThan(Date.now() - 1000);
  });
});

describe('create-only writes', () => {
  it.each([
    ['honoured', true],
    ['ignored', false],
    ['refused', false],
  ] as const)('that are %s are found out once and remembered', async (conditional, createOnly) => {
    fake.settings.conditional = conditional;
    const store = await open();
    expect(await store.describe?.()).toMatchObject({ isThere: false, createOnly: undefined });
    await store.putBytes(HELLO, Buffer.from('hello'));
    expect(await store.describe?.()).toMatchObject({ isThere: true, createOnly });
    expect(fake.keys('p/')).toEqual(['p/FORMAT', 'p/README.txt', HELLO_KEY, 'p/recover.sh']);
    fake.requests.length = 0;
    await (await open()).putBytes(digestOf('2'), Buffer.from('2'));
    expect(fake.requests.map(({ method, key }) => `${method} ${key.slice(0, 8)}`)).toEqual([
      'GET p/FORMAT',
      'PUT p/object',
    ]);
  });
});

describe('requests', () => {
  it('of what is there are few, whatever the number', async () => {
    const store = await open();
    const digests = Array.from({ length: 3000 }, (_, at) => digestOf(`${at}`));
    expect(await store.missingObjects(digests)).toEqual(digests);
    expect(fake.requests).toHaveLength(2);
    for (const digest of digests.slice(1))
      fake.write(`p/objects/${digest.slice(0, 2)}/${digest}`, Buffer.from('x'));
    fake.requests.length = 0;
    expect(await store.missingObjects(digests)).toEqual(digests.slice(0, 1));
    expect(fake.requests.length).toBeLessThanOrEqual(257);
    fake.requests.length = 0;
    expect(await store.missingObjects(digests.slice(0, 10))).toEqual(digests.slice(0, 1));
    expect(fake.requests).toHaveLength(10);
    fake.requests.length = 0;
    expect(await store.missingObjects(digests.slice(0, 30))).toEqual(digests.slice(0, 1));
    expect(fake.requests.length).toBeLessThanOrEqual(31);
    let listed = 0;
    for await (const { size } of store.listObjects()) listed += size;
    expect(listed).toBe(2999);
  });

  it('are counted with their bytes', async () => {
    const store = await open();
    await store.putBytes(HELLO, Buffer.from('hello'));
    const before = { ...store.traffic };
    await store.readObject(HELLO);
    await store.putBytes(digestOf('abc'), Buffer.from('abc'));
    expect(store.traffic.requests - before.requests).toBe(2);
    expect(store.traffic.bytesDown - before.bytesDown).toBe(5);
    expect(store.traffic.bytesUp - before.bytesUp).toBe(3);
  });

  it('are so many at once and no more', async () => {
    fake.settings.latency = 5;
    const store = await open({ tuning: { sockets: 5 } });
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => store.putBytes(digestOf(`${at}`), Buffer.from(`${at}`))),
    );
    expect(fake.mostAtOnce).toBeGreaterThan(1);
    expect(fake.mostAtOnce).toBeLessThanOrEqual(5);
  });

  it('end when the store is told to stop, and those that wait never begin', async () => {
    const stop = new AbortController();
    const store = await open({ signal: stop.signal, tuning: { sockets: 2 } });
    fake.fault(() => ({ kind: 'hang' }));
    const work = Array.from({ length: 6 }, () => store.readObject(HELLO));
    const ended = Promise.allSettled(work);
    await expect.poll(() => fake.requests.length).toBe(2);
    stop.abort(new Error('stopped'));
    expect((await ended).map((one) => one.status === 'rejected' && (one.reason as Error).message)).toEqual(
      Array.from({ length: 6 }, () => 'stopped'),
    );
    expect(fake.requests).toHaveLength(2);
  });
});
