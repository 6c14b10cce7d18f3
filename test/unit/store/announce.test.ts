import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { announceSweep, announceWriter, type Announcer } from '../../../src/store/announce.ts';

const ME: Announcer = {
  id: '01J0000000000000000000000A',
  command: 'datawf push',
  host: 'here',
  pid: process.pid,
  now: () => 1e12,
};
const OTHER: Announcer = { ...ME, id: '01J0000000000000000000000B', command: 'datawf gc', host: 'there' };

describe('a store that several write to', () => {
  test('is not swept while somebody writes', async () => {
    const store = new MemoryStore();
    const writing = await announceWriter(store, ME);
    await expect(announceSweep(store, OTHER)).rejects.toMatchObject({ code: 'locked', exit: 6 });
    await writing.close();
    await (await announceSweep(store, OTHER)).close();
    expect(await store.listFiles('runs/')).toEqual([]);
  });

  test('is not written to while it is swept', async () => {
    const store = new MemoryStore();
    const sweeping = await announceSweep(store, OTHER);
    await expect(announceWriter(store, ME, 0)).rejects.toMatchObject({ code: 'store-swept', exit: 5 });
    await expect(announceSweep(store, ME)).rejects.toMatchObject({ code: 'locked' });
    const waiting = announceWriter(store, ME);
    await sweeping.close();
    await (await waiting).close();
  });

  test('is not swept while a run shows that it lives', async () => {
    const store = new MemoryStore();
    const alive = Buffer.from(JSON.stringify({ time: 1e12 - 5000 }));
    await store.writeFile('runs/01J0000000000000000000000C/alive.json', alive);
    await expect(announceSweep(store, OTHER)).rejects.toMatchObject({ code: 'locked' });
  });

  test('forgets who crashed', async () => {
    const store = new MemoryStore();
    await announceWriter(store, { ...ME, host: 'gone', now: () => 1e12 - 700_000 });
    await announceWriter(store, { ...OTHER, pid: 2 ** 30 });
    await (await announceSweep(store, OTHER)).close();
  });
});
