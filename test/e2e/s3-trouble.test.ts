import { describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../src/model/setup-report.ts';
import type { Fault, FakeRequest } from '../rig/fake-s3.ts';
import { expectSchema } from '../rig/schemas.ts';
import { FAKE_KEYS, useFakeS3 } from '../rig/use-fake-s3.ts';
import { openRig, type Result, type Rig } from './rig.ts';

const fake = await useFakeS3();

/** A repository with data and a store in the fake S3. */
async function openProject(): Promise<{
  rig: Rig;
  as: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Result>;
}> {
  const rig = await openRig();
  rig.write(
    '.datawf/config.yaml',
    `stores: {shared: {url: "s3://test/p", endpoint: "${fake.endpoint}", path_style: true}}\n`,
  );
  rig.write('data/a.csv', 'hello\n');
  await rig.succeed('add', 'data');
  await rig.git('add', '--all');
  await rig.git('commit', '--quiet', '-m', 'one');
  return { rig, as: (args, env) => rig.datawf(args, { env: { ...FAKE_KEYS, ...env } }) };
}

const isObject = ({ method, key }: FakeRequest): boolean => method === 'GET' && key.includes('/objects/');

describe('what goes wrong with a bucket', () => {
  test.each<[name: string, fault: Fault, code: string, exit: number]>([
    ['a bucket that is gone', { kind: 'refuse', status: 404, code: 'NoSuchBucket' }, 'no-such-bucket', 4],
    [
      'keys that have expired',
      { kind: 'refuse', status: 400, code: 'ExpiredToken' },
      'credentials-expired',
      6,
    ],
    ['a bucket elsewhere', { kind: 'refuse', status: 301, code: 'PermanentRedirect' }, 'wrong-region', 6],
    ['a right that lacks', { kind: 'refuse', status: 403, code: 'AccessDenied' }, 'access-denied', 6],
  ])('%s', async (_name, fault, code, exit) => {
    const { rig, as } = await openProject();
    fake.fault(() => fault);
    const result = await as(['push', '--json']);
    expect(result.code, result.stderr).toBe(exit);
    const error = JSON.parse(result.stderr.trim().split('\n').at(-1) ?? '') as {
      error: string;
      hint: string;
    };
    expect(error).toMatchObject({ error: code, exit });
    expect(error.hint).toMatch(/\w/);
    expect(result.stderr + result.stdout).not.toContain('very-secret');
    fake.calm();
    expect((await as(['push'])).code).toBe(0);
    expect(rig.has('data/a.csv')).toBe(true);
  });

  test.each<[name: string, fault: Fault, exit: number, says: RegExp]>([
    ['bodies cut short', { kind: 'truncate' }, 5, /broke|lost/i],
    ['a byte that is another', { kind: 'flip' }, 7, /corrupt|isn't|damaged|bytes/i],
  ])('%s leave nothing wrong behind', async (_name, fault, exit, says) => {
    const { rig, as } = await openProject();
    expect((await as(['push'])).code).toBe(0);
    await rig.git('clone', '--quiet', '.', '../clone');
    const pull = (): Promise<Result> => rig.datawf(['pull'], { cwd: '../clone', env: FAKE_KEYS });
    fake.fault((request) => (isObject(request) ? fault : undefined));
    const failed = await pull();
    expect(failed.code, failed.stderr).toBe(exit);
    expect(failed.stderr).toMatch(says);
    expect(rig.has('../clone/data/a.csv')).toBe(false);
    fake.calm();
    expect((await pull()).code).toBe(0);
    expect(rig.read('../clone/data/a.csv')).toBe('hello\n');
  });

  test('nobody at the endpoint', async () => {
    const { rig, as } = await openProject();
    rig.write('.datawf/local.yaml', 'stores: {shared: {endpoint: "http://127.0.0.1:9"}}\n');
    const result = await as(['push']);
    expect(result).toMatchObject({ code: 5, stderr: expect.stringContaining('127.0.0.1:9') as string });
  });
});

describe('what stopped nothing', () => {
  test('a clock that is off is told by every command, before its end', async () => {
    const { as } = await openProject();
    fake.settings.clockAhead = 3_600_000;
    const pushed = await as(['push', '--json']);
    expect(pushed.code, pushed.stderr).toBe(0);
    const events = pushed.events();
    expect(events.at(-1)).toMatchObject({ event: 'end' });
    expect(events).toContainEqual({
      event: 'warning',
      code: 'store-notice',
      message: expect.stringContaining('clock is 60 min behind') as string,
    });
    const again = await as(['push']);
    expect(again.stderr.match(/clock is 60 min behind/g)).toHaveLength(1);
  });

  test('doctor says what a store is, and what is off', async () => {
    const { as } = await openProject();
    expect((await as(['push'])).code).toBe(0);
    const report = (await as(['doctor', '--json'])).json<DoctorReport>();
    expectSchema('doctor', report);
    expect(report.checks.find(({ name }) => name === 'store shared')).toEqual({
      name: 'store shared',
      state: 'ok',
      message: `s3://test/p at ${fake.endpoint} (us-east-1) as access key AKFAKE (from AWS_ACCESS_KEY_ID); create-only writes are honoured`,
    });
    fake.settings.clockAhead = 3_600_000;
    const late = (await as(['doctor', '--json'])).json<DoctorReport>();
    expect(late.checks.find(({ name }) => name === 'store shared')).toMatchObject({
      state: 'warn',
      message: expect.stringContaining('clock is 60 min behind') as string,
    });
    fake.calm();
    fake.fault(() => ({ kind: 'refuse', status: 404, code: 'NoSuchBucket' }));
    const gone = await as(['doctor']);
    expect(gone).toMatchObject({ code: 1, stdout: expect.stringMatching(/fail +store shared/) as string });
  });
});
