import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { ResultSource } from '../store/results.ts';
import { diffTrees } from '../store/trees.ts';
import { nodeLevels, type Moving, type Sizes } from '../store/transfer.ts';
import { pinnedObjects, readPins } from './adopted.ts';
import { ifThere, learnRef, learnRefs, noVersions, tableName, type KnownVersions } from './known-versions.ts';
import type { AppContext, Remote, Remotes } from './ports.ts';
import { lockedStage, lockPathOf, toRepoPath, type Dataset, type Project } from './project.ts';
import type { RefDraft } from './refs.ts';
import type { BranchRef } from '../model/ref.ts';
import { hasVersion, pointerEntry, recordedListing } from './records.ts';
import { resultsOfRows, resultsOfStore, type ResultBatch, type RowListener } from './push-results.ts';
import type { TransferScope } from './transfer-scope.ts';

/** What a push has to move, in the order in which it does. */
export interface PushPlan {
  readonly objects: Sizes;
  /** Nodes of trees and tables by level, the roots first: to be written from the end. */
  readonly levels: readonly (readonly Digest[])[];
  readonly results: readonly ResultBatch[];
  /** Texts of locks and pointers that the ref names. */
  readonly texts: ReadonlyMap<Digest, string>;
}

export interface PushFacts {
  readonly project: Project;
  readonly scope: TransferScope;
  readonly remotes: Remotes;
  readonly to: Remote;
  readonly branch: string | undefined;
  readonly draft: RefDraft;
  /** The branch's ref as it is there. */
  readonly before: BranchRef | undefined;
  /** All results that the local store has, not only those of rows. */
  readonly runCache: boolean;
  readonly moving: Moving;
  /** A root that the store has doesn't say that all below it is there: its files are looked for. */
  readonly checksLeaves?: boolean;
  /** Further stores whose results are looked up, and what is told of each row that goes along. */
  readonly results?: readonly ResultSource[];
  readonly onRow?: RowListener;
}

/** Fewer objects are offered at once; of more the store is asked first which it lacks. */
const FEW = 64;

/**
 * Finds what the store that the branch writes lacks, of what the branch can't read elsewhere either. What differs from a
 * version that some ref names is found here, node by node; the stores are asked only where no such version is known.
 */
export async function planPush(ctx: AppContext, facts: PushFacts): Promise<PushPlan> {
  const { project, scope, to, draft } = facts;
  const known = noVersions();
  if (facts.before !== undefined) await learnRef(ctx, known, { store: to.store, ref: facts.before });
  const stages = project.graph.order.filter((node) => [...scope.datasets].some((set) => set.stage === node));
  const tables = stages.flatMap((node) => {
    const locked = lockedStage(project, node.stage);
    const name = tableName(lockPathOf(node.stage.file), node.stage.name);
    return locked === undefined ? [] : [{ node, root: locked.datums.table, name }];
  });
  const wanted = [...scope.datasets].flatMap(({ recorded }) => recorded ?? []);
  const isKnown = (root: Digest): boolean => known.roots.has(root);
  if (![...wanted, ...tables.map(({ root }) => root)].every(isKnown)) await learnMore(ctx, known, facts);

  const objects = new Map<Digest, number>();
  const certain = new Map<Digest, number>();
  const levels: Digest[][] = [];
  const pinned = await pinnedObjects(ctx, project);
  for (const dataset of scope.datasets) {
    const { recorded } = dataset;
    if (recorded === undefined || known.roots.has(recorded)) continue;
    if (facts.checksLeaves !== true && (await isThere(facts, dataset))) continue;
    const bases = pointerEntry(dataset) === undefined ? (known.homes.get(dataset.home) ?? []) : [];
    const isMeant = scope.filesOf(dataset) ?? (() => true);
    const news = await filesSince(ctx, dataset, bases[0]);
    for (const { path, digest, size } of news ?? (await recordedListing(ctx.store, dataset)))
      if (isMeant(path) && !pinned.has(digest)) (news === undefined ? objects : certain).set(digest, size);
    if (scope.filesOf(dataset) === undefined && pointerEntry(dataset) === undefined)
      await addLevels(ctx, levels, { root: recorded, bases, moving: facts.moving });
  }
  for (const { root, name } of tables) {
    if (known.roots.has(root)) continue;
    await addLevels(ctx, levels, { root, bases: known.tables.get(name) ?? [], moving: facts.moving });
  }
  const rows = await resultsOfRows(ctx, { ...facts, tables, known });
  const all = facts.runCache ? await resultsOfStore(ctx, facts.to.store) : undefined;
  const results = [...rows, ...(all?.batches ?? [])];
  for (const root of new Set(results.flatMap(({ inputs }) => [...inputs])))
    if (!known.roots.has(root) && (await ctx.local.hasTree(root)))
      await addLevels(ctx, levels, { root, bases: [], moving: facts.moving });
  for (const [digest, size] of all?.objects ?? []) objects.set(digest, size);
  for (const [digest, size] of certain) objects.set(digest, size);
  const isAsked = objects.size > certain.size || objects.size > FEW;
  return {
    objects: isAsked ? await lacking(ctx, to, objects) : objects,
    levels: levels.map((level) => [...new Set(level)]),
    results,
    texts: new Map([
      ...[...draft.texts].filter(([digest]) => scope.isAll && !known.texts.has(digest)),
      ...(await pinsOf(ctx, facts)),
    ]),
  };
}

