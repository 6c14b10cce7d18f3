import type { Digest } from '../model/digest.ts';
import type { Problem } from '../model/problem.ts';
import type { Damage, Repair, VerifiedStore, VerifyReport } from '../model/verify-report.ts';
import { locateObjects } from '../store/copy-verified.ts';
import { fetchObjects } from '../store/transfer.ts';
import { pinnedObjects } from './adopted.ts';
import { branchVersions, workTreeVersions } from './branch-versions.ts';
import { cureOf } from './damage-cure.ts';
import { HitFinder, neededBy, NO_HITS } from './damage-hits.ts';
import type { AppContext } from './ports.ts';
import { workTreeFiles, type Project } from './project.ts';
import { readableProject } from './readable-project.ts';
import { mendFromWorkspace, mendTrees, putObjectsAside, putTreesAside, type Mended } from './verify-mend.ts';
import { readAgain } from './verify-reading.ts';
import { verifyStores } from './verify-stores.ts';
import { withLock } from './writing.ts';

/**
 * Reads every object and tree of the local store again and compares it with its name; with `all` also those of the stores that
 * the branch reads. What is damaged goes to quarantine, and is mended at once where the workspace or another store has the right
 * bytes (`repaired`). The rest, and what branches need and nobody has, is named with the files that it hits and how each can come
 * back. Files that can't be read are told and left out. Cost: a read of the whole store.
 */
export async function verify(ctx: AppContext, { all }: { readonly all: boolean }): Promise<VerifyReport> {
  return withLock(ctx, 'datawf verify', async () => {
    const { project, problems } = readableProject(workTreeFiles(ctx.workspace));
    const local = await verifyLocal(ctx, project);
    const stores = all ? await verifyStores(ctx, project) : [];
    return { ...local, unreadable: problems.map(unreadableFile), stores };
  });
}

function unreadableFile(problem: Problem): VerifyReport['unreadable'][number] {
  const { place, message, hint } = problem;
  const file = place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}`;
  return { file, message, hint: hint ?? null };
}

async function verifyLocal(
  ctx: AppContext,
  project: Project,
): Promise<VerifiedStore & Pick<VerifyReport, 'absent'>> {
  const store = ctx.local;
  const here = workTreeVersions(ctx);
  const local = [
    here,
    ...(await branchVersions(ctx, { remote: false })).map(({ versions }) => versions),
  ].flat();
  const trees = await readAgain(ctx, store, 'trees');
  putTreesAside(store.folder, trees.bad.keys());
  const unread = (await neededBy(store, local)).missingTrees;
  const missingTrees = [...unread].filter((digest) => !trees.bad.has(digest));
  const lostTrees = new Set([...trees.bad.keys(), ...missingTrees]);
  const treesMended = await mendTrees(ctx, { project, store, bad: lostTrees });
  const objects = await readAgain(ctx, store, 'objects');
  const needed = (await neededBy(store, local)).objects;
  const missing = [...needed].filter((digest) => !objects.names.has(digest));
  const finder = new HitFinder(store, new Set([...lostTrees, ...objects.bad.keys(), ...missing]));
  const paths = await finder.paths(here);
  const faults = await putObjectsAside(ctx, project, { bad: objects.bad, paths });
  const mended = await mendFromWorkspace(ctx, { lost: [...faults.keys(), ...missing], paths });
  await mendFromStores(ctx, faults.keys(), mended);
  const unmended = missing.filter((digest) => !mended.has(digest));
  const pinned = await pinnedObjects(ctx, project);
  const nowhere = (await inNoStore(ctx, unmended)).filter((digest) => !pinned.has(digest));
  const bad: Bad[] = [
    ...[...trees.bad].map(([digest, fault]) => ({ digest, kind: 'tree' as const, fault })),
    ...missingTrees.map((digest) => ({ digest, kind: 'tree' as const, fault: 'it is missing' })),
    ...[...faults].map(([digest, fault]) => ({ digest, kind: 'object' as const, fault })),
    ...nowhere.map((digest) => ({ digest, kind: 'object' as const, fault: 'it is missing' })),
    ...missing
      .filter((digest) => mended.has(digest))
      .map((digest) => ({ digest, kind: 'object' as const, fault: 'it is missing' })),
  ];
  for (const [digest, from] of treesMended) mended.set(digest, from);
  const repaired = bad.flatMap(({ digest }): Repair[] => {
    const from = mended.get(digest);
    return from === undefined ? [] : [{ digest, from, paths: paths.get(digest) ?? [] }];
  });
  const stays = bad.filter(({ digest }) => !mended.has(digest));
  const branches =
    stays.length === 0 ? NO_HITS : await finder.branches(await branchVersions(ctx, { remote: true }));
  const { branch } = await ctx.workspace.head();
  const damaged = stays.map((one): Damage => {
    const hit = { paths: paths.get(one.digest) ?? [], branches: branches.get(one.digest) ?? [] };
    return { ...one, ...hit, cure: cureOf({ project, branch }, hit) };
  });
  const absent =
    unmended.filter((digest) => paths.has(digest)).length -
    nowhere.filter((digest) => paths.has(digest)).length;
  return {
    objects: objects.names.size,
    bytes: objects.bytes,
    trees: trees.names.size,
    repaired,
    damaged,
    absent,
  };
}

type Bad = Pick<Damage, 'kind' | 'fault'> & { readonly digest: Digest };

/** Fetches what was damaged; what isn't damaged but absent is left to `fetch`. */
async function mendFromStores(ctx: AppContext, bad: Iterable<Digest>, mended: Mended): Promise<void> {
  const open = [...bad].filter((digest) => !mended.has(digest));
  if (open.length === 0) return;
  const moving = { jobs: ctx.config.jobs ?? 8, signal: ctx.signal };
  for (const { name, store } of (await ctx.remotes()).read) {
    const wanted = open.filter((digest) => !mended.has(digest));
    const objects = new Map(wanted.map((digest) => [digest, 0]));
    const lost = await fetchObjects(ctx.store, { from: [store], objects, moving });
    for (const digest of wanted) if (!lost.objects.has(digest)) mended.set(digest, name);
  }
}

/** Those of the objects that no store of the branch has. */
async function inNoStore(ctx: AppContext, digests: readonly Digest[]): Promise<readonly Digest[]> {
  if (digests.length === 0) return digests;
  const stores = (await ctx.remotes()).read.map(({ store }) => store);
  return [...(await locateObjects(stores, digests, ctx.signal)).nowhere];
}
