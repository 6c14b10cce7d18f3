import { describe, expect, test } from 'vitest';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import { jobManifest, type KubeEnvironment } from '../../../src/run/job-spec.ts';
import { hasImageVolume, patchPodSpec } from '../../../src/run/pod-patch.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';
import type { Stage } from '../../../src/model/stage.ts';

const ENVIRONMENT: KubeEnvironment = {
  namespace: 'ns',
  serviceAccount: (stage) => `weather-${stage}`,
  uids: { main: 20_001, stager: 20_002, group: 30_000 },
  credentials: { role: 'arn:aws:iam::1:role/r' },
  secrets: new Map([
    ['TOKEN', { secret: 'weather', key: 'archive' }],
    ['OTHER', { secret: 'weather', key: 'other' }],
  ]),
  agentImage: 'agent:1',
  stores: [{ url: 's3://b/p', region: undefined, endpoint: undefined, pathStyle: false, ca: undefined }],
  storeEnv: { AWS_REGION: 'eu-central-1' },
  user: 'Ada Test',
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- it is JSON, read by many paths
function manifest(fields: string, environment: Partial<KubeEnvironment> = {}): any {
  const stage = stageOf(fields);
  return jobManifest({
    name: 'one-1234567890',
    stage,
    environment: { ...ENVIRONMENT, ...environment },
    labels: { 'datawf.dev/code': 'c0de' },
    plan: {
      version: '0.1.0',
      run: '01J00000000000000000000000',
      job: 'j1',
      stage: stage.id,
      code: 'c'.repeat(64) as Digest,
      work: { stage, code: [], broadcast: [], env: {}, secretNames: stage.secrets },
      batches: 4,
      workers: 3,
      memory: stage.resources.memory[0],
      disk: stage.resources.disk,
    },
  });
}

function stageOf(fields: string): Stage {
  const text = `stages:\n  one: {cmd: "true", image: "tools:1", outs: {o: o.txt}${fields}}\n`;
  const [stage] = parsePipelineFile(text, 'datawf.yaml' as RepoPath).stages;
  return stage!;
}

describe('a Job', () => {
  test('starts all its workers at once, and its labels lead to it', () => {
    const { metadata, spec } = manifest('');
    expect(spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      podReplacementPolicy: 'Failed',
    });
    expect(metadata.labels).toMatchObject({
      'datawf.dev/run': '01J00000000000000000000000',
      'datawf.dev/job': 'j1',
      'datawf.dev/code': 'c0de',
    });
    expect(spec.template.metadata.labels).toEqual(metadata.labels);
  });

  test('is stopped by the agent’s exit, and doesn’t count disruptions', () => {
    expect(manifest('').spec.podFailurePolicy.rules).toMatchObject([
      { action: 'FailJob' },
      { action: 'Ignore' },
    ]);
  });

  test('meets the restricted profile', () => {
    const { spec } = manifest('').spec.template;
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      fsGroup: 30_000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of [...spec.containers, ...spec.initContainers])
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    expect(spec.automountServiceAccountToken).toBe(false);
  });

  test('gives store credentials to the stager alone', () => {
    const { spec } = manifest('').spec.template;
    const [, stager] = spec.initContainers;
    expect(JSON.stringify(stager)).toContain('arn:aws:iam::1:role/r');
    expect(JSON.stringify(spec.containers)).not.toMatch(/AWS|role\/r|token/);
    const bySecret = manifest('', { credentials: { secret: 's3' } }).spec.template.spec;
    expect(JSON.stringify(bySecret.initContainers[1])).toContain('"name":"s3"');
    expect(JSON.stringify(bySecret.containers)).not.toContain('s3');
  });

  test('gives the command just the secrets that its stage names', () => {
    const { containers } = manifest(', secrets: [TOKEN]').spec.template.spec;
    expect(JSON.stringify(containers)).toContain('archive');
    expect(JSON.stringify(containers)).not.toContain('"other"');
  });

  test('asks for what the stage asks for', () => {
    const { containers, serviceAccountName } = manifest(
      ', resources: {cpu: 0.5, memory: [1Gi, 2Gi], disk: 1Gi, gpu: 1}',
    ).spec.template.spec;
    expect(containers[0].resources).toMatchObject({
      requests: { cpu: '500m', memory: '1073741824', 'nvidia.com/gpu': '1' },
      limits: { memory: '1073741824', 'nvidia.com/gpu': '1' },
    });
    expect(serviceAccountName).toBe('weather-one');
  });

  test('takes a patch of its pods', () => {
    const { spec } = manifest(
      ', pod_patch: {nodeSelector: {pool: gpu}, containers: [{name: main, tty: true}]}',
    ).spec.template;
    expect(spec.nodeSelector).toEqual({ pool: 'gpu' });
    expect(spec.containers).toHaveLength(1);
    expect(spec.containers[0]).toMatchObject({ name: 'main', image: 'tools:1', tty: true });
  });
});

describe('a patch', () => {
  const base = { a: { b: 1, c: 2 }, volumes: [{ name: 'v', emptyDir: {} }], n: 1 };
  test.each([
    ['changes fields', { a: { c: 3 } }, { ...base, a: { b: 1, c: 3 } }],
    ['removes by null', { n: null }, { a: base.a, volumes: base.volumes }],
    [
      'merges named things by name',
      { volumes: [{ name: 'v', x: 1 }] },
      { ...base, volumes: [{ name: 'v', emptyDir: {}, x: 1 }] },
    ],
    [
      'adds others behind',
      { volumes: [{ name: 'w' }] },
      { ...base, volumes: [...base.volumes, { name: 'w' }] },
    ],
    ['may be absent', undefined, base],
  ])('%s', (_, patch, expected) => {
    expect(patchPodSpec(base, patch)).toEqual(expected);
  });

  test('that is no mapping is refused', () => {
    expect(() => patchPodSpec(base, 'x')).toThrow(/pod_patch/);
  });

  test('with an image volume is known as such', () => {
    expect(hasImageVolume({ volumes: [{ name: 'v', image: { reference: 'x' } }] })).toBe(true);
    expect(hasImageVolume({ volumes: [{ name: 'v', emptyDir: {} }] })).toBe(false);
  });
});