/** What says where adopted data are, of pointers that the store's ref doesn't name. */
async function pinsOf(
  ctx: AppContext,
  { scope, draft, before }: PushFacts,
): Promise<readonly [Digest, string][]> {
  const pins: [Digest, string][] = [];
  for (const { pointer } of scope.datasets) {
    const named = pointer === undefined ? undefined : draft.ref.pointers.get(pointer.path);
    if (pointer?.pins === undefined || before?.pointers.get(pointer.path) === named) continue;
    pins.push([pointer.pins, await readPins(ctx, pointer)]);
  }
  return pins;
}

/** Where the branch's own ref doesn't know all: what others name, of the stores that it reads. */
async function learnMore(ctx: AppContext, known: KnownVersions, facts: PushFacts): Promise<void> {
  const { remotes, before, branch, to } = facts;
  for (const remote of remotes.read)
    if (before === undefined || remote.name !== to.name)
      await learnRefs(ctx, known, { store: remote.store, branch });
}

/** Whether a store that the branch reads has a dataset's version already. */
async function isThere({ remotes, to }: PushFacts, dataset: Dataset): Promise<boolean> {
  const chain = new Set([to.store, ...remotes.read.map(({ store }) => store)]);
  for (const store of chain) if (await hasVersion(store, dataset)) return true;
  return false;
}

/** Files of a dataset that an earlier version doesn't have; undefined without one, or where it can't be read. */
async function filesSince(
  ctx: AppContext,
  dataset: Dataset,
  base: Digest | undefined,
): Promise<readonly FileEntry[] | undefined> {
  if (base === undefined) return undefined;
  const diff = await ifThere(diffTrees(ctx.store, base, dataset.recorded));
  if (diff === undefined) return undefined;
  const old = new Set(
    [...diff.deleted, ...diff.changed.map(({ before }) => before)].map(({ digest }) => digest),
  );
  return [...diff.added, ...diff.changed.map(({ after }) => after)]
    .filter(({ digest }) => !old.has(digest))
    .map((entry) => ({ ...entry, path: toRepoPath(dataset, entry.path) }));
}

interface Root {
  readonly root: Digest;
  readonly bases: readonly Digest[];
  readonly moving: Moving;
}

async function addLevels(ctx: AppContext, levels: Digest[][], { root, bases, moving }: Root): Promise<void> {
  const held = new Set<Digest>();
  for (const base of bases)
    for (const level of (await ifThere(nodeLevels(ctx.store, base, moving))) ?? [])
      for (const node of level) held.add(node);
  const own = await nodeLevels(ctx.store, root, moving);
  own.forEach((level, depth) => {
    const fresh = level.filter((digest) => !held.has(digest));
    levels[depth] = [...(levels[depth] ?? []), ...fresh];
  });
}

async function lacking(ctx: AppContext, to: Remote, objects: Sizes): Promise<Sizes> {
  const missing = await to.store.missingObjects([...objects.keys()], ctx.signal);
  return new Map(missing.map((digest) => [digest, objects.get(digest) ?? 0]));
}
