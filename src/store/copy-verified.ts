import { rmSync } from 'node:fs';
import { objectFile, TempNames } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { damaged, Problem } from '../model/problem.ts';
import { forEachLimit } from '../util/limit.ts';
import type { Store } from './store.ts';
import type { Moving, Sizes } from './transfer.ts';

/** From this size on a copy within the server spares more than its requests cost: two more than a file in hand takes. */
const LARGE_BYTES = 8 << 20;

export interface VerifiedCopy {
  readonly to: Store;
  /** Asked in this order. */
  readonly from: readonly Store[];
  readonly objects: Sizes;
  /** The stores are one's own: what the server can copy isn't read. */
  readonly isTrusted?: boolean;
  /** A folder of this machine for bytes on their way, below it `tmp/`. */
  readonly folder: string;
  readonly moving: Moving;
}

/** Where objects are, in the order of the stores, and what none of them has. */
export async function locateObjects(
  from: readonly Store[],
  objects: Iterable<Digest>,
  signal: AbortSignal,
): Promise<{ readonly found: readonly Store[]; readonly nowhere: ReadonlySet<Digest> }> {
  let missing: readonly Digest[] = [...objects];
  const found: Store[] = [];
  for (const store of from) {
    if (missing.length === 0) break;
    const still = await store.missingObjects(missing, signal);
    if (still.length < missing.length) found.push(store);
    missing = still;
  }
  return { found, nowhere: new Set(missing) };
}

/**
 * Copies objects from other stores, every byte read and hashed before anything is written under its digest; large ones
 * are moved by the server where both are its own. A store with wrong bytes is passed over. Answers what couldn't be had, with the
 * damage that was seen.
 */
export async function copyVerified({
  to,
  from,
  objects,
  isTrusted = false,
  folder,
  moving,
}: VerifiedCopy): Promise<ReadonlyMap<Digest, Problem | undefined>> {
  const temps = new TempNames(folder);
  const lost = new Map<Digest, Problem | undefined>();
  let order = [...from];
  const { jobs: limit, signal, onObject } = moving;
  await forEachLimit(objects, { limit, signal }, async ([digest, size]) => {
    let damage: Problem | undefined;
    for (const store of order) {
      try {
        await copyOne({ digest, size, isTrusted, to, store, temp: temps.next(), signal });
        if (order[0] !== store) order = [store, ...order.filter((other) => other !== store)];
        onObject?.(size);
        return;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code === 'corrupt-object') damage ??= error;
        else if (error.code !== 'missing-object') throw error;
      }
    }
    lost.set(digest, damage);
  });
  return lost;
}

interface OneCopy {
  readonly digest: Digest;
  readonly size: number;
  readonly isTrusted: boolean;
  readonly to: Store;
  readonly store: Store;
  readonly temp: string;
  readonly signal: AbortSignal;
}

async function copyOne({ digest, size, isTrusted, to, store, temp, signal }: OneCopy): Promise<void> {
  if (store.folder !== undefined) {
    if ((await store.missingObjects([digest])).length > 0) await store.readObject(digest);
    try {
      await to.putObject(digest, objectFile(store.folder, digest), signal);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'corrupt-object') throw error;
      throw damaged('corrupt-object', `object ${digest} in ${store.url} has other bytes than its name says`);
    }
    return;
  }
  const check = (): Promise<void> => store.fetchObject(digest, temp, signal);
  try {
    if (isTrusted && (await to.copyObject?.(digest, store, { signal })) === true) return;
    if (
      !isTrusted &&
      size >= LARGE_BYTES &&
      (await to.copyObject?.(digest, store, { signal, check })) === true
    )
      return;
    // Read anew where a copy was tried and refused: rare, and simpler than to know whether it was.
    await check();
    await to.putObject(digest, temp, signal);
  } finally {
    rmSync(temp, { force: true });
  }
}
