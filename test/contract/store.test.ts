import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { DiskStore } from '../../src/store/disk-store.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { describeStore } from './store.ts';

describeStore('memory', () => ({ store: new MemoryStore() }));

describeStore('disk', (folder) => {
  const store = new DiskStore(folder);
  return {
    store,
    flip: (digest) => {
      const bytes = readFileSync(store.objectPath(digest));
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      chmodSync(store.objectPath(digest), 0o644);
      writeFileSync(store.objectPath(digest), bytes);
      chmodSync(store.objectPath(digest), 0o444);
    },
    reopen: () => new DiskStore(folder),
  };
});
