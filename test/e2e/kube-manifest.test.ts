import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EnvironmentManifest, S3Manifest } from '../../src/model/manifest-report.ts';
import type { Check, DoctorReport } from '../../src/model/setup-report.ts';
import {
  applyManifest,
  dropNamespaceLater,
  HAS_CLUSTER,
  kubeconfigOf,
  kubectl,
  type ClusterUser,
} from '../rig/cluster.ts';
import { allowRole, contentBelow, guardBucket, IAM, openBucket } from '../rig/people.ts';
import { CLUSTER_S3, type RealS3 } from '../rig/real-s3.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openStory, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean: {cmd: "tr a-z A-Z < $raw > $clean", deps: {raw: raw/}, outs: {clean: clean.csv}}
`;

/** Keys that any test server knows: doctor asks the stores as well. */
const TESTER = {
  AWS_ACCESS_KEY_ID: CLUSTER_S3?.env['AWS_ACCESS_KEY_ID'] ?? '',
  AWS_SECRET_ACCESS_KEY: CLUSTER_S3?.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  AWS_REGION: 'us-east-1',
};

interface World {
  readonly story: Story;
  readonly id: string;
  readonly namespaces: { readonly production: string; readonly test: string };
}

/** A project whose environments run on Kubernetes, each with a role, in a bucket. */
async function openWorld(server: RealS3): Promise<World> {
  const id = randomUUID().slice(0, 8);
  const story = await openStory(PIPELINE);
  const namespaces = { production: `manifest-prod-${id}`, test: `manifest-test-${id}` };
  const store = (prefix: string): string =>
    `{url: "s3://${server.bucket}/${prefix}", endpoint: "${server.endpoint}", path_style: true}`;
  const role = (name: string): string => `{role: "arn:aws:iam::000000000000:role/${name}-${id}"}`;
  story.write(
    '.datawf/config.yaml',
    `stores:
  production: ${store('weather/main')}
  trial: ${store('weather/branches/{branch}')}
environments:
  production:
    branches: [main]
    write: production
    executor: kubernetes
    namespace: ${namespaces.production}
    service_account: "weather-{stage}"
    credentials: ${role('production')}
  test:
    branches: ["**"]
    write: trial
    read: [production]
    executor: kubernetes
    namespace: ${namespaces.test}
    service_account: "trial-{user}-{stage}"
    uids: {main: 20001, stager: 20002, group: 30000}
    credentials: ${role('test')}
    secrets: {TOKEN: {secret: weather, key: archive}}
