import { expect, onTestFinished, test, vi } from 'vitest';
import { controlChildren, type Child } from '../rig/child-control.ts';
import { filesBelow, openStory, readRepro } from './story.ts';

/** Who gets a slot, seen from commands that end when they are told to. */

const CHAIN = `
stages:
  one:
    cmd: COMMAND
    matrix: {date: {since: 2024-05-01, until: 2024-05-07, every: 1d}}
    outs: {out: "one/{date:%Y-%m-%d}.txt"}
  two:
    cmd: COMMAND
    deps: {one: "one/{date:%Y-%m-%d}.txt"}
    outs: {out: "two/{date:%Y-%m-%d}.txt"}
  three:
    cmd: COMMAND
    deps: {two: "two/{date:%Y-%m-%d}.txt"}
    outs: {out: "three/{date:%Y-%m-%d}.txt"}
`;

async function openChain() {
  const control = await controlChildren();
  onTestFinished(() => {
    control.close();
  });
  const running = new Map<string, Child>();
  return {
    story: await openStory(CHAIN.replaceAll('COMMAND', JSON.stringify(control.argv))),
    running,
    /** The names of the next commands to start, sorted: `two 06`. */
    next: async (count: number): Promise<string[]> => {
      const names: string[] = [];
      for (let n = 0; n < count; n++) {
        const child = await control.next();
        const out = child.env['out'] ?? '';
        const name = `${out.slice(0, out.indexOf('/'))} ${out.slice(-6, -4)}`;
        running.set(name, child);
        names.push(name);
      }
      return names.sort();
    },
    finish: async (name: string): Promise<void> => {
      const child = running.get(name);
      if (child === undefined) throw new Error(`${name} doesn't run`);
      running.delete(name);
      await child.tell({ do: 'write', path: child.env['out'] ?? '', text: name });
      await child.end({ do: 'exit', code: 0 });
    },
  };
}

test('a free slot takes the ready datum of the newest period, deepest stage first, while others go on', async () => {
  const { story, running, next, finish } = await openChain();
  const run = story.datawf(['backfill', 'three', '--json', '--since', '2024-05-01', '-j', '4']);
  expect(await next(4)).toEqual(['one 03', 'one 04', 'one 05', 'one 06']);
  const steps = [
    ['one 04', 'two 04'],
    ['one 06', 'two 06'],
    ['two 06', 'three 06'],
    ['three 06', 'one 02'],
    ['two 04', 'three 04'],
    ['one 05', 'two 05'],
    ['three 04', 'one 01'],
    ['one 02', 'two 02'],
    ['two 05', 'three 05'],
    ['one 03', 'two 03'],
  ] as const;
  for (const [ended, begun] of steps) {
    await finish(ended);
    expect([ended, ...(await next(1))]).toEqual([ended, begun]);
    expect(running.size).toBe(4);
  }
  // one 01, two 02, two 03 and three 05 run: four more are to come.
  for (const name of ['one 01', 'two 02', 'two 03', 'three 05']) await finish(name);
  expect(await next(3)).toEqual(['three 02', 'three 03', 'two 01']);
  for (const name of ['three 02', 'three 03', 'two 01']) await finish(name);
  expect(await next(1)).toEqual(['three 01']);
  await finish('three 01');
  expect(readRepro(await run)).toMatchObject({ code: 0, counts: { planned: 18, ran: 18 } });
});

test('after kill -9 it goes on, and no finished datum runs again', async () => {
  const { story, next, finish } = await openChain();
  const args = ['backfill', 'three', '--json', '--since', '2024-05-04', '-j', '2'];
  let kill: () => void = () => undefined;
  const killed = story.datawf(args, { onStart: (child) => (kill = () => void child.kill('SIGKILL')) });
  expect(await next(2)).toEqual(['one 05', 'one 06']);
  await finish('one 06');
  expect(await next(1)).toEqual(['two 06']);
  await finish('two 06');
  expect(await next(1)).toEqual(['three 06']);
  await vi.waitFor(() => expect(filesBelow(story.path('.git/datawf/results'))).toHaveLength(2), 5_000);
  kill();
  await killed;
  const again = story.datawf(args);
  expect(await next(2)).toEqual(['one 05', 'three 06']);
  const steps = [
    ['three 06', 'one 04'],
    ['one 05', 'two 05'],
    ['two 05', 'three 05'],
    ['one 04', 'two 04'],
  ] as const;
  for (const [ended, begun] of steps) {
    await finish(ended);
    expect(await next(1)).toEqual([begun]);
  }
  await finish('three 05');
  await finish('two 04');
  expect(await next(1)).toEqual(['three 04']);
  await finish('three 04');
  expect(readRepro(await again)).toMatchObject({ code: 0, counts: { ran: 7 } });
});
