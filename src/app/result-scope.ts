import { storeChain } from '../graph/environment.ts';
import type { Digest } from '../model/digest.ts';
import type { ResultRecord } from '../model/result.ts';
import { filledAsFar, slugNames } from './environments.ts';
import type { AppContext } from './ports.ts';

/**
 * Under what results of this branch are made, so that an environment which reads nobody else's can tell its own from those that
 * other branches of this clone made: the URL of the store that it writes, as configured, or its name where it writes none.
 * undefined without an environment.
 */
export async function resultScope(ctx: AppContext): Promise<string | undefined> {
  const environment = await ctx.environment();
  if (environment === undefined) return undefined;
  const { write } = storeChain(ctx.config, environment);
  return write === undefined ? environment.name : filledAsFar(write.url, await slugNames(ctx));
}

/**
 * Which results of the local store count for the branch at hand, besides those that its lock names: all, or of an environment
 * without `read` those made under it. `pinned` is the result that a row names for this very key.
 */
export async function localResultFilter(
  ctx: AppContext,
): Promise<((record: ResultRecord, pinned?: Digest) => boolean) | undefined> {
  const environment = await ctx.environment();
  if (environment === undefined || environment.read.length > 0) return undefined;
  const own = await resultScope(ctx);
  return ({ made, result }, pinned) => made.scope === own || result === pinned;
}
