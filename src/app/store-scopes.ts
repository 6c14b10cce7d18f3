import { notFound, type Problem } from '../model/problem.ts';
import type { Store } from '../store/store.ts';
import { didYouMean } from '../util/suggest.ts';
import { noStore } from './no-store.ts';
import type { AppContext, Remote } from './ports.ts';

/** A store of the configuration by its name, as the branch at hand has it. Throws `no-store` (exit 4). */
export async function storeNamed(ctx: AppContext, name: string): Promise<Remote> {
  const config = ctx.config.stores.get(name);
  if (config !== undefined) return ctx.openStore(config, (await ctx.workspace.head()).branch);
  const names = [...ctx.config.stores.keys()];
  throw notFound(
    'no-store',
    `there is no store ${name}`,
    didYouMean(name, names) ??
      (names.length === 0 ? 'Stores are in .datawf/config.yaml.' : `There are: ${names.join(', ')}`),
  );
}

/** The stores that the branch at hand reads; throws `no-store` (exit 2) where it has none. */
export async function chainOf(ctx: AppContext): Promise<readonly Remote[]> {
  const { read, environment } = await ctx.remotes();
  if (read.length > 0) return read;
  throw noStore(ctx, environment, 'read');
}

/** A store besides the one at hand. */
export interface Scope {
  readonly store: Store;
  /** Whether who writes to it reads the one at hand, as environments have it. */
  readonly reads: boolean;
}

/**
 * All configured stores but one, of every branch that this clone knows where the URL has `{branch}`: their refs may rely on
 * what that one holds. Opens them, and asks them nothing yet.
 */
export async function otherScopes(
  ctx: AppContext,
  { name, url }: { readonly name: string; readonly url: string },
): Promise<readonly Scope[]> {
  const branches = new Set<string>();
  for (const { kind, name } of await ctx.git.history.tips()) {
    if (kind === 'branch') branches.add(name);
    if (kind === 'remote') branches.add(name.slice(name.indexOf('/') + 1));
  }
  const environments = [...ctx.config.environments.values()];
  const scopes = new Map<string, Scope>();
  for (const config of ctx.config.stores.values()) {
    const reads =
      environments.length === 0 ||
      environments.some(({ write, read }) => write === config.name && read.includes(name));
    for (const branch of config.url.includes('{branch}') ? branches : [undefined]) {
      const { store } = await ctx.openStore(config, branch);
      if (store.url !== url) scopes.set(store.url, { store, reads });
    }
  }
  return [...scopes.values()];
}

/** Warns that a store couldn't be asked, where that costs what it knows and nothing else. */
export function warnUnreachable(ctx: AppContext, name: string, { message, hint }: Problem): void {
  ctx.emit({
    event: 'warning',
    code: 'store-unreachable',
    message: `the results of the store ${name} can't be looked up: ${message}`,
    ...(hint === undefined ? {} : { hint }),
  });
}
