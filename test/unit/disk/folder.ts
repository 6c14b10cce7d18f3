import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Digest } from '../../../src/model/digest.ts';
import { digestHex } from '../../../src/util/blake3.ts';

/** A folder of its own for one test, with a work tree and a place for a store. */
export interface TestFolder {
  readonly path: string;
  readonly root: string;
  readonly store: string;
  write(name: string, text: string, mode?: number): string;
  read(name: string): string;
  object(digest: string): string;
  remove(): void;
}

/** Makes it; `remove` takes it away with read-only files in it. */
export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'datawf-disk-'));
  const root = join(path, 'root');
  const store = join(path, 'store');
  mkdirSync(root);
  return {
    path,
    root,
    store,
    write: (name, text, mode = 0o644) => {
      const file = join(root, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode });
      return file;
    },
    read: (name) => readFileSync(join(root, name), 'utf8'),
    object: (digest) => join(store, 'objects', digest.slice(0, 2), digest),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const digestOf = (text: string): Digest => digestHex(text) as Digest;
