import { formatListing } from '../formats/tree-text.ts';
import type { EndEvent } from '../model/event.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { EXIT, refused } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';
import { announceSweep } from '../store/announce.ts';
import { copyVerified, locateObjects } from '../store/copy-verified.ts';
import type { Shelf } from '../store/shelf.ts';
import { forEachLimit } from '../util/limit.ts';
import { fetchAdopted } from './adopted.ts';
import { announcerOf } from './announcer.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Project } from './project.ts';
import { lostInPromotion, refuseFailed } from './promote-checks.ts';
import { readEditions, type Edition, type Editions } from './publish-editions.ts';
import { shelfOf } from './publish-target.ts';
import { recordedListing } from './records.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { transferScope, type TransferScope } from './transfer-scope.ts';

export interface PublishRequest {
  readonly targets: readonly string[];
  /** Earlier versions that stay readable. */
  readonly keep: number;
  /** Although rows are marked failed. */
  readonly partial: boolean;
  readonly dryRun: boolean;
}

/** What differs from what was published. */
interface Changes {
  readonly put: readonly FileEntry[];
  readonly gone: readonly string[];
  readonly added: number;
}

/**
 * Puts recorded files under their paths into the environment's `publish` folder or prefix: the bytes that differ, the files that differ,
 * then removals, then the list, then the marker that names it; a killed one is finished by the next. Throws `no-publish` (exit 2),
 * `failed-rows`, `exists`, `locked` (exit 6), `missing-object` (exit 4).
 */
export async function publish(ctx: AppContext, request: PublishRequest): Promise<EndEvent> {
  const traffic = openTraffic(ctx, 'publishing');
  const project = loadProject(workTreeFiles(ctx.workspace));
  const scope = transferScope(ctx, project, { ...request, since: undefined, until: undefined });
  if (!request.partial) refuseFailed(project, scope);
  const shelf = await shelfOf(ctx);
  const ending = { shelf, traffic, request };
  const first = await readEditions(shelf.store);
  const files = await filesToShow(ctx, { project, scope, before: first.current });
  const known = changesOf(first, files);
  const facts = { project, scope, shelf, traffic, files, request };
  if (isNothing(first, known, files))
    return await finish(ctx, ending, { known, version: first.current?.name });
  await refuseForeign(ctx, first, facts);
  if (request.dryRun) {
    traffic.expect(known.put.map(({ size }) => size));
    return await finish(ctx, ending, { known, version: first.current?.name });
  }
  const sign = await announceSweep(shelf.store, announcerOf(ctx, 'datawf publish'));
  try {
    const editions = await readEditions(shelf.store);
    const mine = await filesToShow(ctx, { project, scope, before: editions.current });
    const changes = changesOf(editions, mine);
    const version = await putEdition(ctx, { ...facts, files: mine }, { editions, changes });
    return await finish(ctx, ending, { known: changes, version });
  } finally {
    await sign.close();
  }
}

interface Showing {
  readonly project: Project;
  readonly scope: TransferScope;
  readonly shelf: Shelf;
  readonly traffic: Traffic;
  readonly files: readonly FileEntry[];
  readonly request: PublishRequest;
}

/** The files of the scope, and of what was published those that targets leave out. */
async function filesToShow(
  ctx: AppContext,
  { project, scope, before }: Pick<Showing, 'project' | 'scope'> & { readonly before: Edition | undefined },
): Promise<readonly FileEntry[]> {
  const files = new Map<string, FileEntry>();
  const isNamed = (path: string): boolean =>
    scope.isAll ||
    project.datasets.every(
      (dataset) =>
        !(path === dataset.home || path.startsWith(`${dataset.home}/`)) ||
        (scope.datasets.has(dataset) && scope.filesOf(dataset)?.(path) !== false),
    );
  for (const entry of before?.files ?? []) if (!isNamed(entry.path)) files.set(entry.path, entry);
  for (const dataset of scope.datasets) {
    const isMeant = scope.filesOf(dataset) ?? (() => true);
    for (const entry of await recordedListing(ctx.store, dataset))
      if (isMeant(entry.path)) files.set(entry.path, entry);
  }
  return [...files.values()].sort((a, b) => compareBytes(a.path, b.path));
}

function changesOf(editions: Editions, files: readonly FileEntry[]): Changes {
  const next = new Map(files.map((entry) => [entry.path, entry]));
  const put = files.filter((entry) => !editions.hasShown(entry));
  const added = put.filter(({ path }) => !editions.paths.has(path)).length;
  return { put, added, gone: [...editions.paths].filter((path) => !next.has(path)) };
}

