import { describe, expect, test } from 'vitest';
import { HAS_CLUSTER, openKubeStory, type KubeStory } from '../rig/kube.ts';

/** One stage of one datum. */
async function openOne(fields: string): Promise<KubeStory> {
  return await openKubeStory(`
defaults: {image: "localhost/busybox:1"}
stages:
  one:
    outs: {out: out.txt}
    ${fields}
`);
}

/** What a failed run says of its one datum. */
async function failure(story: KubeStory): Promise<string> {
  const repro = await story.reproOnCluster();
  expect(repro.code, repro.stderr).toBe(3);
  const end = repro.events.find((event) => event.event === 'datum-end');
  return `${end?.message ?? ''}\n${end?.stderr ?? ''}\n${repro.warnings.join('\n')}`;
}

describe.skipIf(!HAS_CLUSTER)('on a cluster, a failure is named:', () => {
  test('an exit code, with the last lines of stderr', async () => {
    const story = await openOne(`cmd: "echo worse >&2; exit 3"`);
    const text = await failure(story);
    expect(text).toMatch(/exit(ed with)? (code )?3/);
    expect(text).toContain('worse');
    const { stdout } = await story.onCluster(['logs', 'last']);
    expect(stdout).toContain('worse');
  });

  test('a command that the image has not', async () => {
    const text = await failure(await openOne(`cmd: [no-such-tool, x]`));
    expect(text).toContain('no-such-tool');
    expect(text).toContain('not found');
  });

  test('too much memory, also where a child took it and the command ends with 0', async () => {
    const eat = 'head -c 400m /dev/zero | tail > /dev/null';
    const child = await failure(
      await openOne(`cmd: "${eat}; echo x > $out; exit 0"\n    resources: {memory: 64Mi}`),
    );
    expect(child).toMatch(/memory/);
  });

  test('an image that is nowhere, within 20 s', async () => {
    const story = await openOne(`cmd: "true"\n    image: "localhost/none:1"`);
    const began = Date.now();
    const text = await failure(story);
    expect(text).toContain('localhost/none:1');
    expect(Date.now() - began).toBeLessThan(40_000);
  });

  test('a place that no node has, told, and given up after schedule_timeout', async () => {
    const text = await failure(
      await openOne(`cmd: "true"\n    schedule_timeout: 5s\n    resources: {memory: 900Gi}`),
    );
    expect(text).toContain('Insufficient memory');
    expect(text).toContain('schedule_timeout');
  });

  test('a Secret that is missing', async () => {
    const story = await openOne(`cmd: "true"\n    secrets: [TOKEN]`);
    const config = story.read('.datawf/config.yaml');
    story.write(
      '.datawf/config.yaml',
      config.replace('write: s\n', 'write: s\n    secrets: {TOKEN: {secret: nope, key: k}}\n'),
    );
    const text = await failure(story);
    expect(text).toContain('secret "nope" not found');
  });

  test('a stage without an image, before anything runs', async () => {
    const story = await openKubeStory(`
stages:
  one: {cmd: "true > $out", outs: {out: out.txt}}
`);
    const result = await story.onCluster(['repro']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('defaults: {image:');
  });

  test('a pod that Pod Security refuses', async () => {
    const text = await failure(await openOne(`cmd: "true"\n    pod_patch: {hostNetwork: true}`));
    expect(text).toContain('Pod Security');
  });
});
