import { appendFileSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planOf, taskOf, TestJob, type PlanOptions } from '../rig/agent-pod.ts';
import { datumWork, out, stageWork } from '../rig/runner-rig.ts';

let folder: string;
let job: TestJob | undefined;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(`${tmpdir()}/datawf-pods-`));
});
afterEach(async () => {
  await job?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A Job of batches of datums named by letters; their command may note what it did in `folder`. */
async function writeJob(
  cmd: string,
  batches: readonly string[],
  more: Partial<PlanOptions> = {},
): Promise<TestJob> {
  const work = stageWork(cmd, { env: { FOLDER: folder } });
  job = new TestJob(folder, planOf(work, { job: 'a1', batches: batches.length, ...more }));
  const task = (id: string): ReturnType<typeof taskOf> =>
    taskOf({ ...datumWork({ captures: { id }, outs: [out('o', `o/${id}`)] }), id });
  await job.write(batches.map((letters) => Array.from(letters, task)));
  return job;
}

/** Lines that commands noted. */
function noted(name = 'ran'): readonly string[] {
  const file = `${folder}/${name}`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').sort() : [];
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 500; tries++) await sleep(20);
  expect(isTrue()).toBe(true);
}

async function states(of: TestJob): Promise<readonly string[]> {
  const outcomes = await of.outcomes();
  return outcomes
    .map(({ id, outcome }) => `${id} ${outcome.state === 'failed' ? outcome.code : outcome.state}`)
    .sort();
}

const NOTE = 'echo $id >> "$FOLDER/ran"; ';
const WRITE = 'echo $id > "$o"';
/** Notes the datum, and waits for a file where it is the one named. */
const waitAt = (id: string): string =>
  `${NOTE}if [ $id = ${id} ]; then while [ ! -e "$FOLDER/go" ]; do sleep 0.02; done; fi; ${WRITE}`;

describe('pods of a Job', () => {
  it('share its batches and run no datum twice', async () => {
    const shared = await writeJob(`${NOTE}sleep 0.05; ${WRITE}`, ['ab', 'cd', 'ef', 'gh', 'ij'], {
      workers: 2,
    });
    expect(await Promise.all([shared.runPod({ index: 0 }), shared.runPod({ index: 1 })])).toEqual([0, 0]);
    expect(noted()).toEqual(Array.from('abcdefghij'));
    expect(await states(shared)).toEqual(Array.from('abcdefghij', (id) => `${id} ok`));
    const results = await shared.store.listSegments(shared.plan.code);
    const lines = await Promise.all(results.map((name) => shared.store.readSegment(shared.plan.code, name)));
    expect(lines.join('').trim().split('\n')).toHaveLength(10);
  });

  it('tell where and when each datum ran', async () => {
    const told = await writeJob(WRITE, ['a']);
    await told.runPod({ pod: 'stage-0-x7k2p' });
    const [outcome] = await told.outcomes();
    expect(outcome?.place).toMatchObject({
      node: 'node-1',
      pod: 'stage-0-x7k2p',
      serviceAccount: 'datawf-stage',
      uid: process.getuid?.(),
    });
    const { stageIn, staged, uploaded } = outcome!.place;
    const { started, ended } = outcome!.outcome.usage;
    expect([stageIn, staged, started, ended, uploaded]).toEqual(
      [stageIn, staged, started, ended, uploaded].toSorted((a, b) => a - b),
    );
    expect(await told.store.listFiles(`runs/${told.plan.run}/jobs/a1/workers/`)).toHaveLength(1);
  });

  it('lose with a killed container the datum that ran there, and nothing else', async () => {
    const killed = await writeJob(waitAt('b'), ['abc', 'd']);
    const { loop, stager } = killed.pod({ pod: 'x-0-first' });
    await until(() => noted().includes('b'));
    loop.child.kill('SIGKILL');
    await loop.ended;
    stager.child.kill('SIGTERM');
    await stager.ended;
    expect(await states(killed)).toEqual(['a ok', 'b container-lost']);
    appendFileSync(`${folder}/go`, '');
    expect(await killed.runPod({ pod: 'x-0-second' })).toBe(0);
    expect(await states(killed)).toEqual(['a ok', 'b container-lost', 'c ok', 'd ok']);
    expect(noted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('end with their stager, and the next one of the index takes over what it had', async () => {
    const lost = await writeJob(waitAt('b'), ['abc']);
    const { loop, stager } = lost.pod({ pod: 'x-0-first' });
    await until(() => noted().includes('b'));
    stager.child.kill('SIGKILL');
    expect(await loop.ended).toBe(44);
    appendFileSync(`${folder}/go`, '');
    expect(await lost.runPod({ pod: 'x-0-second' })).toBe(0);
    expect(await states(lost)).toEqual(['a ok', 'b ok', 'c ok']);
    expect(noted().filter((id) => id === 'b')).toHaveLength(2);
  });

  it('finish the datum at hand when they are told to end, and take no other', async () => {
    const ended = await writeJob(waitAt('a'), ['ab']);
    const { loop, stager } = ended.pod({ pod: 'x-0-first', graceSeconds: 60 });
    await until(() => noted().includes('a'));
    loop.child.kill('SIGTERM');
    await sleep(100);
    appendFileSync(`${folder}/go`, '');
    expect(await loop.ended).toBe(143);
    stager.child.kill('SIGTERM');
    await stager.ended;
    expect(await states(ended)).toEqual(['a ok']);
    expect(await ended.runPod({ pod: 'x-0-second' })).toBe(0);
    expect(noted()).toEqual(['a', 'b']);
  });

  it('give up a datum that takes more than half of the time they are left, without an outcome', async () => {
    const long = await writeJob(waitAt('a'), ['a']);
    const { loop, stager } = long.pod({ pod: 'x-0-first', graceSeconds: 0.4 });
    await until(() => noted().includes('a'));
    loop.child.kill('SIGTERM');
    expect(await loop.ended).toBe(143);
    stager.child.kill('SIGTERM');
    await stager.ended;
    expect(await states(long)).toEqual([]);
    appendFileSync(`${folder}/go`, '');
    expect(await long.runPod({ pod: 'x-0-second' })).toBe(0);
    expect(await states(long)).toEqual(['a ok']);
  });

  it('kill what a command leaves behind in its sandbox', async () => {
    const left = await writeJob(`(sleep 0.3; touch "$FOLDER/late") & ${WRITE}`, ['a']);
    expect(await left.runPod()).toBe(0);
    await sleep(400);
    expect(existsSync(`${folder}/late`)).toBe(false);
  });

  it('stop the Job where a command is not there, after saying so', async () => {
    const hopeless = await writeJob('no-such-tool', ['ab']);
    expect(await hopeless.runPod()).toBe(42);
    expect(await states(hopeless)).toEqual(['a command-not-found']);
  });

  it('end a datum that takes more disk than its stage may', async () => {
    const large = await writeJob('head -c 3000000 /dev/zero > "$o"; sleep 30', ['a'], { disk: 1 << 20 });
    expect(await large.runPod()).toBe(0);
    expect(await states(large)).toEqual(['a disk-limit']);
  });

  it.each([
    ['another version of datawf', { version: '0.0.1' }, 'other-version'],
    ['a plan that is not there', {}, 'missing-plan'],
  ])('stop the Job of %s', async (_what, options, code) => {
    const work = stageWork(WRITE);
    job = new TestJob(folder, planOf(work, { job: 'a1' }));
    const { loop, stager } = job.pod(options);
    expect(await loop.ended).toBe(42);
    stager.child.kill('SIGTERM');
    await stager.ended;
    expect(stager.stderr()).toContain(`${code}: `);
  });

  it('stop the Job of a plan with something wrong in it', async () => {
    const bad = await writeJob(WRITE, ['a']);
    const name = `runs/${bad.plan.run}/jobs/a1/batches/0.ndjson`;
    const text = Buffer.from((await bad.store.readFile(name)) ?? []).toString();
    await bad.store.writeFile(name, Buffer.from(text.replace('"o/a"', '"../../a"')), { replace: true });
    expect(await bad.runPod()).toBe(42);
    expect(await states(bad)).toEqual([]);
  });

  it('say that an input is in no store', async () => {
    const work = stageWork(WRITE);
    job = new TestJob(folder, planOf(work, { job: 'a1' }));
    const file = {
      path: 'in.txt',
      kind: 'f',
      digest: 'ab'.repeat(32) as never,
      size: 3,
      from: 'store',
    } as const;
    const deps = [{ name: 'raw', value: 'in.txt', files: [file] }];
    await job.write([[taskOf(datumWork({ deps, outs: [out('o', 'o.txt')] }))]]);
    expect(await job.runPod()).toBe(0);
    expect(await states(job)).toEqual(['- missing-object']);
  });
});
