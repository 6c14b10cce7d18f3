import type { Digest } from '../model/digest.ts';
import type { EndEvent } from '../model/event.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { mirrorResults } from '../store/mirror.ts';
import { openResults, readSegments } from '../store/results.ts';
import { fetchObjects, readAllNodes, readNodesBelow, type Lost } from '../store/transfer.ts';
import { fetchAdopted } from './adopted.ts';
import { noStore } from './no-store.ts';
import { pointerEntry, recordedBelow, recordedListing } from './records.ts';
import type { AppContext } from './ports.ts';
import {
  loadProject,
  lockedStage,
  toTreePath,
  workTreeFiles,
  type Dataset,
  type Project,
} from './project.ts';
import { missingProblem } from './sync-home.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { transferScope, type TransferRequest, type TransferScope } from './transfer-scope.ts';

/**
 * Copies what lock and pointers of this checkout name from the stores that the branch reads to the local one; the workspace
 * stays. Throws `no-store` (exit 2), and `missing-object` (exit 4) or `corrupt-object` (exit 7) when all else is done.
 */
export async function fetch(ctx: AppContext, request: TransferRequest): Promise<EndEvent> {
  const traffic = openTraffic(ctx, 'fetching');
  const project = loadProject(workTreeFiles(ctx.workspace));
  await needStore(ctx, project);
  const scope = transferScope(ctx, project, request);
  const problem = await bringObjects(ctx, { project, scope, traffic, request });
  if (problem !== undefined) throw problem;
  const { dryRun } = request;
  const end = await traffic.end({ verb: dryRun ? 'would fetch' : 'fetched', exit: EXIT.ok, dryRun });
  ctx.emit(end);
  return end;
}

/** Throws `no-store` (exit 2) where the branch reads none, and no data have a source of their own. */
export async function needStore(ctx: AppContext, { pointers }: Pick<Project, 'pointers'>): Promise<void> {
  if (pointers.some(({ pins }) => pins !== undefined)) return;
  const { read, environment } = await ctx.remotes();
  if (read.length > 0) return;
  throw noStore(ctx, environment, 'read');
}

export interface BringFacts {
  readonly project: Project;
  readonly scope: TransferScope;
  readonly traffic: Traffic;
  readonly request: Pick<TransferRequest, 'runCache' | 'dryRun'>;
}

/** The work of `fetch`: trees, then the objects that the local store lacks. Answers what couldn't be had, as a problem to throw. */
export async function bringObjects(
  ctx: AppContext,
  { project, scope, traffic, request }: BringFacts,
): Promise<Problem | undefined> {
  const { moving } = traffic;
  const wanted = new Map<Digest, FileEntry[]>();
  let problem: Problem | undefined;
  for (const dataset of scope.datasets) {
    const listing = await bringListing(ctx, { dataset, inside: scope.insideOf(dataset) }, traffic);
    if (listing instanceof Problem) {
      problem ??= listing;
      continue;
    }
    const isMeant = scope.filesOf(dataset);
    for (const entry of listing) {
      if (isMeant !== undefined && !isMeant(entry.path)) continue;
      const same = wanted.get(entry.digest);
      if (same === undefined) wanted.set(entry.digest, [entry]);
      else same.push(entry);
    }
  }
  await bringTables(ctx, { project, scope, traffic });
  const cached = request.runCache ? await cachedFiles(ctx, project, request.dryRun) : [];
  const optional = new Set<Digest>();
  for (const entry of cached) {
    if (wanted.has(entry.digest)) continue;
    wanted.set(entry.digest, [entry]);
    optional.add(entry.digest);
  }
  const missing = await ctx.store.missingObjects([...wanted.keys()], ctx.signal);
  const objects = new Map(missing.map((digest) => [digest, wanted.get(digest)?.[0]?.size ?? 0]));
  traffic.expect(objects.values());
  if (request.dryRun || objects.size === 0) return problem;
  const from = (await ctx.remotes()).read.map(({ store }) => store);
  const own = await fetchAdopted(ctx, project, { objects, moving });
  const lost = await fetchObjects(ctx.store, { from, objects: own, moving });
  return problem ?? lostProblem(project, lost, { wanted, optional });
}

/** A dataset's files, or those that are meant of it, with the nodes of its tree that name them here; or what is wrong with it. */
async function bringListing(
  ctx: AppContext,
  { dataset, inside }: { readonly dataset: Dataset; readonly inside: readonly string[] | undefined },
  { moving }: Traffic,
): Promise<readonly FileEntry[] | Problem> {
  const { recorded } = dataset;
  try {
    if (recorded !== undefined && inside !== undefined) {
      for (const path of inside)
        if (await ctx.store.hasTree(recorded))
          await readNodesBelow(ctx.store, { root: recorded, folder: toTreePath(dataset, path) }, moving);
      return await recordedBelow(ctx.store, dataset, inside);
    }
    if (recorded !== undefined && pointerEntry(dataset) === undefined && (await ctx.store.hasTree(recorded)))
      await readAllNodes(ctx.store, recorded, moving);
    return await recordedListing(ctx.store, dataset);
  } catch (error) {
    if (error instanceof Problem && error.code === 'missing-tree') return error;
    throw error;
  }
}

/** A table that nobody has costs only a look-up of its rows in the run cache. */
async function bringTables(
  ctx: AppContext,
  { project, scope, traffic }: Omit<BringFacts, 'request'>,
): Promise<void> {
  for (const node of project.graph.order) {
    const table = lockedStage(project, node.stage)?.datums.table;
    // For a few files of it the rows can wait until somebody asks for them.
    const isMeant = [...scope.datasets].some(
      (dataset) => dataset.stage === node && scope.insideOf(dataset) === undefined,
    );
    if (table === undefined || !isMeant) continue;
    if (await ctx.store.hasTree(table)) await readAllNodes(ctx.store, table, traffic.moving);
  }
}

/** Reads the results of the stages' present rows' code at every store, and answers the files that they name. */
async function cachedFiles(
  ctx: AppContext,
  project: Project,
  dryRun: boolean,
): Promise<readonly FileEntry[]> {
  const { read } = await ctx.remotes();
  const files: FileEntry[] = [];
  const halves = new Set(project.graph.order.flatMap(({ stage }) => lockedStage(project, stage)?.code ?? []));
  for (const { store, kept } of read) {
    for (const half of halves) {
      const source = dryRun ? store : mirrorResults(store, kept);
      const results = await openResults(source, half);
      for (const segment of await readSegments(dryRun ? store : kept, half))
        for (const { input, result } of segment.lines)
          files.push(...(results.findResult(input, result)?.outs ?? []));
    }
  }
  return files;
}

interface Wishes {
  readonly wanted: ReadonlyMap<Digest, readonly FileEntry[]>;
  /** Of results that no row needs. */
  readonly optional: ReadonlySet<Digest>;
}

function lostProblem(project: Project, lost: Lost, { wanted, optional }: Wishes): Problem | undefined {
  const missing = [...lost.objects].flatMap((digest) =>
    optional.has(digest) ? [] : (wanted.get(digest) ?? []),
  );
  const problem =
    missing.length === 0 ? undefined : missingProblem(project, [{ missing, damage: lost.damage }]);
  if (problem === undefined) return undefined;
  const [them, they] = missing.length === 1 ? ['it', 'it is'] : ['them', 'they are'];
  return new Problem({
    code: problem.code,
    message: problem.message.replace('in the local store', 'in any store that this branch reads'),
    hint: `Push ${them} from where ${they}: datawf push; or make ${them} anew: datawf repro`,
    exit: problem.exit,
    details: problem.details,
    cause: problem,
  });
}