function isNothing(editions: Editions, { put, gone }: Changes, files: readonly FileEntry[]): boolean {
  const isSame =
    editions.current !== undefined && formatListing(editions.current.files) === formatListing(files);
  return isSame && editions.unfinished.length === 0 && put.length === 0 && gone.length === 0;
}

/** Files of somebody else lie where ours would. */
async function refuseForeign(ctx: AppContext, editions: Editions, { files, shelf }: Showing): Promise<void> {
  const fresh = files.flatMap(({ path }) => (editions.paths.has(path) ? [] : [path]));
  const taken = await shelf.taken(fresh, ctx.signal);
  const [first] = taken;
  if (first === undefined) return;
  throw refused(
    'exists',
    `${first}${taken.length === 1 ? '' : ` and ${taken.length - 1} more`} in ${shelf.url} ${taken.length === 1 ? 'was' : 'were'} not published by datawf`,
    'Move it away, or publish elsewhere.',
    taken.length === 1 ? [] : taken.slice(0, 20),
  );
}

async function putEdition(
  ctx: AppContext,
  showing: Showing,
  { editions, changes }: { readonly editions: Editions; readonly changes: Changes },
): Promise<string> {
  const { shelf, files, request, traffic } = showing;
  const edition = editions.next(files);
  await editions.announce(edition);
  await bringBytes(ctx, showing, editions);
  const { jobs: limit, signal } = traffic.moving;
  await forEachLimit(changes.put, { limit, signal }, (entry) => shelf.show(entry, signal));
  await forEachLimit(changes.gone, { limit, signal }, (path) => shelf.hide(path));
  await editions.conclude(edition, { keep: request.keep, limit, signal });
  return edition.name;
}

/** Copies objects that the shelf's store lacks; those of versions that are whole are there. */
async function bringBytes(ctx: AppContext, showing: Showing, editions: Editions): Promise<void> {
  const { project, scope, shelf, traffic, files } = showing;
  const held = new Set(editions.current?.files.map(({ digest }) => digest));
  const sizes = new Map(files.flatMap(({ digest, size }) => (held.has(digest) ? [] : [[digest, size]])));
  const missing = await shelf.store.missingObjects([...sizes.keys()], ctx.signal);
  const objects = new Map(missing.map((digest) => [digest, sizes.get(digest) ?? 0]));
  traffic.expect(objects.values());
  const isBucket = shelf.store.folder === undefined;
  const remotes = (await ctx.remotes()).read.map(({ store }) => store);
  // Of a bucket the server copies, elsewhere what is here is nearest.
  const stores = isBucket ? [...remotes, ctx.local] : [ctx.local, ...remotes];
  const unheld = await ctx.local.missingObjects(missing, ctx.signal);
  const away = new Map(unheld.map((digest) => [digest, sizes.get(digest) ?? 0]));
  const { jobs, signal } = traffic.moving;
  await fetchAdopted(ctx, project, { objects: away, moving: { jobs, signal } });
  const { found, nowhere } = await locateObjects(stores, missing, ctx.signal);
  const facts = { project, scope };
  if (nowhere.size > 0)
    throw await lostInPromotion(ctx, facts, new Map([...nowhere].map((digest) => [digest, undefined])));
  const { moving } = traffic;
  const copy = { to: shelf.store, from: found, objects, isTrusted: true, folder: ctx.local.folder, moving };
  const lost = await copyVerified(copy);
  if (lost.size > 0) throw await lostInPromotion(ctx, facts, lost);
}

interface Ending {
  readonly shelf: Shelf;
  readonly traffic: Traffic;
  readonly request: PublishRequest;
}

async function finish(
  ctx: AppContext,
  { shelf, traffic, request: { dryRun } }: Ending,
  { known, version }: { readonly known: Changes; readonly version: string | undefined },
): Promise<EndEvent> {
  const { put, gone, added } = known;
  const counts = { added, changed: put.length - added, deleted: gone.length };
  const verb = dryRun ? 'would publish' : 'published';
  const asked = (await ctx.remotes()).read.reduce((sum, { store }) => sum + store.traffic.requests, 0);
  const requests = asked + shelf.store.traffic.requests;
  const end = await traffic.end({
    verb,
    exit: EXIT.ok,
    dryRun,
    requests,
    to: shelf.url,
    version: version ?? null,
    ...counts,
  });
  ctx.emit({
    event: 'note',
    message: `${shelf.url}: ${dryRun ? 'would add' : 'added'} ${counts.added}, change${dryRun ? '' : 'd'} ${counts.changed}, remove${dryRun ? '' : 'd'} ${counts.deleted}`,
  });
  ctx.emit(end);
  return end;
}
