import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { digestHex } from '../../src/util/blake3.ts';
import { expectSchema } from '../rig/schemas.ts';
import { dropKept, keepRig, type Rig, type RunOptions } from './rig.ts';
import { openStory, type Story } from './story.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** All versions of the data as S3 and pages, for those who have no checkout. */

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
  report:
    cmd: cat out/clean/* > "$report"
    deps: {clean: out/clean/}
    outs: {report: out/report.txt}
`;

interface Served {
  readonly url: string;
  /** Ends it as Ctrl-C does; answers its exit code and what it said. */
  readonly stop: () => Promise<{ readonly code: number; readonly stderr: string }>;
}

async function serve(rig: Rig, options: RunOptions = {}): Promise<Served> {
  let kill: ((signal: NodeJS.Signals) => boolean) | undefined;
  let ended: ReturnType<Rig['datawf']> | undefined;
  const line = await new Promise<string>((resolve, reject) => {
    ended = rig.datawf(['serve', '--port', '0', '--json'], {
      ...options,
      onStart: (child) => (kill = (signal) => child.kill(signal)),
      onOutput: resolve,
    });
    ended.then(({ stderr }) => reject(new Error(stderr)), reject);
  });
  const stop = async () => {
    kill?.('SIGINT');
    const { code = -1, stderr = '' } = (await ended) ?? {};
    return { code, stderr };
  };
  onTestFinished(() => void stop());
  const address = JSON.parse(line) as { url: string };
  expectSchema('serve', address);
  return { url: address.url, stop };
}

function clientOf({ url }: Served): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'anybody', secretAccessKey: 'anything' },
    maxAttempts: 1,
  });
}

/** Two commits, of which the first has a tag, and a branch with a slash. */
async function openVersions(): Promise<Story> {
  if (base !== undefined) return openStory(undefined, { from: base });
  const story = await openStory(PIPELINE);
  story.files({
    'raw/2024-01-01.csv': 'one\n',
    'raw/2024-01-02.csv': 'two\n',
    'notes & more.md': 'tracked\n',
  });
  await story.succeed('init');
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  await story.git('tag', 'v1');
  story.write('raw/2024-01-02.csv', 'zwei\n');
  await story.succeed('repro');
  await story.git('commit', '--quiet', '--all', '-m', 'two');
  await story.git('branch', 'feature/x');
  base = keepRig(story);
  return story;
}

let base: string | undefined;
afterAll(dropKept);

