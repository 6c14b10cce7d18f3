import { TempNames } from '../disk/object-file.ts';
import { isInnerText, parseInner } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { forEachLimit } from '../util/limit.ts';
import type { DiskStore } from './disk-store.ts';
import type { Store } from './store.ts';
import { findLeaves, nameOf } from './tree-nodes.ts';
import { rangeBelow } from './trees.ts';

/** How objects and nodes are moved. */
export interface Moving {
  /** At a time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Told after each object with its size in bytes. */
  readonly onObject?: (bytes: number) => void;
}

/** Objects by digest with their sizes in bytes. */
export type Sizes = ReadonlyMap<Digest, number>;

/** What of a fetch couldn't be had. */
export interface Lost {
  readonly objects: ReadonlySet<Digest>;
  /** The first damage that a store showed, where no other had the right bytes. */
  readonly damage: Problem | undefined;
}

/**
 * Brings objects here from the first store that has each; bytes are verified on the way, and what arrived stays whatever
 * happens to the rest. The store that had the last one is asked first, since what belongs together lies together.
 */
export async function fetchObjects(
  local: DiskStore,
  { from, objects, moving }: { from: readonly Store[]; objects: Sizes; moving: Moving },
): Promise<Lost> {
  const temps = new TempNames(local.folder);
  const lost = new Set<Digest>();
  let damage: Problem | undefined;
  let order = [...from];
  await forEachLimit(objects, { limit: moving.jobs, signal: moving.signal }, async ([digest, size]) => {
    for (const store of order) {
      try {
        const file = temps.next();
        await store.fetchObject(digest, file, moving.signal);
        local.adopt(file, digest);
        if (order[0] !== store) order = [store, ...order.filter((other) => other !== store)];
        moving.onObject?.(size);
        return;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code === 'corrupt-object') damage ??= error;
        else if (error.code !== 'missing-object') throw error;
      }
    }
    lost.add(digest);
  });
  return { objects: lost, damage: lost.size > 0 ? damage : undefined };
}

/** Copies objects from here to another store; bytes are verified on the way. Throws `missing-object` for one that isn't here. */
export async function pushObjects(
  local: DiskStore,
  { to, objects, moving }: { to: Store; objects: Sizes; moving: Moving },
): Promise<void> {
  await forEachLimit(objects, { limit: moving.jobs, signal: moving.signal }, async ([digest, size]) => {
    await to.putObject(digest, local.objectPath(digest), moving.signal);
    moving.onObject?.(size);
  });
}

/** Nodes of a tree or table by level, the root first; leaves aren't read. One node a level is read more than those above it. */
export async function nodeLevels(store: Store, root: Digest, moving: Moving): Promise<readonly Digest[][]> {
  const levels: Digest[][] = [[root]];
  for (let level = levels[0] ?? []; ;) {
    const [first] = level;
    if (first === undefined || !isInnerText(await store.readTree(first))) return levels;
    const below = new Map<Digest, readonly Digest[]>();
    await forEachLimit(level, { limit: moving.jobs, signal: moving.signal }, async (digest) => {
      const refs = parseInner(await store.readTree(digest), nameOf(store, digest));
      below.set(
        digest,
        refs.map((ref) => ref.digest),
      );
    });
    level = level.flatMap((digest) => below.get(digest) ?? []);
    levels.push(level);
  }
}

/** Reads all nodes of a tree, many at a time: behind a layered store they are here afterwards. */
export async function readAllNodes(store: Store, root: Digest, moving: Moving): Promise<void> {
  const leaves = (await nodeLevels(store, root, moving)).at(-1) ?? [];
  await forEachLimit(leaves, { limit: moving.jobs, signal: moving.signal }, async (digest) => {
    await store.readTree(digest);
  });
}

/** Reads the nodes of a tree that can hold what is at or below a folder, many at a time. */
export async function readNodesBelow(
  store: Store,
  { root, folder }: { readonly root: Digest; readonly folder: string },
  moving: Moving,
): Promise<void> {
  const leaves = await findLeaves(store, root, rangeBelow(folder));
  await forEachLimit(leaves, { limit: moving.jobs, signal: moving.signal }, async ({ digest }) => {
    await store.readTree(digest);
  });
}

/** Copies nodes, the lowest level first and the root last, so that a root says that all below it is there. */
export async function pushNodes(
  local: Store,
  { to, levels, moving }: { to: Store; levels: readonly (readonly Digest[])[]; moving: Moving },
): Promise<void> {
  for (const level of levels.toReversed()) {
    await forEachLimit(level, { limit: moving.jobs, signal: moving.signal }, async (digest) => {
      await to.putTree(digest, await local.readTree(digest));
    });
  }
}
