import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import { openS3Store, type S3StoreOptions } from '../../src/store/s3-store.ts';
import { copyInParts } from '../../src/store/s3-sdk.ts';
import type { Store } from '../../src/store/store.ts';
import { digestHex } from '../../src/util/blake3.ts';
import { CLUSTER_S3 } from '../rig/real-s3.ts';

const iam = process.env['DATAWF_TEST_IAM_ENDPOINT'];
const tokenOfCluster = process.env['DATAWF_CLUSTER_PKI'] === undefined ? undefined : askToken();
const MIB = 1 << 20;
const digestOf = (bytes: Uint8Array): Digest => digestHex(bytes) as Digest;

/** What a real S3 server does with large files, copies, signed URLs and people; `npm run test:s3` (docs/s3.md). */
describe.skipIf(CLUSTER_S3 === undefined)('a real S3 server', () => {
  const { endpoint, bucket, env } = CLUSTER_S3 ?? { endpoint: '', bucket: '', env: {} };
  let folder: string;
  let prefix: string;
  let opened: Store[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'datawf-s3-server-'));
    prefix = `server/${randomUUID()}`;
    opened = [];
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  async function open(options: Partial<S3StoreOptions> = {}): Promise<Store> {
    const store = await openS3Store({
      url: `s3://${bucket}/${prefix}`,
      endpoint,
      pathStyle: true,
      env,
      now: Date.now,
      random: Math.random,
      tempFolder: join(folder, 'temp'),
      tuning: { partsFrom: 8 * MIB, partBytes: 5 * MIB, rangeBytes: 4 * MIB },
      ...options,
    });
    opened.push(store);
    return store;
  }

  function makeFile(bytes: Uint8Array): string {
    const file = join(folder, randomUUID());
    writeFileSync(file, bytes);
    return file;
  }

  it('keeps a large file that went up in parts and comes by ranges', async () => {
    const bytes = randomBytes(23 * MIB + 5);
    const store = await open();
    await store.putObject(digestOf(bytes), makeFile(bytes));
    await store.fetchObject(digestOf(bytes), join(folder, 'out'));
    expect(readFileSync(join(folder, 'out')).equals(bytes)).toBe(true);
    for await (const { size, since } of store.listObjects()) {
      expect(size).toBe(bytes.byteLength);
      expect(since).toBeGreaterThan(Date.now() - 1000);
    }
  });

  it('goes on with an upload that was interrupted', async () => {
    const bytes = randomBytes(41 * MIB);
    const file = makeFile(bytes);
    const stop = new AbortController();
    const store = await open({ tuning: { partsFrom: 8 * MIB, partBytes: 5 * MIB, sockets: 1 } });
    const rising = store.putObject(digestOf(bytes), file, stop.signal);
    await expect.poll(() => store.traffic.bytesUp, { interval: 1 }).toBeGreaterThan(10 * MIB);
    stop.abort(new Error('stopped'));
    await expect(rising).rejects.toThrow('stopped');
    const next = await open();
    await next.putObject(digestOf(bytes), file);
    expect(next.traffic.bytesUp).toBeLessThan(bytes.byteLength - 9 * MIB);
    await next.fetchObject(digestOf(bytes), join(folder, 'out'));
    expect(readFileSync(join(folder, 'out')).equals(bytes)).toBe(true);
  });

  it('honours create-only writes, of parts too', async () => {
    const store = await open();
    await store.writeFile('refs/main.json', Buffer.from('{}'));
    expect(await store.describe?.()).toMatchObject({ isThere: true, createOnly: true, clockAheadSeconds: 0 });
  });

  it('copies between prefixes', async () => {
    const bytes = randomBytes(9 * MIB);
    const store = await open();
    await store.putObject(digestOf(bytes), makeFile(bytes));
    const other = await open({ url: `s3://${bucket}/${prefix}-other` });
    expect(await other.copyObject?.(digestOf(bytes), store)).toBe(true);
    expect(other.traffic.bytesUp).toBeLessThan(MIB);
    await other.fetchObject(digestOf(bytes), join(folder, 'out'));
    expect(readFileSync(join(folder, 'out')).equals(bytes)).toBe(true);
  });

  it('copies in parts what is too large for one request, and leaves nothing where it may not', async () => {
    const bytes = randomBytes(12 * MIB);
    const store = await open();
    await store.putObject(digestOf(bytes), makeFile(bytes));
    const path = `objects/${digestOf(bytes).slice(0, 2)}/${digestOf(bytes)}`;
    const keys = {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    };
    const sdk = { region: 'us-east-1', endpoint, pathStyle: true, ca: undefined, profile: undefined };
    let requests = 0;
    const copy = (credentials: typeof keys): Promise<boolean> =>
      copyInParts(
        { ...sdk, credentials: async () => credentials },
        {
          from: { bucket, key: `${prefix}/${path}`, version: undefined },
          to: { bucket, key: `${prefix}-parts/${path}` },
          size: bytes.byteLength,
          partBytes: 5 * MIB,
          createOnly: true,
          onRequest: () => requests++,
          signal: undefined,
        },
      );
    expect(await copy({ ...keys, secretAccessKey: 'wrong' })).toBe(false);
    const other = await open({ url: `s3://${bucket}/${prefix}-parts` });
    expect(await other.missingObjects([digestOf(bytes)])).toHaveLength(1);
    requests = 0;
    expect(await copy(keys)).toBe(true);
    expect(requests).toBe(5);
    await other.fetchObject(digestOf(bytes), join(folder, 'out'));
    expect(readFileSync(join(folder, 'out')).equals(bytes)).toBe(true);
    expect(await copy(keys)).toBe(true);
  });

  it('gives an object to whoever has its signed URL', async () => {
    const store = await open();
    const bytes = Buffer.from('hello');
    await store.putBytes(digestOf(bytes), bytes);
    const url = (await store.presign?.(digestOf(bytes), 60)) ?? '';
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
    expect((await fetch(url.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).status).toBe(403);
    const part = await fetch(url, { headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'ell']);

    const other = Buffer.from('another');
    await store.putBytes(digestOf(other), other);
    const elsewhere = url
      .replaceAll(digestOf(bytes), digestOf(other))
      .replace(`/objects/${digestOf(bytes).slice(0, 2)}/`, `/objects/${digestOf(other).slice(0, 2)}/`);
    expect(elsewhere).not.toBe(url);
    expect((await fetch(elsewhere)).status).toBe(403);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
  });

  it('says when keys are wrong and when a bucket is not there', async () => {
    const wrong = await open({ env: { ...env, AWS_SECRET_ACCESS_KEY: 'wrong' } });
    const refused = { code: 'credentials-refused', exit: 6 };
    await expect(wrong.readFile('refs/main.json')).rejects.toMatchObject(refused);
    await expect(wrong.hasTree(digestOf(Buffer.from('x')))).rejects.toMatchObject(refused);
    const unknown = await open({ env: { ...env, AWS_ACCESS_KEY_ID: 'AKUNKNOWN' } });
    await expect(unknown.listFiles('runs/')).rejects.toMatchObject(refused);
    const gone = await open({ url: `s3://gone-${randomUUID()}/p` });
    await expect(gone.missingObjects([digestOf(Buffer.from('x'))])).rejects.toMatchObject({
      code: 'no-such-bucket',
      exit: 4,
    });
  });

  it('corrects a clock that is hours off', async () => {
    const store = await open({ now: () => Date.now() + 3 * 3_600_000 });
    const bytes = Buffer.from('hello');
    await store.putBytes(digestOf(bytes), bytes);
    expect(await store.missingObjects([digestOf(bytes)])).toEqual([]);
    expect(store.notices?.[0]).toMatch(/^this machine's clock is 180 min ahead of /);
  });

  describe.skipIf(iam === undefined)('with people', () => {
    const ask = (fields: Record<string, string>): string =>
      execFileSync(
        'curl',
        [
          ...['-sS', '--fail-with-body', '--aws-sigv4', 'aws:amz:us-east-1:iam'],
          ...['--user', `${env['AWS_ACCESS_KEY_ID'] ?? ''}:${env['AWS_SECRET_ACCESS_KEY'] ?? ''}`],
          ...[
            '-H',
            'Content-Type: application/x-www-form-urlencoded',
            '--data-urlencode',
            'Version=2010-05-08',
          ],
          ...Object.entries(fields).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
          `${iam ?? ''}/`,
        ],
        { encoding: 'utf8' },
      );

    const reading = (folderOf: string): string =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['s3:GetObject', 's3:ListBucket'],
            Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/${folderOf}/*`],
          },
        ],
      });

    it('says who lacks which right on what', async () => {
      const name = `reader-${randomUUID().slice(0, 8)}`;
      ask({ Action: 'CreateUser', UserName: name });
      ask({ Action: 'PutUserPolicy', UserName: name, PolicyName: 'p', PolicyDocument: reading(prefix) });
      const made = ask({ Action: 'CreateAccessKey', UserName: name });
      const part = (tag: string): string => new RegExp(`<${tag}>([^<]*)`).exec(made)?.[1] ?? '';
      const bytes = Buffer.from('hello');
      await (await open()).putBytes(digestOf(bytes), bytes);
      const store = await open({
        env: {
          AWS_ACCESS_KEY_ID: part('AccessKeyId'),
          AWS_SECRET_ACCESS_KEY: part('SecretAccessKey'),
          AWS_ENDPOINT_URL_STS: iam,
        },
      });
      expect(Buffer.from(await store.readObject(digestOf(bytes))).toString()).toBe('hello');
      await expect(store.writeFile('refs/main.json', bytes)).rejects.toMatchObject({
        code: 'access-denied',
        exit: 6,
        message: `arn:aws:iam::000000000000:user/${name}, access key ${part('AccessKeyId')} (from AWS_ACCESS_KEY_ID) lacks the right s3:PutObject on s3://${bucket}/${prefix}/refs/main.json`,
      });
      const elsewhere = await open({
        url: `s3://${bucket}/${prefix}-secret`,
        env: { AWS_ACCESS_KEY_ID: part('AccessKeyId'), AWS_SECRET_ACCESS_KEY: part('SecretAccessKey') },
      });
      await expect(elsewhere.readObject(digestOf(bytes))).rejects.toMatchObject({
        code: 'access-denied',
        exit: 6,
      });
    });

    /** What is in one's own surroundings, for AWS's providers read the process's. */
    function surround(own: Record<string, string | undefined>): Record<string, string | undefined> {
      const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
      const all = { ...none, AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL_STS: iam, ...own };
      for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
      return all;
    }

    it('is read by the keys that a profile’s program prints', async () => {
      const bytes = Buffer.from('hello');
      await (await open()).putBytes(digestOf(bytes), bytes);
      const keys = { AccessKeyId: env['AWS_ACCESS_KEY_ID'], SecretAccessKey: env['AWS_SECRET_ACCESS_KEY'] };
      const printed = makeFile(Buffer.from(JSON.stringify({ Version: 1, ...keys })));
      const config = makeFile(Buffer.from(`[profile weather]\ncredential_process = cat ${printed}\n`));
      const own = surround({ AWS_PROFILE: 'weather', AWS_CONFIG_FILE: config });
      const store = await open({ env: own });
      expect(Buffer.from(await store.readObject(digestOf(bytes))).toString()).toBe('hello');
      expect((await store.describe?.())?.identity).toBe(
        `access key ${env['AWS_ACCESS_KEY_ID'] ?? ''} (profile weather)`,
      );
      const none = await open({ env: surround({ AWS_PROFILE: 'other', AWS_CONFIG_FILE: config }) });
      await expect(none.readObject(digestOf(bytes))).rejects.toMatchObject({
        exit: 6,
        code: expect.stringContaining('credentials') as string,
      });
    });

    it.skipIf(tokenOfCluster === undefined)(
      'is read by the role of a service account, without a word of the SDK',
      async () => {
        const role = `role-${randomUUID().slice(0, 8)}`;
        const arn = `arn:aws:iam::000000000000:role/${role}`;
        const provider = 'arn:aws:iam::000000000000:oidc-provider/198.18.0.1';
        const trust = {
          Effect: 'Allow',
          Principal: { Federated: provider },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: { StringEquals: { '198.18.0.1:sub': 'system:serviceaccount:datawf-test:default' } },
        };
        const document = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
        ask({ Action: 'CreateRole', RoleName: role, AssumeRolePolicyDocument: document });
        ask({ Action: 'PutRolePolicy', RoleName: role, PolicyName: 'p', PolicyDocument: reading(prefix) });
        const bytes = Buffer.from('hello');
        await (await open()).putBytes(digestOf(bytes), bytes);
        const token = makeFile(Buffer.from(tokenOfCluster ?? ''));
        const own = surround({
          AWS_ROLE_ARN: arn,
          AWS_WEB_IDENTITY_TOKEN_FILE: token,
          AWS_REGION: 'us-east-1',
        });
        const warned: unknown[] = [];
        const note = (warning: unknown): void => void warned.push(warning);
        process.on('warning', note);
        const store = await open({ env: own });
        expect(Buffer.from(await store.readObject(digestOf(bytes))).toString()).toBe('hello');
        await expect(store.writeFile('refs/main.json', bytes)).rejects.toMatchObject({
          code: 'access-denied',
          message: expect.stringMatching(
            `^arn:aws:sts::000000000000:assumed-role/${role}/.*${arn}`,
          ) as string,
        });
        process.off('warning', note);
        expect(warned).toEqual([]);
      },
    );
  });
});

/** A service account's token for STS; undefined where only the S3 server is up. */
function askToken(): string | undefined {
  const command = ['create', 'token', 'default', '-n', 'datawf-test', '--audience', 'sts.amazonaws.com'];
  try {
    return execFileSync('kubectl', [...command, '--request-timeout=5s'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return undefined;
  }
}
