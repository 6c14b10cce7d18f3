import { digestAt, kindAt } from '../disk/file-columns.ts';
import { hashFiles } from '../disk/hash-pool.ts';
import { TempNames } from '../disk/object-file.ts';
import { removeLeftovers } from '../store/leftovers.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import type { Store } from '../store/store.ts';
import { forEachLimit } from '../util/limit.ts';
import type { AppContext } from './ports.ts';

/** Objects or trees of a store, read again. */
export interface Reading {
  readonly names: ReadonlySet<Digest>;
  readonly bytes: number;
  /** Names whose bytes are others, with what is wrong. */
  readonly bad: ReadonlyMap<Digest, string>;
}

/** Reads all objects or trees of a store and compares them with their names. Changes nothing. */
export async function readAgain(ctx: AppContext, store: Store, top: 'objects' | 'trees'): Promise<Reading> {
  const sizes = new Map<Digest, number>();
  if (top === 'trees') for await (const { digest } of store.listTrees()) sizes.set(digest, 0);
  else for await (const { digest, size } of store.listObjects()) sizes.set(digest, size);
  return store.folder !== undefined
    ? readFolder(ctx, { folder: store.folder, top, names: [...sizes.keys()] })
    : readRemote(ctx, { store, top, sizes });
}

interface FolderRequest {
  readonly folder: string;
  readonly top: string;
  readonly names: readonly Digest[];
}

async function readFolder(ctx: AppContext, { folder, top, names }: FolderRequest): Promise<Reading> {
  const columns = await hashFiles({
    root: folder,
    paths: names.map((name) => `${top}/${name.slice(0, 2)}/${name}`),
    signal: ctx.signal,
    onProgress: (done, bytes) =>
      ctx.emit({ event: 'progress', verb: 'verifying', done, total: names.length, bytes, totalBytes: 0 }),
  });
  const bad = new Map<Digest, string>();
  let bytes = 0;
  names.forEach((name, index) => {
    bytes += columns.sizes[index] ?? 0;
    const kind = kindAt(columns, index);
    const found = digestAt(columns, index);
    if (kind === undefined || kind === 'l') bad.set(name, 'it is no file');
    else if (found !== name) bad.set(name, `its bytes have the digest ${found}`);
  });
  return { names: new Set(names), bytes, bad };
}

interface RemoteRequest {
  readonly store: Store;
  readonly top: 'objects' | 'trees';
  readonly sizes: ReadonlyMap<Digest, number>;
}

async function readRemote(ctx: AppContext, { store, top, sizes }: RemoteRequest): Promise<Reading> {
  const temps = new TempNames(ctx.store.folder);
  const bad = new Map<Digest, string>();
  let bytes = 0;
  let done = 0;
  const limit = ctx.config.jobs ?? 8;
  const totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  await forEachLimit(sizes, { limit, signal: ctx.signal }, async ([digest, size]) => {
    const file = temps.next();
    try {
      if (top === 'trees') await store.readTree(digest);
      else await store.fetchObject(digest, file, ctx.signal);
    } catch (error) {
      if (!(error instanceof Problem) || !error.code.startsWith('corrupt-')) throw error;
      bad.set(digest, error.message);
    } finally {
      removeLeftovers([{ file, bytes: size }]);
    }
    bytes += size;
    done++;
    ctx.emit({ event: 'progress', verb: 'verifying', done, total: sizes.size, bytes, totalBytes });
  });
  return { names: new Set(sizes.keys()), bytes, bad };
}
