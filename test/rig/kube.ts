import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { openStory, readRepro, type Repro, type Story } from '../e2e/story.ts';
import type { Result, RunOptions } from '../e2e/rig.ts';

const { KUBECONFIG, DATAWF_TEST_S3_ENDPOINT: ENDPOINT } = process.env;

/** Whether there is a cluster to test on: `../shared/cluster/enter npm run test:kube`, or any other by these variables. */
export const HAS_CLUSTER = KUBECONFIG !== undefined && ENDPOINT !== undefined;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const AGENT = process.env['DATAWF_TEST_AGENT_IMAGE'] ?? `localhost/datawf-agent:${version}`;

/** A story whose environment is a namespace of its own on a real cluster, and a prefix of its own on a real S3 server. */
export interface KubeStory extends Story {
  readonly namespace: string;
  kubectl(...args: readonly string[]): string;
  /** Names of the pods that are there. */
  pods(): readonly string[];
  onCluster(args: readonly string[], options?: RunOptions): Promise<Result>;
  reproOnCluster(...args: readonly string[]): Promise<Repro>;
}

/** Opens one; the namespace goes when the test ends. The environments are `cluster` (of every branch) and `here`. */
export async function openKubeStory(pipeline: string): Promise<KubeStory> {
  const name = `k-${randomBytes(4).toString('hex')}`;
  const kubectl = (...args: readonly string[]): string =>
    execFileSync('kubectl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  kubectl('create', 'namespace', name);
  onTestFinished(() => void kubectl('delete', 'namespace', name, '--wait=false'));
  kubectl('label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted');
  const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map(
    (key) => `--from-literal=${key}=${process.env[key] ?? ''}`,
  );
  kubectl('-n', name, 'create', 'secret', 'generic', 'store', ...keys);
  const story = await openStory(pipeline);
  story.write(
    '.datawf/config.yaml',
    `stores:
  s: {url: "s3://datawf/test/${name}", region: us-east-1, endpoint: "${ENDPOINT ?? ''}", path_style: true}
environments:
  cluster:
    branches: ["**"]
    write: s
    executor: kubernetes
    namespace: ${name}
    credentials: {secret: store}
    agent_image: ${AGENT}
  here: {branches: ["here/*"], write: s, executor: local}
`,
  );
  const env: Record<string, string> = {};
  for (const key of ['KUBECONFIG', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'])
    if (process.env[key] !== undefined) env[key] = process.env[key];
  const onCluster: KubeStory['onCluster'] = (args, options = {}) =>
    story.datawf(args, { ...options, env: { ...env, ...options.env } });
  return {
    ...story,
    namespace: name,
    kubectl: (...args) => kubectl('-n', name, ...args),
    pods: () =>
      kubectl('-n', name, 'get', 'pods', '-o', 'name')
        .split('\n')
        .filter((line) => line !== ''),
    onCluster,
    reproOnCluster: async (...args) => readRepro(await onCluster(['repro', '--json', ...args])),
  };
}