test('the AWS SDK lists and reads any version', async () => {
  const story = await openVersions();
  const served = await serve(story);
  const s3 = clientOf(served);
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toEqual(['feature--x', 'main', 'v1']);
  await s3.send(new HeadBucketCommand({ Bucket: 'feature--x' }));

  const all = await s3.send(new ListObjectsV2Command({ Bucket: 'main' }));
  expect(all.Contents?.map(({ Key }) => Key)).toEqual([
    '.datawf/.gitignore',
    '.datawf/datawf.schema.json',
    '.gitattributes',
    '.gitignore',
    'datawf.lock',
    'datawf.yaml',
    'notes & more.md',
    'out/.gitignore',
    'out/clean/2024-01-01.csv',
    'out/clean/2024-01-02.csv',
    'out/report.txt',
    'raw.datawf',
    'raw/2024-01-01.csv',
    'raw/2024-01-02.csv',
  ]);
  const folders = await s3.send(new ListObjectsV2Command({ Bucket: 'v1', Prefix: 'out/', Delimiter: '/' }));
  expect(folders.CommonPrefixes).toEqual([{ Prefix: 'out/clean/' }]);
  expect(folders.Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([
    ['out/.gitignore', 19],
    ['out/report.txt', 8],
  ]);

  const textOf = async (Bucket: string, Key: string, Range?: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return (await Body?.transformToString()) ?? '';
  };
  expect(await textOf('main', 'out/report.txt')).toBe('ONE\nZWEI\n');
  expect(await textOf('v1', 'out/report.txt')).toBe('ONE\nTWO\n');
  expect(await textOf('v1', 'out/report.txt', 'bytes=4-6')).toBe('TWO');
  expect(await textOf('main', 'out/report.txt', 'bytes=-5')).toBe('ZWEI\n');
  expect(await textOf('main', 'notes & more.md')).toBe('tracked\n');
  const commit = (await story.git('rev-parse', '--short=7', 'v1')).trim();
  expect(await textOf(commit, 'raw/2024-01-02.csv')).toBe('two\n');
  expect(await textOf('HEAD', 'raw/2024-01-02.csv')).toBe('zwei\n');

  const head = await s3.send(new HeadObjectCommand({ Bucket: 'main', Key: 'raw/2024-01-01.csv' }));
  expect(head).toMatchObject({ ContentLength: 4, ETag: `"${digestHex('one\n')}"`, AcceptRanges: 'bytes' });
  const refused = async (work: Promise<unknown>): Promise<unknown> => {
    try {
      return await work;
    } catch (error) {
      const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      return [name, $metadata?.httpStatusCode];
    }
  };
  const get = (input: Partial<GetObjectCommand['input']>): Promise<unknown> =>
    refused(s3.send(new GetObjectCommand({ Bucket: 'main', Key: 'raw/2024-01-01.csv', ...input })));
  expect(await get({ Range: 'bytes=4-' })).toEqual(['InvalidRange', 416]);
  expect(await get({ IfNoneMatch: head.ETag })).toEqual([expect.any(String), 304]);
  expect(await get({ IfMatch: '"other"' })).toEqual(['PreconditionFailed', 412]);
  expect(await get({ Key: 'raw/none.csv' })).toEqual(['NoSuchKey', 404]);
  expect(await get({ Key: 'raw/' })).toEqual(['NoSuchKey', 404]);
  expect(await get({ Bucket: 'no-such' })).toEqual(['NoSuchBucket', 404]);
  expect(await get({ Bucket: 'main~1' })).toEqual(['NoSuchBucket', 404]);
  expect(
    await refused(s3.send(new PutObjectCommand({ Bucket: 'main', Key: 'raw/2024-01-01.csv', Body: 'mine' }))),
  ).toEqual(['AccessDenied', 405]);
  expect(await served.stop()).toMatchObject({ code: 0 });
});

test('a listing goes on page by page in the commit that it began with', async () => {
  const story = await openStory();
  const names = Array.from(
    { length: 25 },
    (_, at) => `raw/${at % 5}/${String(at).padStart(2, '0')} ü+.csv`,
  ).sort();
  story.files(Object.fromEntries(names.map((name) => [name, name])));
  await story.succeed('add', 'raw');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  const s3 = clientOf(await serve(story));
  const found: (string | undefined)[] = [];
  for await (const page of paginateListObjectsV2(
    { client: s3, pageSize: 4 },
    { Bucket: 'main', Prefix: 'raw/' },
  )) {
    expect(page.KeyCount).toBeLessThanOrEqual(4);
    found.push(...(page.Contents ?? []).map(({ Key }) => Key));
    if (found.length !== 4) continue;
    story.remove('raw/4');
    await story.succeed('add', 'raw');
    await story.git('commit', '--quiet', '--all', '-m', 'two');
  }
  expect(found).toEqual(names);

  const folders: (string | undefined)[] = [];
  const byFolder = { Bucket: 'main', Prefix: 'raw/', Delimiter: '/' };
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { ...byFolder }))
    folders.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
  expect(folders).toEqual(['raw/0/', 'raw/1/', 'raw/2/', 'raw/3/']);
  const behind = await s3.send(new ListObjectsV2Command({ ...byFolder, StartAfter: 'raw/1/' }));
  expect(behind.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['raw/2/', 'raw/3/']);
  const inside = await s3.send(new ListObjectsV2Command({ ...byFolder, StartAfter: 'raw/1/06' }));
  expect(inside.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['raw/1/', 'raw/2/', 'raw/3/']);

  const first = await s3.send(new ListObjectsCommand({ ...byFolder, MaxKeys: 2 }));
  expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'raw/1/']);
  const second = await s3.send(new ListObjectsCommand({ ...byFolder, Marker: 'raw/1/' }));
  expect([second.IsTruncated, second.CommonPrefixes?.length]).toEqual([false, 2]);
});

