import { quarantine, TempNames } from '../disk/object-file.ts';
import { parseRef } from '../formats/ref-file.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Damage, Repair, VerifyReport } from '../model/verify-report.ts';
import { locateObjects } from '../store/copy-verified.ts';
import { removeLeftovers } from '../store/leftovers.ts';
import { readNode } from '../store/mark.ts';
import type { Store } from '../store/store.ts';
import { pinnedObjects } from './adopted.ts';
import { HitFinder, neededBy, NO_HITS, type NamedVersions } from './damage-hits.ts';
import { homesOfText } from './home-versions.ts';
import type { AppContext, Remote } from './ports.ts';
import type { Project } from './project.ts';
import { cureOf } from './damage-cure.ts';
import { putTreesAside } from './verify-mend.ts';
import { readAgain } from './verify-reading.ts';

type StoreReport = VerifyReport['stores'][number];

/**
 * Reads the stores that the branch reads again. What is damaged there is replaced by the right bytes where the local store or another
 * one has them and this one may be written; what a ref names and nobody has is missing. Progress is told; reads every byte.
 */
export async function verifyStores(ctx: AppContext, project: Project): Promise<readonly StoreReport[]> {
  const { read } = await ctx.remotes();
  const reports: StoreReport[] = [];
  for (const remote of read) {
    ctx.emit({ event: 'note', message: `reading ${remote.store.url}` });
    const others = [ctx.local, ...read.filter((one) => one !== remote).map(({ store }) => store)];
    reports.push(await verifyStore(ctx, project, { remote, others }));
  }
  return reports;
}

interface Scene {
  readonly remote: Remote;
  readonly others: readonly Store[];
}

async function verifyStore(
  ctx: AppContext,
  project: Project,
  { remote, others }: Scene,
): Promise<StoreReport> {
  const { store, name } = remote;
  const trees = await readAgain(ctx, store, 'trees');
  const objects = await readAgain(ctx, store, 'objects');
  if (store.folder !== undefined) {
    putTreesAside(store.folder, trees.bad.keys());
    for (const [digest, fault] of objects.bad) quarantine(store.folder, digest, fault);
  }
  const repaired: Repair[] = [];
  const stays: (Pick<Damage, 'kind' | 'fault'> & { readonly digest: Digest })[] = [];
  const settle = async (kind: Damage['kind'], digest: Digest, fault: string): Promise<void> => {
    const source = await replace(ctx, { kind, digest, store, others });
    if (source !== undefined)
      repaired.push({ digest, paths: [], from: source === others[0] ? 'local' : source.url });
    else stays.push({ kind, digest, fault });
  };
  for (const [digest, fault] of trees.bad) await settle('tree', digest, fault);
  for (const [digest, fault] of objects.bad) await settle('object', digest, fault);
  const refs = await refVersions(store);
  const needed = await neededBy(
    store,
    refs.flatMap(({ versions }) => versions),
  );
  const settled = new Set<Digest>([...trees.bad.keys(), ...objects.bad.keys()]);
  // What a ref names may also lie in a store that its branch reads.
  for (const digest of needed.missingTrees)
    if (!settled.has(digest) && !(await isElsewhere(others.slice(1), digest)))
      await settle('tree', digest, 'it is missing');
  const pinned = await pinnedObjects(ctx, project);
  const absent = [...needed.objects].filter((digest) => !objects.names.has(digest) && !pinned.has(digest));
  const { nowhere } = await locateObjects(others.slice(1), absent, ctx.signal);
  for (const digest of nowhere) await settle('object', digest, 'it is missing');
  const finder = new HitFinder(store, new Set(stays.map(({ digest }) => digest)));
  const branches = stays.length === 0 ? NO_HITS : await finder.branches(refs);
  const damaged = stays.map((one): Damage => {
    const hit = { paths: [], branches: branches.get(one.digest) ?? [] };
    return { ...one, ...hit, cure: `${cureOf({ project, branch: undefined }, hit)} Then: datawf push` };
  });
  return {
    name,
    url: store.url,
    objects: objects.names.size,
    bytes: objects.bytes,
    trees: trees.names.size,
    repaired,
    damaged,
  };
}

async function isElsewhere(stores: readonly Store[], digest: Digest): Promise<boolean> {
  for (const store of stores) if (await store.hasTree(digest)) return true;
  return false;
}

interface Replacing {
  readonly kind: Damage['kind'];
  readonly digest: Digest;
  readonly store: Store;
  readonly others: readonly Store[];
}

/** Writes the right bytes of another store in place of the wrong ones; answers it, undefined where nobody has them or this one may not be written. */
async function replace(
  ctx: AppContext,
  { kind, digest, store, others }: Replacing,
): Promise<Store | undefined> {
  for (const other of others) {
    const file = new TempNames(ctx.store.folder).next();
    try {
      if (kind === 'tree') {
        const text = await readNode(other, digest);
        if (text === undefined) continue;
        await store.removeTree(digest);
        await store.putTree(digest, text);
      } else {
        await other.fetchObject(digest, file, ctx.signal);
        await store.removeObject(digest);
        await store.putObject(digest, file, ctx.signal);
      }
      return other;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    } finally {
      removeLeftovers([{ file, bytes: 0 }]);
    }
  }
  return undefined;
}

/** What each ref in a store names, as far as the texts of its locks and pointers are there. */
async function refVersions(store: Store): Promise<readonly NamedVersions[]> {
  const all: NamedVersions[] = [];
  for (const name of await store.listFiles('refs/')) {
    const ref = parseRef(Buffer.from((await store.readFile(name)) ?? []).toString(), `${store.url} ${name}`);
    const branch = name.slice('refs/'.length, -'.json'.length);
    const files = [
      ...[...ref.locks].map(([path, digest]) => ({ path, digest })),
      ...[...ref.pointers].map(([path, digest]) => ({ path: `${path}.datawf` as RepoPath, digest })),
    ];
    const versions = files.map(({ path, digest }) => ({
      home: path,
      digest,
      isObject: true,
      stage: undefined,
    }));
    for (const { path, digest } of files) {
      if ((await store.missingObjects([digest])).length > 0) continue;
      const text = Buffer.from(await store.readObject(digest)).toString();
      all.push({ branch, versions: homesOfText(text, path) });
    }
    all.push({ branch, versions });
  }
  return all;
}
