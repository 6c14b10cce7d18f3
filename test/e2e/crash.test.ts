import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { controlChildren, type Child, type ChildControl } from '../rig/child-control.ts';
import type { RunOptions } from './rig.ts';
import { filesBelow, openStory, type Story } from './story.ts';

/**
 * `kill -9` at any moment costs only what had not finished: the next run goes on, nothing finished runs twice, nothing is
 * lost, and nothing is left in the way.
 */

interface Controlled {
  readonly story: Story;
  readonly control: ChildControl;
  /** Lets a child write its out and succeed. */
  finish(child: Child): Promise<void>;
  /** Starts repro; `kill` ends it with SIGKILL. */
  start(...args: readonly string[]): { readonly ended: Promise<unknown>; kill(): void };
}

async function openControlled(): Promise<Controlled> {
  const control = await controlChildren();
  onTestFinished(() => {
    control.close();
  });
  const [node, script, socket] = control.argv;
  const story = await openStory(`
stages:
  one:
    cmd: [${node ?? ''}, ${script ?? ''}, ${socket ?? ''}]
    matrix: {n: [1, 2, 3]}
    outs: {made: "made/{n}.txt"}
`);
  return {
    story,
    control,
    finish: async (child) => {
      await child.tell({ do: 'write', path: child.env['made'] ?? '', text: child.env['n'] ?? '' });
      await child.end({ do: 'exit', code: 0 });
    },
    start: (...args) => {
      let kill: () => void = () => undefined;
      const options: RunOptions = { onStart: (process) => (kill = () => void process.kill('SIGKILL')) };
      return { ended: story.datawf(['repro', '--json', ...args], options), kill: () => kill() };
    },
  };
}

describe('kill -9 of datawf', () => {
  test('while commands run ends them too, and the next run starts without anything in the way', async () => {
    const { story, control, finish, start } = await openControlled();
    const run = start('-j', '2');
    const [first, second] = [await control.next(), await control.next()];
    run.kill();
    await Promise.all([run.ended, first.gone, second.gone]);
    const again = story.repro('-j', '1');
    for (let n = 1; n <= 3; n++) await finish(await control.next());
    expect(await again).toMatchObject({ code: 0, counts: { planned: 3, ran: 3 } });
    expect(story.texts('made')).toEqual(['1.txt: 1', '2.txt: 2', '3.txt: 3']);
    expect(filesBelow(story.path('.git/datawf/tmp'))).toEqual([]);
  });

  test('a second after a datum finished keeps it', async () => {
    const { story, control, finish, start } = await openControlled();
    const run = start('-j', '1');
    await finish(await control.next());
    const second = await control.next();
    await durable(story);
    run.kill();
    await Promise.all([run.ended, second.gone]);
    const again = story.repro('-j', '1');
    await finish(await control.next());
    await finish(await control.next());
    const { code, ran, counts } = await again;
    expect([code, ran]).toEqual([0, ['one n=2', 'one n=3']]);
    expect(counts).toMatchObject({ ran: 2 });
    expect(story.texts('made')).toEqual(['1.txt: 1', '2.txt: 2', '3.txt: 3']);
    const log = (await story.succeed('log', '--json')).json<{ state: string }[]>();
    expect(log.map(({ state }) => state)).toEqual(['done', 'lost']);
  });

  test('at any moment of a run loses nothing and runs nothing twice', async () => {
    const story = await openStory(`
stages:
  clean:
    cmd: echo "clean $n" >> "$EXECUTIONS"; tr a-z A-Z < "$raw" > "$clean"
    env: {EXECUTIONS: }
    deps: {raw: "raw/{n}.txt"}
    outs: {clean: "clean/{n}.txt"}
  each:
    cmd: echo "each $n" >> "$EXECUTIONS"; sed 's/$/!/' "$clean" > "$each"
    env: {EXECUTIONS: }
    deps: {clean: "clean/{n}.txt"}
    outs: {each: "each/{n}.txt"}
  all:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$all"
    deps: {each: each/}
    outs: {all: all.txt}
`);
    const numbers = Array.from({ length: 12 }, (_, n) => `${n + 10}`);
    for (const n of numbers) story.write(`raw/${n}.txt`, `text ${n}\n`);
    await story.succeed('add', 'raw');
    const executions = story.path('../executions');
    writeFileSync(executions, '');
    const env = { EXECUTIONS: executions };
    for (let killAfter = 1; killAfter <= 22; killAfter += 3) await killAt(story, env, killAfter);
    const last = await story.reproWith({ env });
    expect(last.code).toBe(0);
    expect(story.read('all.txt')).toBe(numbers.map((n) => `TEXT ${n}!\n`).join(''));
    const kept = keptResults(story);
    expect([kept.length, new Set(kept).size]).toEqual([25, 25]);
    expect((await story.reproWith({ env })).counts).toEqual({ skipped: 25 });
    const lock = story.read('datawf.lock');
    for (const path of ['.git/datawf', 'clean', 'each', 'all.txt', 'datawf.lock', 'raw.datawf'])
      story.remove(path);
    writeFileSync(executions, '');
    await story.succeed('add', 'raw');
    expect((await story.reproWith({ env })).code).toBe(0);
    expect(story.read('datawf.lock')).toBe(lock);
    await story.succeed('verify');
    const once = readFileSync(executions, 'utf8').trim().split('\n');
    expect(new Set(once).size).toBe(once.length);
  });
});

