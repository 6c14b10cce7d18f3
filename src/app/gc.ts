import type { EndEvent } from '../model/event.ts';
import type { Digest } from '../model/digest.ts';
import type { GcReport } from '../model/keep-report.ts';
import { compareBytes } from '../model/repo-path.ts';
import { announceSweep, type Announcement } from '../store/announce.ts';
import { listLeftovers, removeLeftovers, type Leftover } from '../store/leftovers.ts';
import { Marker } from '../store/mark.ts';
import type { Store } from '../store/store.ts';
import { findWaste, stillWaste, sweep, type Limits, type Waste } from '../store/sweep.ts';
import { announcerOf } from './announcer.ts';
import { homesOfText, walkVersion } from './home-versions.ts';
import {
  markRefs,
  markRepository,
  markUnfinished,
  RootTally,
  sortRefs,
  type RootRequest,
} from './gc-roots.ts';
import { dropRuns, oldRuns } from './gc-runs.ts';
import { otherScopes, storeNamed } from './store-scopes.ts';
import type { AppContext } from './ports.ts';
import { repositoriesOf, withEveryLock, type Repository } from './repositories.ts';

export interface GcRequest {
  /** Commits younger than this are kept, milliseconds. */
  readonly grace: number;
  readonly allCommits: boolean;
  /** Runs older than this go, milliseconds; undefined keeps all. */
  readonly history: number | undefined;
  /** A store of the configuration; undefined means the local one. */
  readonly store: string | undefined;
  readonly dryRun: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A merge writes lists without a lock, a moment before git writes the file that names them. */
const MERGE_MS = 10 * MINUTE_MS;
/** In a store that others write to, what they just brought may not be named yet. */
const SHARED_MS = 60 * MINUTE_MS;

/**
 * Removes from a store what no branch, tag, stash, work tree or young commit needs; a dry run tells what would go, by path. The
 * local store is cleared while no work tree writes (`locked`, exit 6, else), another one while nobody announces to write there.
 */
export async function gc(ctx: AppContext, request: GcRequest): Promise<GcReport> {
  const started = ctx.around.now();
  const repositories = await repositoriesOf(ctx);
  const clear = (): Promise<GcReport> =>
    request.store === undefined
      ? clearLocal(ctx, request, repositories)
      : clearShared(ctx, request, request.store);
  const isAlone = request.store === undefined && !request.dryRun;
  const report = isAlone
    ? await withEveryLock(ctx, { repositories, name: 'datawf gc' }, clear)
    : await clear();
  const seconds = (ctx.around.now() - started) / 1000;
  const end: EndEvent = { event: 'end', exit: 0, seconds, ...report };
  ctx.emit(end);
  return report;
}

/** What is found before anything goes. */
interface Findings {
  readonly tally: RootTally;
  readonly waste: Waste;
  readonly leftovers: readonly Leftover[];
  readonly runs: readonly string[];
  readonly paths: readonly string[];
}

async function clearLocal(
  ctx: AppContext,
  request: GcRequest,
  repositories: readonly Repository[],
): Promise<GcReport> {
  const store = ctx.local;
  const marker = new Marker([store]);
  const refs = await sortRefs(store, repositories);
  const { tally, since } = await markAll(ctx, request, { marker, store, repositories, refs: refs.there });
  const now = ctx.around.now();
  const limits = { objectsBefore: Infinity, treesBefore: now - Math.min(request.grace, MERGE_MS) };
  const found = await lookFor(ctx, request, { store, marker, tally, limits, since, repositories });
  if (!request.dryRun) {
    for (const name of refs.gone) await store.removeFile(name);
    await clear(ctx, store, found);
  }
  return reportOf(store, request, found);
}

async function clearShared(ctx: AppContext, request: GcRequest, name: string): Promise<GcReport> {
  const { store } = await storeNamed(ctx, name);
  const others = await otherScopes(ctx, { name, url: store.url });
  const scopes = others.map((other) => other.store);
  const marker = new Marker([store, ctx.local, ...scopes]);
  const repositories = await repositoriesOf(ctx);
  const refs = await store.listFiles('refs/');
  const { tally, since } = await markAll(ctx, request, { marker, store, repositories, refs });
  await markScopes(scopes, { marker, tally });
  const before = ctx.around.now() - Math.min(request.grace, SHARED_MS);
  const limits = { objectsBefore: before, treesBefore: before };
  const found = await lookFor(ctx, request, { store, marker, tally, limits, since, repositories });
  if (request.dryRun) return reportOf(store, request, found);
  const me = announcerOf(ctx, 'datawf gc');
  const signs: Announcement[] = [];
  try {
    // Who writes to a scope that reads this store relies on what is here, too.
    const readers = others.flatMap((other) => (other.reads ? [other.store] : []));
    for (const one of [store, ...readers]) signs.push(await announceSweep(one, me));
    // What was pushed meanwhile is named by now; what begins from here on waits.
    await markRefs(store, { marker, tally }, { kind: 'store refs', names: await store.listFiles('refs/') });
    await markScopes(scopes, { marker, tally });
    const still = { ...found, waste: stillWaste(found.waste, marker) };
    await clear(ctx, store, still);
    return reportOf(store, request, still);
  } finally {
    for (const sign of signs) await sign.close();
  }
}

async function markScopes(
  scopes: readonly Store[],
  marks: Pick<RootRequest, 'marker' | 'tally'>,
): Promise<void> {
  for (const scope of scopes) {
    const names = await scope.listFiles('refs/');
    await markRefs(scope, marks, { kind: 'other scopes', names });
  }
}

interface Marking {
  readonly marker: Marker;
  readonly store: Store;
  readonly repositories: readonly Repository[];
}

async function markAll(
  ctx: AppContext,
  request: GcRequest,
  { marker, store, repositories, refs }: Marking & { readonly refs: readonly string[] },
): Promise<{ readonly tally: RootTally; readonly since: number }> {
  const tally = new RootTally();
  const since = request.allCommits ? -Infinity : ctx.around.now() - request.grace;
  for (const repository of repositories) await markRepository(ctx, repository, { marker, tally, since });
  await markRefs(store, { marker, tally }, { kind: 'store refs', names: refs });
  await markUnfinished(store, { marker, tally, since });
  return { tally, since };
}

interface Looking extends Marking {
  readonly tally: RootTally;
  readonly limits: Limits;
}

async function lookFor(
  ctx: AppContext,
  request: GcRequest,
  looking: Looking & { since: number },
): Promise<Findings> {
  const { store, marker, limits, tally, repositories } = looking;
  const waste = await findWaste(store, marker, limits);
  const now = ctx.around.now();
  const leftovers = store.folder === undefined ? [] : leftoversOf(store.folder, now, request.grace);
  const runs = request.history === undefined ? [] : await oldRuns(store, now - request.history);
  const paths = request.dryRun ? await pathsOf(store, waste, repositories) : [];
  return { tally, waste, leftovers, runs, paths };
}

/** Unfinished files of a day ago have no writer any more; damaged ones may be somebody's edit, and stay as long as commits. */
function leftoversOf(folder: string, now: number, grace: number): readonly Leftover[] {
  return [
    ...listLeftovers(folder, 'tmp', now - DAY_MS),
    ...listLeftovers(folder, 'quarantine', now - Math.max(grace, DAY_MS)),
  ];
}

/** Data files whose bytes are among the waste, as far as a version in git's history, or a result, had them. */
async function pathsOf(
  store: Store,
  waste: Waste,
  repositories: readonly Repository[],
): Promise<readonly string[]> {
  const going = new Set<Digest>(waste.objects.map(({ digest }) => digest));
  const paths = new Set<string>(waste.paths);
  if (going.size === 0) return [];
  const seen = new Set<string>();
  const onFile = (path: string, digest: Digest): void => {
    if (going.has(digest)) paths.add(path);
  };
  for (const { git } of repositories) {
    const { history } = git;
    const commits = (await history.commits()).map(({ commit }) => commit);
    const versions = await history.changedBy(commits);
    for await (const { id, text } of history.texts(versions.keys()))
      for (const version of homesOfText(text, versions.get(id) ?? ''))
        await walkVersion(store, version, { seen, onFile });
  }
  return [...paths].sort(compareBytes);
}

async function clear(ctx: AppContext, store: Store, found: Findings): Promise<void> {
  await sweep(store, found.waste, {
    signal: ctx.signal,
    onProgress: (done, total) =>
      ctx.emit({ event: 'progress', verb: 'removing', done, total, bytes: 0, totalBytes: 0 }),
  });
  removeLeftovers(found.leftovers);
  await dropRuns(store, found.runs);
}

function reportOf(store: Store, request: GcRequest, found: Findings): GcReport {
  const { waste, leftovers, runs, tally, paths } = found;
  const bytes = waste.objects.reduce((sum, { size }) => sum + size, 0);
  const removed = {
    objects: waste.objects.length,
    bytes,
    trees: waste.trees.length,
    results: waste.results.gone,
  };
  const { held, results } = waste;
  return {
    store: store.url,
    dryRun: request.dryRun,
    roots: tally.counts(),
    kept: {
      objects: held.objects - removed.objects,
      bytes: held.bytes - bytes,
      trees: held.trees - removed.trees,
      results: results.all - results.gone,
    },
    removed: { ...removed, leftovers: leftovers.length, runs: runs.length },
    paths,
  };
}
