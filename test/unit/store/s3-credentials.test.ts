import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialSource, regionOf, type ChainIdentity } from '../../../src/store/s3-credentials.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };
const never = (): Promise<never> => Promise.reject(new Error('not to be loaded'));

function chainOf(answers: (ChainIdentity | Error)[]): {
  asked: boolean[];
  source: CredentialSource;
  clock: { now: number };
} {
  const asked: boolean[] = [];
  const clock = { now: 0 };
  const source = new CredentialSource({
    env: { AWS_PROFILE: 'weather' },
    now: () => clock.now,
    loadChain:
      async () =>
      async ({ forceRefresh }) => {
        asked.push(forceRefresh);
        const answer = answers.shift();
        if (answer instanceof Error || answer === undefined) throw answer ?? new Error('none left');
        return answer;
      },
  });
  return { asked, source, clock };
}

const lasting = (id: string, minutes: number): ChainIdentity => ({
  accessKeyId: id,
  secretAccessKey: 's',
  sessionToken: 't',
  expiration: new Date(minutes * 60_000),
});

describe('credentials', () => {
  it('are the keys of the environment without loading anything', async () => {
    const source = new CredentialSource({ env: KEYS, now: () => 0, loadChain: never });
    const found = await source.get();
    expect(found).toEqual({ accessKeyId: 'AK', secretAccessKey: 's', sessionToken: 't' });
    expect(await source.renew(found)).toBeUndefined();
    expect(source.describe(found)).toBe('access key AK (from AWS_ACCESS_KEY_ID)');
  });

  it('of the chain are asked for once, and anew before they end', async () => {
    const { asked, source, clock } = chainOf([lasting('A', 60), lasting('B', 120)]);
    expect((await Promise.all([source.get(), source.get()])).map((found) => found.accessKeyId)).toEqual([
      'A',
      'A',
    ]);
    clock.now = 54 * 60_000;
    expect((await source.get()).accessKeyId).toBe('A');
    clock.now = 56 * 60_000;
    expect((await source.get()).accessKeyId).toBe('B');
    expect(asked).toEqual([false, false]);
  });

  it('that still last are used while others can’t be had', async () => {
    const { source, clock } = chainOf([lasting('A', 60), new Error('offline'), new Error('offline')]);
    await source.get();
    clock.now = 57 * 60_000;
    expect((await source.get()).accessKeyId).toBe('A');
    clock.now = 61 * 60_000;
    await expect(source.get()).rejects.toMatchObject({ code: 'credentials-failed', exit: 6 });
  });

  it('that were refused are replaced past what the chain remembers', async () => {
    const { asked, source } = chainOf([lasting('A', 60), lasting('B', 60)]);
    const first = await source.get();
    expect((await source.renew(first))?.accessKeyId).toBe('B');
    expect((await source.renew(first))?.accessKeyId).toBe('B');
    expect(asked).toEqual([false, true]);
  });

  it('that aren’t there are said to be missing, with what to do', async () => {
    const { source } = chainOf([new Error('Could not load credentials from any providers')]);
    await expect(source.get()).rejects.toMatchObject({ code: 'no-credentials', exit: 6 });
    const sso = chainOf([new Error('The SSO session associated with this profile has expired.')]).source;
    const hint = 'Log in again: `aws sso login --profile weather`.';
    await expect(sso.get()).rejects.toMatchObject({ code: 'credentials-failed', hint });
  });
});

describe('the region', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'datawf-s3-home-'));
    writeFileSync(
      join(home, 'config'),
      '[default]\nregion = eu-north-1\n[profile weather]\noutput=json\nregion=eu-central-1 # here\n[profile other]\ns3 =\n  region = nested\n',
    );
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it.each([
    [{ AWS_REGION: 'us-west-2' }, 'us-west-2'],
    [{ AWS_DEFAULT_REGION: 'us-west-1' }, 'us-west-1'],
    [{}, 'eu-north-1'],
    [{ AWS_PROFILE: 'weather' }, 'eu-central-1'],
    [{ AWS_PROFILE: 'other' }, undefined],
    [{ AWS_PROFILE: 'none' }, undefined],
  ])('of %j is %s', (env, region) => {
    expect(regionOf({ AWS_CONFIG_FILE: join(home, 'config'), ...env })).toBe(region);
  });
});