`,
  );
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  return { story, id, namespaces };
}

interface PodChoice {
  readonly name: string;
  readonly account?: string;
  readonly uids?: readonly [main: number, stager: number];
  readonly secret?: string;
}

function job({ name, account, uids = [20_001, 20_002], secret }: PodChoice): string {
  const container = (own: string, uid: number): object => ({
    name: own,
    image: 'localhost/busybox:1',
    command: ['id', '-u'],
    ...(secret === undefined
      ? {}
      : {
          env: [{ name: 'A', valueFrom: { secretKeyRef: { name: secret, key: 'archive', optional: true } } }],
        }),
    securityContext: { runAsUser: uid, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  });
  const podSpec = {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    ...(account === undefined ? {} : { serviceAccountName: account }),
    securityContext: { runAsNonRoot: true, runAsUser: uids[0], seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container('main', uids[0]), container('stager', uids[1])],
  };
  const spec = { backoffLimit: 0, template: { spec: podSpec } };
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec });
}

describe.skipIf(!HAS_CLUSTER || CLUSTER_S3 === undefined || IAM === undefined)(
  'env manifest, applied as printed',
  { timeout: 180_000 },
  () => {
    const given = CLUSTER_S3 ?? { endpoint: '', bucket: '', env: {} };

    test('alice runs Jobs as herself in the test namespace, and nothing else', async () => {
      const { story, namespaces } = await openWorld(given);
      for (const namespace of Object.values(namespaces)) dropNamespaceLater(namespace);
      const people = ['--user', 'alice', '--user', 'bob'];
      const all = (await story.succeed('env', 'manifest', '--json')).json<EnvironmentManifest>();
      expectSchema('env-manifest', all);
      applyManifest(
        (await story.succeed('env', 'manifest', 'test', '--part', 'kubernetes', ...people)).stdout,
      );
      applyManifest(
        (await story.succeed('env', 'manifest', 'production', '--part', 'kubernetes', '--json')).stdout,
      );
      const create = (user: ClusterUser, choice: PodChoice, namespace = namespaces.test) =>
        kubectl(user, ['create', '-n', namespace, '-f', '-'], job(choice));
      const denied = (text: string): object => ({ ok: false, text: expect.stringContaining(text) as string });
      await expect
        .poll(() => create('bob', { name: 'probe', account: 'trial-alice-clean' }), { timeout: 10_000 })
        .toMatchObject(denied('datawf: bob may not use the ServiceAccount trial-alice-clean'));

      await story.git('config', 'user.name', 'alice');
      const doctor = async (environment: string): Promise<readonly Check[]> => {
        const env = { ...TESTER, KUBECONFIG: kubeconfigOf('alice') };
        const asked = await story.datawf(['doctor', '--env', environment, '--json'], { env });
        return asked.json<DoctorReport>().checks;
      };
      const checks = await doctor('test');
      expect(checks).toContainEqual({
        name: 'jobs as trial-alice-clean',
        state: 'ok',
        message: `${namespaces.test} admits them with uid 20001`,
      });
      expect(checks).toContainEqual(expect.objectContaining({ name: 'rights', state: 'ok' }));
      const refused = {
        state: 'fail',
        fix: expect.stringContaining('datawf env manifest production') as string,
      };
      const elsewhere = await doctor('production');
      expect(elsewhere).toContainEqual(expect.objectContaining({ name: 'rights', ...refused }));
      expect(elsewhere).toContainEqual(
        expect.objectContaining({ name: 'jobs as weather-clean', ...refused }),
      );

      const own = { account: 'trial-alice-clean' };
      expect(create('alice', { name: 'own', ...own, secret: 'weather' })).toMatchObject({ ok: true });
      expect(create('alice', { name: 'other', account: 'trial-bob-clean' })).toMatchObject(
        denied('datawf: alice may not use the ServiceAccount trial-bob-clean'),
      );
      expect(create('alice', { name: 'none' })).toMatchObject(
        denied('may not use the ServiceAccount default'),
      );
      expect(create('alice', { name: 'uid', ...own, uids: [20_009, 20_002] })).toMatchObject(
        denied('datawf: alice may not run pods as uid 20009'),
      );
      expect(create('alice', { name: 'uid', ...own, uids: [20_001, 20_009] })).toMatchObject(
        denied('may not run containers as another uid'),
      );
      expect(create('alice', { name: 'secret', ...own, secret: 'of-others' })).toMatchObject(
        denied('may read no Secrets but those of the environment'),
      );
      expect(
        create('alice', { name: 'prod', account: 'weather-clean' }, namespaces.production),
      ).toMatchObject(denied('User "alice" cannot create resource "jobs"'));
      expect(
        create('production', { name: 'prod', account: 'weather-clean' }, namespaces.production),
      ).toMatchObject({
        ok: true,
      });
      const logs = (container: string): string =>
        kubectl('alice', ['logs', '-n', namespaces.test, 'job/own', '-c', container]).text.trim();
      await expect.poll(() => logs('main'), { timeout: 30_000, interval: 500 }).toBe('20001');
      await expect.poll(() => logs('stager'), { timeout: 30_000, interval: 500 }).toBe('20002');
      const remove = (user: ClusterUser) => kubectl(user, ['delete', '-n', namespaces.test, 'job/own']);
      expect(remove('bob')).toMatchObject(
        denied('datawf: bob may not use the ServiceAccount trial-alice-clean'),
      );
      expect(remove('alice')).toMatchObject({ ok: true });
    });

    test('a role is taken by its ServiceAccounts alone, and the bucket keeps it off production', async () => {
      const server = await openBucket(given);
      const { story, namespaces } = await openWorld(server);
      for (const namespace of Object.values(namespaces)) {
        dropNamespaceLater(namespace);
        kubectl('admin', ['create', 'namespace', namespace]);
      }
      kubectl('admin', ['create', 'serviceaccount', '-n', namespaces.test, 'trial-alice-clean']);
      kubectl('admin', ['create', 'serviceaccount', '-n', namespaces.production, 'weather-clean']);
      const { issuer } = JSON.parse(
        kubectl('admin', ['get', '--raw', '/.well-known/openid-configuration']).text,
      ) as { issuer: string };
      const printed = await story.succeed('env', 'manifest', '--part', 's3', '--json', '--issuer', issuer);
      const manifest = printed.json<S3Manifest>();
      for (const policy of manifest.policies) allowRole(server, policy);
      for (const policy of manifest.buckets) await guardBucket(server, policy);
      const [production = '', trial = ''] = manifest.policies.map(({ role }) => role ?? '');
      const as = (role: string, namespace: string, account: string, ...args: readonly string[]) => {
        const token = kubectl('admin', [
          ...['create', 'token', account, '-n', namespace, '--audience', 'sts.amazonaws.com'],
        ]);
        story.write('../token', token.text.trim());
        const env = {
          AWS_ROLE_ARN: role,
          AWS_WEB_IDENTITY_TOKEN_FILE: story.path('../token'),
          AWS_ENDPOINT_URL_STS: IAM ?? '',
          AWS_REGION: 'us-east-1',
        };
        return story.datawf(args, { env });
      };
      story.write('raw/a.csv', 'row\n');
      await story.succeed('add', 'raw');
      await story.git('add', '--all');
      await story.git('commit', '--quiet', '-m', 'data');
      const pushed = await as(production, namespaces.production, 'weather-clean', 'push');
      expect(pushed.code, pushed.stderr).toBe(0);
      const before = await contentBelow(server, 'weather/main/');
      expect(Object.keys(before).length).toBeGreaterThan(5);

      await story.git('switch', '--quiet', '-c', 'try');
      story.write('raw/b.csv', 'another\n');
      await story.succeed('add', 'raw');
      const own = await as(trial, namespaces.test, 'trial-alice-clean', 'push');
      expect(own.code, own.stderr).toBe(0);
      const taken = await as(production, namespaces.test, 'trial-alice-clean', 'push', '--env', 'production');
      expect(taken).toMatchObject({ code: 6, stderr: expect.stringContaining('web identity') as string });
      const refused = await as(trial, namespaces.test, 'trial-alice-clean', 'push', '--env', 'production');
      expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('s3:PutObject') as string });

      // Also where somebody gave it the whole bucket.
      const [policy] = manifest.policies.filter(({ role }) => role === trial);
      if (policy === undefined) throw new Error('no policy for the test role');
      const whole = [`arn:aws:s3:::${server.bucket}`, `arn:aws:s3:::${server.bucket}/*`];
      const Statement = [{ Sid: 'All', Effect: 'Allow', Action: 's3:*', Resource: whole } as const];
      allowRole(server, { ...policy, document: { Version: '2012-10-17', Statement } });
      const denied = await as(trial, namespaces.test, 'trial-alice-clean', 'push', '--env', 'production');
      expect(denied).toMatchObject({ code: 6, stderr: expect.stringContaining('explicit deny') as string });
      expect(await contentBelow(server, 'weather/main/')).toEqual(before);
    });
  },
);
