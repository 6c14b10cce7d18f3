import { describe, expect, it } from 'vitest';
import { Claims } from '../../../src/agent/claims.ts';
import type { JobPlan } from '../../../src/run/job-plan.ts';
import { formatTasks } from '../../../src/run/job-text.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Store, StoreFacts } from '../../../src/store/store.ts';
import { planOf, taskOf } from '../../rig/agent-pod.ts';
import { datumWork, stageWork } from '../../rig/runner-rig.ts';

async function jobOf(batches: number, workers: number): Promise<{ plan: JobPlan; store: MemoryStore }> {
  const plan = planOf(stageWork('true'), { job: 'a1', batches, workers });
  const store = new MemoryStore();
  for (let number = 0; number < batches; number++) {
    const text = formatTasks([taskOf({ ...datumWork(), id: `d${number}` })]);
    await store.writeFile(`runs/${plan.run}/jobs/a1/batches/${number}.ndjson`, Buffer.from(text));
  }
  return { plan, store };
}

/** A store that answers every conditional write with yes. */
function careless(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'writeFile')
        return async (file: string, bytes: Uint8Array) =>
          (await target.writeFile(file, bytes, { replace: true })) || true;
      if (name === 'describe') return async () => ({ createOnly: false }) as StoreFacts;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function numbers(claims: Claims): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let batch = await claims.next(); batch !== undefined; batch = await claims.next())
    taken.push(batch.number);
  return taken;
}

describe('claims', () => {
  it('begin with the batch of the worker, then take the first that is free', async () => {
    const { plan, store } = await jobOf(4, 3);
    const claims = await Claims.open({ store, plan, index: 2 });
    expect(await numbers(claims)).toEqual([2, 0, 1, 3]);
  });

  it('of two workers in turn never meet', async () => {
    const { plan, store } = await jobOf(7, 2);
    const workers = [
      await Claims.open({ store, plan, index: 0 }),
      await Claims.open({ store, plan, index: 1 }),
    ];
    const taken: (number | undefined)[] = [];
    for (let turn = 0; turn < 10; turn++) taken.push((await workers[turn % 2]!.next())?.number);
    expect(taken.filter((number) => number !== undefined).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('are dealt out by index where two workers could get the same', async () => {
    const { plan, store } = await jobOf(7, 2);
    const loose = careless(store);
    const workers = await Promise.all([0, 1].map((index) => Claims.open({ store: loose, plan, index })));
    expect(await Promise.all(workers.map(numbers))).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5],
    ]);
  });

  it('of a pod that replaces another begin with what that had', async () => {
    const { plan, store } = await jobOf(4, 2);
    const first = await Claims.open({ store, plan, index: 1 });
    await first.show({ index: 1, pod: 'p', node: 'n', seen: 1, done: 0 });
    await first.next();
    const other = await Claims.open({ store, plan, index: 0 });
    await other.next();
    const second = await Claims.open({ store, plan, index: 1 });
    expect(await numbers(second)).toEqual([1, 2, 3]);
  });
});