/** Resolves when what finished is durable: the promise is a second, and the run's results segment is what shows it. */
async function durable(story: Story): Promise<void> {
  for (;;) {
    if (filesBelow(story.path('.git/datawf/results')).length > 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Keys of all results that were ever kept: one that was run again although it was kept is there twice. */
function keptResults(story: Story): readonly string[] {
  const folder = story.path('.git/datawf/results');
  return filesBelow(folder).flatMap((segment) =>
    readFileSync(`${folder}/${segment}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => `${segment.split('/')[0] ?? ''} ${(JSON.parse(line) as { input: string }).input}`),
  );
}

/** Runs until so many datums have been executed in all, and kills it there. */
async function killAt(story: Story, env: { readonly EXECUTIONS: string }, killAfter: number): Promise<void> {
  const executions = env.EXECUTIONS;
  const end = { done: false };
  let kill: () => void = () => undefined;
  const run = story
    .datawf(['repro', '--json', '-j', '2'], {
      env,
      onStart: (process) => (kill = () => void process.kill('SIGKILL')),
    })
    .finally(() => (end.done = true));
  while (!end.done && readFileSync(executions, 'utf8').split('\n').length - 1 < killAfter)
    await new Promise((resolve) => setImmediate(resolve));
  kill();
  await run;
}

describe('kill -9 of a command', () => {
  test('fails its datum with the signal; the others go on, the next run tries it again', async () => {
    const { story, control, finish, start } = await openControlled();
    const run = start('-j', '1');
    await (await control.next()).end({ do: 'kill', signal: 'SIGKILL' });
    await finish(await control.next());
    await finish(await control.next());
    const { code, stdout } = (await run.ended) as { code: number; stdout: string };
    expect(code).toBe(3);
    expect(stdout).toContain('SIGKILL');
    expect(story.texts('made')).toEqual(['2.txt: 2', '3.txt: 3']);
    const again = story.repro();
    await finish(await control.next());
    expect((await again).ran).toEqual(['one n=1']);
  });
});

test('a lock of a process that is gone is taken over', async () => {
  const { story, control, finish, start } = await openControlled();
  const run = start('-j', '1');
  const child = await control.next();
  run.kill();
  await Promise.all([run.ended, child.gone]);
  const status = await story.datawf(['status', '--json']);
  expect(status.code).toBe(0);
  const again = story.repro('-j', '3');
  for (let n = 1; n <= 3; n++) await finish(await control.next());
  const { code, stderr } = await again;
  expect([code, stderr]).toEqual([0, '']);
});
