import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { HAS_CLUSTER, openKubeStory, type KubeStory } from '../rig/kube.ts';
import { expectSchema } from '../rig/schemas.ts';

const UPPER = `
defaults: {image: "localhost/busybox:1"}
stages:
  upper:
    cmd: echo "doing $n" >&2; sleep SECONDS; tr a-z A-Z < "$raw" > "$up"
    deps: {raw: "raw/{n}.txt"}
    outs: {up: "up/{n}.txt"}
  all:
    cmd: cat up/* > "$all"
    deps: {ups: up/}
    outs: {all: all.txt}
`;

async function openUpper(datums: number, seconds: number): Promise<KubeStory> {
  const story = await openKubeStory(UPPER.replace('SECONDS', String(seconds)));
  for (let n = 1; n <= datums; n++) story.write(`raw/${n}.txt`, `row ${n}\n`);
  await story.succeed('add', 'raw');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  return story;
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 240; tried++) {
    if (await what()) return;
    await sleep(250);
  }
  throw new Error('it never came');
}

describe.skipIf(!HAS_CLUSTER)('stages as Jobs', () => {
  test('run the same workflow, with hits both ways', async () => {
    const story = await openUpper(2, 0);
    const first = await story.reproOnCluster();
    expect(first.code, first.stderr).toBe(0);
    expect(first.counts).toEqual({ planned: 3, ran: 3 });

    // What the cluster made is a hit here …
    await story.git('checkout', '--quiet', '-b', 'here/one');
    story.remove('datawf.lock');
    const here = await story.onCluster(['repro', '--json', '--env', 'here']);
    expect(here.code, here.stderr).toBe(0);
    expect(here.stdout).toContain('"cached":3');
    expect(story.read('all.txt')).toBe('ROW 1\nROW 2\n');

    // … and what is made here is one there.
    story.write('raw/2.txt', 'row two\n');
    const own = await story.onCluster(['repro', '--json', '--env', 'here']);
    expect(own.stdout).toContain('"ran":2');
    story.remove('datawf.lock');
    const there = await story.reproOnCluster('--env', 'cluster');
    expect(there.counts).toMatchObject({ cached: 3 });
  });

  test('leave times, place and logs in the history, also after the pods are gone', async () => {
    const story = await openUpper(1, 0);
    expect((await story.reproOnCluster()).code).toBe(0);
    story.kubectl('delete', 'jobs', '--all', '--wait');
    const logs = await story.onCluster(['logs', 'last']);
    expect(logs.stdout).toContain('doing 1');
    const shown = await story.onCluster(['show', 'last', '--json']);
    const text = JSON.stringify(shown.json());
    for (const field of [
      '"executor":"kubernetes"',
      '"pod":"upper-',
      '"scheduled":',
      '"staged":',
      '"uploaded":',
    ])
      expect(text).toContain(field);
  });

  test('go on when the command is killed, and are taken up without running anything twice', async () => {
    const story = await openUpper(3, 6);
    let killed = false;
    await story.onCluster(['repro'], {
      onStart: (child) => {
        void until(() => story.pods().length > 0).then(() => {
          killed = child.kill('SIGKILL');
        });
      },
    });
    expect(killed).toBe(true);
    const jobs = (): string => story.kubectl('get', 'jobs', '-o', 'name', '-l', 'datawf.dev/stage=upper');
    const before = jobs();
    const again = await story.reproOnCluster();
    expect(again.code, again.stderr).toBe(0);
    expect(again.warnings.join()).toContain('running already');
    expect(jobs()).toBe(before);
    const logs = await story.onCluster(['logs', 'last', 'upper']);
    expect(logs.stdout.match(/doing 1/g)).toHaveLength(1);
  });

  test('are left by --detach, shown by ps, and gone after cancel', async () => {
    const story = await openUpper(2, 300);
    const left = await story.onCluster(['repro', '--json', '--detach']);
    expect(left.code, left.stderr).toBe(0);
    expect(left.events().at(-1)).toMatchObject({ event: 'end', state: 'detached' });
    const ps = await story.onCluster(['ps', '--json']);
    expectSchema('ps', ps.json());
    const [job] = ps.json<readonly { run: string; stage: string }[]>();
    expect(job?.stage).toBe('upper');
    await until(() => story.pods().length > 0);
    const began = Date.now();
    const cancelled = await story.onCluster(['cancel', job?.run ?? '', '--json']);
    expect(cancelled.code, cancelled.stderr).toBe(0);
    expectSchema('cancel', cancelled.json());
    expect(story.pods()).toEqual([]);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect((await story.onCluster(['cancel', job?.run ?? ''])).code).toBe(4);
  });

  test('end when the command is stopped without a terminal, and leave no pod', async () => {
    const story = await openUpper(1, 300);
    const stopped = await story.onCluster(['repro'], {
      onStart: (child) => void until(() => story.pods().length > 0).then(() => child.kill('SIGINT')),
    });
    expect(stopped.code).toBe(130);
    expect(story.pods()).toEqual([]);
  });
});
