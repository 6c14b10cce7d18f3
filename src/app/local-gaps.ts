import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';
import { hasRecord, recordedListing } from './records.ts';

/** A dataset whose record names what the local store doesn't have. */
export interface Gap {
  readonly home: string;
  /** Objects that aren't here; undefined where not even the listing is. */
  readonly objects: number | undefined;
}

/** Datasets that nobody can get from here: what lock or pointer names of them isn't in the local store. */
export async function findGaps(ctx: AppContext): Promise<readonly Gap[]> {
  const gaps: Gap[] = [];
  for (const dataset of loadProject(workTreeFiles(ctx.workspace)).datasets) {
    // Adopted data are where they were adopted from.
    if (dataset.pointer?.pins !== undefined) continue;
    if (!(await hasRecord(ctx.store, dataset))) {
      gaps.push({ home: dataset.home, objects: undefined });
      continue;
    }
    const digests = (await recordedListing(ctx.store, dataset)).map(({ digest }) => digest);
    const missing = new Set(await ctx.store.missingObjects(digests, ctx.signal));
    if (missing.size > 0) gaps.push({ home: dataset.home, objects: missing.size });
  }
  return gaps;
}
