import type { EndEvent } from '../model/event.ts';
import type { Digest } from '../model/digest.ts';
import type { Amount, CacheReport, PruneReport } from '../model/keep-report.ts';
import { locateObjects } from '../store/copy-verified.ts';
import { measureFolders } from '../store/folder-list.ts';
import { Marker } from '../store/mark.ts';
import type { HeldObject } from '../store/store.ts';
import { markWorkTree } from './gc-roots.ts';
import type { AppContext, Remote } from './ports.ts';
import { repositoriesOf, withEveryLock } from './repositories.ts';
import { chainOf } from './store-scopes.ts';

/** What the local store holds by kind, and what of it this checkout needs. Cost: a stat a file. */
export async function cacheUsage(ctx: AppContext): Promise<CacheReport> {
  const { folder } = ctx.store;
  const marker = new Marker([ctx.local]);
  await markWorkTree(ctx.workspace, marker);
  const objects = new Sum();
  const needed = new Sum();
  for await (const object of ctx.store.listObjects()) {
    objects.add(object);
    if (marker.objects.has(object.digest)) needed.add(object);
  }
  const below = (...tops: readonly string[]): Amount => measureFolders(folder, tops);
  return {
    store: folder,
    objects: objects.amount,
    needed: needed.amount,
    trees: below('trees'),
    results: below('results', 'keys'),
    history: below('runs', 'logs'),
    unfinished: below('tmp'),
    quarantine: below('quarantine'),
  };
}

export interface PruneRequest {
  /** Only objects untouched for so many milliseconds. */
  readonly olderThan: number;
  readonly dryRun: boolean;
}

/**
 * Drops objects from the local store that no checkout needs and that a store which the branch reads has: they are fetched when
 * they are needed again. Throws `no-store` (exit 2) where there is none, `locked` (exit 6) while a work tree writes.
 */
export async function pruneCache(ctx: AppContext, request: PruneRequest): Promise<PruneReport> {
  const started = ctx.around.now();
  const remotes = await chainOf(ctx);
  const repositories = await repositoriesOf(ctx);
  const report = await withEveryLock(ctx, { repositories, name: 'datawf cache prune' }, async () => {
    const marker = new Marker([ctx.local]);
    for (const { git, workTrees } of repositories) {
      for (const workspace of workTrees) await markWorkTree(workspace, marker);
      for await (const { text } of git.history.texts((await git.history.staged()).keys()))
        await marker.markText(text);
    }
    return prune(ctx, request, { remotes, needed: marker.objects });
  });
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, ...report };
  ctx.emit(end);
  return report;
}

interface Scene {
  readonly remotes: readonly Remote[];
  readonly needed: ReadonlySet<Digest>;
}

async function prune(
  ctx: AppContext,
  request: PruneRequest,
  { remotes, needed }: Scene,
): Promise<PruneReport> {
  const before = ctx.around.now() - request.olderThan;
  const sums = { needed: new Sum(), young: new Sum(), onlyHere: new Sum(), dropped: new Sum() };
  const idle: HeldObject[] = [];
  for await (const object of ctx.store.listObjects()) {
    if (needed.has(object.digest)) sums.needed.add(object);
    else if (request.olderThan > 0 && object.since >= before) sums.young.add(object);
    else idle.push(object);
  }
  const stores = remotes.map(({ store }) => store);
  const digests = idle.map(({ digest }) => digest);
  const { nowhere: onlyHere } = await locateObjects(stores, digests, ctx.signal);
  for (const object of idle) {
    if (onlyHere.has(object.digest)) {
      sums.onlyHere.add(object);
      continue;
    }
    if (!request.dryRun) await ctx.store.removeObject(object.digest);
    sums.dropped.add(object);
  }
  return {
    dryRun: request.dryRun,
    dropped: sums.dropped.amount,
    needed: sums.needed.amount,
    onlyHere: sums.onlyHere.amount,
    young: sums.young.amount,
  };
}

class Sum {
  #files = 0;
  #bytes = 0;

  add({ size }: HeldObject): void {
    this.#files++;
    this.#bytes += size;
  }

  get amount(): Amount {
    return { files: this.#files, bytes: this.#bytes };
  }
}
