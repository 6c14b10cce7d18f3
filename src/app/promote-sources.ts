import { refName } from '../formats/ref-file.ts';
import { environmentOf, storeChain } from '../graph/environment.ts';
import type { StoreConfig } from '../model/config.ts';
import { notFound, Problem } from '../model/problem.ts';
import { didYouMean } from '../util/suggest.ts';
import type { AppContext, Remote } from './ports.ts';
import { storeNamed } from './store-scopes.ts';

/** Branches whose stores are asked, the likeliest first. */
const BRANCHES = 50;

/**
 * Stores that may have what was merged into the branch at hand, the likeliest first: those that the merged branches write and
 * read, then all others that are configured. `from`, a store or a branch, says it instead. Opens them, and asks them nothing but, of
 * a branch that was named, whether it has anything there. Throws `no-source` (exit 4).
 */
export async function sourcesFor(
  ctx: AppContext,
  { to, from }: { readonly to: Remote; readonly from: string | undefined },
): Promise<readonly Remote[]> {
  const found = new Map<string, Remote>();
  const add = (remotes: readonly Remote[]): void => {
    for (const remote of remotes) if (remote.store.url !== to.store.url) found.set(remote.store.url, remote);
  };
  const config = from === undefined ? undefined : ctx.config.stores.get(from);
  if (from !== undefined && config === undefined) {
    add(await storesOf(ctx, from));
    await checkBranch(ctx, from, [...found.values()]);
    return [...found.values()];
  }
  const branches = (await ctx.git.history.branchesOfHead()).slice(0, BRANCHES);
  if (from !== undefined && config?.url.includes('{branch}') === false) {
    add([await storeNamed(ctx, from)]);
    return [...found.values()];
  }
  for (const branch of branches) {
    const remotes = await storesOf(ctx, branch);
    add(config === undefined ? remotes : remotes.filter(({ name }) => name === config.name));
  }
  if (config !== undefined) return [...found.values()];
  for (const store of ctx.config.stores.values())
    if (!store.url.includes('{branch}')) add([await ctx.openStore(store, undefined)]);
  return [...found.values()];
}

/** What a branch writes and reads, by its environment. */
async function storesOf(ctx: AppContext, branch: string): Promise<readonly Remote[]> {
  const chain = storeChain(ctx.config, environmentOf(ctx.config, branch));
  const opened: Remote[] = [];
  for (const store of chain.read) opened.push(...(await openIfNamed(ctx, store, branch)));
  return opened;
}

/** None where the URL wants a name that there isn't: another person's store can't be guessed. */
async function openIfNamed(ctx: AppContext, store: StoreConfig, branch: string): Promise<readonly Remote[]> {
  try {
    return [await ctx.openStore(store, branch)];
  } catch (error) {
    if (error instanceof Problem && error.code === 'no-user') return [];
    throw error;
  }
}

async function checkBranch(ctx: AppContext, branch: string, stores: readonly Remote[]): Promise<void> {
  for (const { store } of stores) if ((await store.readFile(refName(branch))) !== undefined) return;
  const names = [...ctx.config.stores.keys(), ...(await ctx.git.history.branchesOfHead())];
  throw notFound(
    'no-source',
    `${branch} is no store, and no branch that pushed to the stores of its environment`,
    didYouMean(branch, names) ?? `Stores: ${[...ctx.config.stores.keys()].join(', ')}`,
  );
}