test('a browser gets pages of links, and other sites nothing', async () => {
  const story = await openVersions();
  story.write('raw/<b> "q".html', '<script>alert(1)</script>');
  await story.succeed('add', 'raw');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'odd');
  const { url } = await serve(story);
  const page = async (path: string): Promise<string> => {
    const answer = await fetch(url + path, { headers: { accept: 'text/html,*/*' } });
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    return await answer.text();
  };
  expect(await page('/')).toContain('<a href="/feature--x/">feature/x</a>');
  expect(await page('/main/')).toContain('<a href="/main/raw/">raw/</a>');
  expect(await page('/main/out')).toContain('<a href="/main/out/report.txt">report.txt</a>');
  const raw = await page('/main/raw/');
  expect(raw).toContain('<a href="/main/raw/%3Cb%3E%20%22q%22.html">&#60;b&#62; &#34;q&#34;.html</a>');
  expect(raw).not.toContain('<b>');
  expect(await page('/feature%2Fx/out/')).toContain('report.txt');
  const html = await fetch(`${url}/main/raw/%3Cb%3E%20%22q%22.html`);
  expect(html.headers.get('content-security-policy')).toContain('sandbox');

  for (const path of [
    '/main/../../etc/passwd',
    '/main/%2e%2e/%2e%2e/etc/passwd',
    '/main/%ff',
    '/-x/',
    '/%00/a',
  ])
    expect(await rawStatus(url, path), path).toMatch(/^HTTP\/1.1 40[04] /);
  expect(await rawStatus(url, '/main/', 'evil.example:80')).toMatch(/^HTTP\/1.1 403 /);
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'])
    expect((await fetch(`${url}/main/raw/2024-01-01.csv`, { method })).status).toBe(405);
});

/** First line of the answer to a path that `fetch` would tidy up. */
function rawStatus(url: string, path: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', reject);
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString().split('\r\n')[0] ?? '');
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}

test('what is not here comes from the stores, checked, and damage is never served', async () => {
  const story = await openVersions();
  await story.succeed('config', 'set', 'stores.shared.url', '../store');
  await story.succeed('push');
  const digest = digestHex('one\n');
  const other = digestHex('zwei\n');
  for (const gone of ['.git/datawf', 'raw', 'out/clean', 'out/report.txt'])
    rmSync(story.path(gone), { recursive: true, force: true });
  const damaged = story.path(`../store/objects/${other.slice(0, 2)}/${other}`);
  rmSync(damaged);
  writeFileSync(damaged, 'zwoi\n');
  const served = await serve(story);
  const head = await fetch(`${served.url}/main/raw/2024-01-01.csv`, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('4');
  expect(story.has(`.git/datawf/objects/${digest.slice(0, 2)}/${digest}`)).toBe(false);
  const many = await Promise.all(
    Array.from({ length: 5 }, async () => (await fetch(`${served.url}/main/raw/2024-01-01.csv`)).text()),
  );
  expect(new Set(many)).toEqual(new Set(['one\n']));
  const answer = await fetch(`${served.url}/main/raw/2024-01-02.csv`);
  expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('corrupt-object')]);
  expect((await served.stop()).stderr).toContain(other);
});

test('curl reads a range and a listing', async ({ skip }) => {
  const story = await openVersions();
  const { url } = await serve(story);
  const curl = async (...args: string[]): Promise<string> => {
    const result = await story
      .run(['curl', '-sS', '--noproxy', '*', ...args])
      .catch(() => skip('there is no curl'));
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  expect(await curl('-r', '4-6', `${url}/v1/out/report.txt`)).toBe('TWO');
  expect(await curl(`${url}/main/?list-type=2&prefix=raw/&max-keys=1`)).toMatch(
    /<Key>raw\/2024-01-01.csv<\/Key>/,
  );
  expect(
    await curl('--user', 'a:b', '--aws-sigv4', 'aws:amz:us-east-1:s3', `${url}/main/raw/2024-01-01.csv`),
  ).toBe('one\n');
  expect(
    await curl('-o', '/dev/null', '-w', '%{http_code}', '-T', story.path('datawf.yaml'), `${url}/main/x`),
  ).toBe('405');
});

test('a port that is taken or none is told', async () => {
  const story = await openVersions();
  const { url } = await serve(story);
  const taken = await story.datawf(['serve', '--port', new URL(url).port]);
  expect(taken.code).toBe(6);
  expect(taken.stderr).toMatch(/is taken[^]*--port 0/);
  expect((await story.datawf(['serve', '--port', 'x'])).code).toBe(2);
  expect((await story.datawf(['serve', '--port', '0', '--host', '192.0.2.1'])).code).toBe(2);
});
