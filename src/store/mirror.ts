import { forEachLimit } from '../util/limit.ts';
import type { DiskStore } from './disk-store.ts';
import type { ResultSource } from './results.ts';
import type { Store } from './store.ts';

const SEGMENTS_AT_ONCE = 16;

/**
 * The results of another store, of which what was read is kept in a folder of its own: apart from the results of this
 * workspace, since which of them count is a question of the branch. Costs a listing per code half, and the segments that are
 * new.
 */
export function mirrorResults(remote: Store, cache: DiskStore): ResultSource {
  return {
    url: remote.url,
    listSegments: async (codeHalf) => {
      const names = await remote.listSegments(codeHalf);
      const held = new Set(await cache.listSegments(codeHalf));
      const absent = names.filter((name) => !held.has(name));
      await forEachLimit(absent, { limit: SEGMENTS_AT_ONCE }, async (name) => {
        await cache.putSegment(codeHalf, name, await remote.readSegment(codeHalf, name));
      });
      return names;
    },
    readSegment: (codeHalf, name) => cache.readSegment(codeHalf, name),
  };
}
