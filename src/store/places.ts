import { pathToFileURL } from 'node:url';
import { objectFile } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import type { FindPlaces, ObjectPlace, Store } from './store.ts';

/**
 * Looks for objects in stores, in their order: buckets sign, folders of this machine give files. What was found once isn't
 * asked for again. A store that can't be asked is passed over, and counts only where an object is in none of the others.
 */
export function createPlaceFinder(stores: () => Promise<readonly Store[]>): FindPlaces {
  const known = new Map<Digest, Store>();
  return async (digests, seconds, signal) => {
    let open = [...new Set(digests)].filter((digest) => !known.has(digest));
    let failure: Problem | undefined;
    for (const store of open.length === 0 ? [] : await stores()) {
      try {
        const missing = new Set(await store.missingObjects(open, signal));
        for (const digest of open) if (!missing.has(digest)) known.set(digest, store);
        open = [...missing];
      } catch (error) {
        if (!(error instanceof Problem) || error.exit === EXIT.integrity) throw error;
        failure ??= error;
      }
      if (open.length === 0) break;
    }
    if (open.length > 0 && failure !== undefined) throw failure;
    const places = new Map<Digest, ObjectPlace>();
    for (const digest of digests) {
      const store = known.get(digest);
      if (store !== undefined) places.set(digest, await placeIn(store, digest, seconds));
    }
    return places;
  };
}

async function placeIn(store: Store, digest: Digest, seconds: number): Promise<ObjectPlace> {
  if (store.presign !== undefined)
    return { url: await store.presign(digest, seconds), s3: objectFile(store.url, digest) };
  return { url: pathToFileURL(objectFile(store.folder ?? store.url, digest)).href };
}
