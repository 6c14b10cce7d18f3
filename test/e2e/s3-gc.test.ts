import { describe, expect, test } from 'vitest';
import type { GcReport } from '../../src/model/keep-report.ts';
import { FAKE_KEYS, useFakeS3 } from '../rig/use-fake-s3.ts';
import { openRig, type Result, type Rig } from './rig.ts';

const fake = await useFakeS3();

const OLD = { GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z', GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z' };
const SWEEP = 'p/runs/sweeping.json';

interface Project {
  readonly rig: Rig;
  readonly as: (...args: readonly string[]) => Promise<Result>;
}

/** A repository whose two versions of a file are in a bucket; the first is in no tip. */
async function openProject(): Promise<Project> {
  const rig = await openRig();
  const as: Project['as'] = (...args) => rig.datawf(args, { env: FAKE_KEYS });
  rig.write(
    '.datawf/config.yaml',
    `stores: {shared: {url: "s3://test/p", endpoint: "${fake.endpoint}", path_style: true}}\n`,
  );
  for (const text of ['one\n', 'two\n']) {
    rig.write('data/a.csv', text);
    await rig.succeed('add', 'data');
    await rig.git('add', '--all');
    await rig.run(['git', 'commit', '--quiet', '-m', text.trim()], { env: OLD });
    expect((await as('push')).code).toBe(0);
  }
  // A bucket tells whole seconds, so that what came within the last one isn't older than now.
  const bucket = fake.buckets.get('test');
  for (const [key, object] of bucket ?? []) bucket?.set(key, { ...object, at: object.at - 10_000 });
  return { rig, as };
}

const gcArgs = ['gc', '--store', 'shared', '--grace', '0d', '--json'] as const;
const lastOf = ({ events }: Result): GcReport => events().at(-1) as unknown as GcReport;

/** Writes into the bucket what a sweep elsewhere says of itself, as old as given. */
function announceElsewhere(ageMs: number): void {
  const sign = { command: 'datawf gc', host: 'elsewhere', pid: 7, time: Date.now() - ageMs };
  const bytes = Buffer.from(JSON.stringify(sign));
  fake.buckets.get('test')?.set(SWEEP, { bytes, etag: '"1"', at: Date.now() });
}

describe('gc of a store in a bucket', () => {
  test('keeps what the tip needs, and removes lists before objects', async () => {
    const { rig, as } = await openProject();
    expect(lastOf(await as(...gcArgs, '--dry-run'))).toMatchObject({ paths: ['data/a.csv'] });
    fake.requests.length = 0;
    const swept = await as(...gcArgs);
    expect(swept.code, swept.stderr).toBe(0);
    expect(lastOf(swept).removed).toMatchObject({ objects: 2, trees: 1 });
    const removed = fake.requests
      .filter(({ method }) => method === 'DELETE')
      .map(({ key }) => key.split('/')[1]);
    const kinds = removed.filter((kind) => kind === 'trees' || kind === 'objects');
    expect(kinds).toEqual(['trees', 'objects', 'objects']);
    expect(fake.buckets.get('test')?.has(SWEEP)).toBe(false);
    await rig.git('clone', '--quiet', '.', '../clone');
    expect((await rig.datawf(['pull'], { cwd: '../clone', env: FAKE_KEYS })).code).toBe(0);
    expect(rig.read('../clone/data/a.csv')).toBe('two\n');
  });

  test('refuses while another one is at work, and passes over one that died', async () => {
    const { as } = await openProject();
    announceElsewhere(60_000);
    const second = await as(...gcArgs);
    expect(second.code).toBe(6);
    expect(JSON.parse(second.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: 'locked',
      message: 'datawf gc (process 7 on elsewhere) is writing to s3://test/p',
      exit: 6,
    });
    expect(fake.requests.some(({ method, key }) => method === 'DELETE' && key.includes('/objects/'))).toBe(
      false,
    );
    announceElsewhere(11 * 60_000);
    const third = await as(...gcArgs);
    expect(third.code, third.stderr).toBe(0);
    expect(lastOf(third).removed).toMatchObject({ objects: 2 });
  });
});
