import { formatRef, parseRef, refName } from '../formats/ref-file.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import type { BranchRef } from '../model/ref.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { digestHex } from '../util/blake3.ts';
import { pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { loadProject, lockPathOf, workTreeFiles, type Project, type TrackedFiles } from './project.ts';
import { refPrefix } from './repositories.ts';
import { withLock } from './writing.ts';

/** What the tracked files say, as a store keeps it: a ref, and the texts that it names. */
export interface RefDraft {
  readonly ref: BranchRef;
  readonly texts: ReadonlyMap<Digest, string>;
}

/** The ref of the checkout at hand, for a store that relies on what `reads` names. */
export function draftRef(
  { project, tracked }: { readonly project: Project; readonly tracked: TrackedFiles },
  { commit, reads, remote }: Pick<BranchRef, 'commit' | 'reads' | 'remote'>,
): RefDraft {
  const texts = new Map<Digest, string>();
  const named = (path: RepoPath, file: RepoPath): [RepoPath, Digest][] => {
    const text = tracked.read(file);
    if (text === undefined) return [];
    const digest = digestHex(text) as Digest;
    texts.set(digest, text);
    return [[path, digest]];
  };
  const locks = new Map(tracked.pipelines.map(lockPathOf).flatMap((file) => named(file, file)));
  const pointers = new Map(project.pointers.flatMap(({ path }) => named(path, pointerPath(path))));
  const single = project.datasets.filter((set) => set.single && set.stage !== undefined);
  const files = new Map([...tracked.pipelines, CONFIG_FILE].flatMap((file) => named(file, file)));
  return {
    ref: { commit, reads, locks, pointers, single: single.map(({ home }) => home), files, remote },
    texts,
  };
}

/** The project's configuration, which a store's refs name so that a clone has it. */
export const CONFIG_FILE = '.datawf/config.yaml' as RepoPath;

/** Where git's repository is, as others may know it: the remote `origin`, without a name or password. */
export async function gitRemote(ctx: AppContext): Promise<string | undefined> {
  const url = await ctx.git.getConfig('remote.origin.url');
  return url?.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}

/** Whether two refs name the same versions; the commit, the stores to read and git's remote don't count. */
export function sameVersions(a: BranchRef, b: BranchRef): boolean {
  const bare = (ref: BranchRef): string =>
    formatRef({ ...ref, commit: undefined, reads: [], remote: undefined });
  return bare(a) === bare(b);
}

/** A branch's ref in a store; undefined where there is none. Throws `corrupt-ref` (exit 7). */
export async function readRef(store: Store, name: string): Promise<BranchRef | undefined> {
  const bytes = await store.readFile(name);
  return bytes === undefined ? undefined : parseRef(Buffer.from(bytes).toString(), `${store.url} ${name}`);
}

/**
 * Has the local store name what the branch at hand has now, so that the store alone is enough for its `recover.sh`. Call it
 * when lock or pointers changed; writes nothing where HEAD is detached or the versions are those that it names already.
 */
export async function noteRef(ctx: AppContext): Promise<void> {
  const { branch, commit } = await ctx.workspace.head();
  const tracked = workTreeFiles(ctx.workspace);
  const project = branch === undefined ? undefined : readableProject(tracked);
  if (branch === undefined || project === undefined) return;
  const { ref, texts } = draftRef({ project, tracked }, { commit, reads: [], remote: undefined });
  const name = refName(`${refPrefix(ctx, ctx.workspace.commonDir)}${branch}`);
  const before = await readRef(ctx.store, name);
  if (before !== undefined && sameVersions(before, ref)) return;
  for (const [digest, text] of texts) await ctx.store.putBytes(digest, Buffer.from(text));
  await ctx.store.writeFile(name, Buffer.from(formatRef(ref)), { replace: true });
}

/** undefined where a file can't be read: in the middle of a merge another command tells. */
function readableProject(tracked: TrackedFiles): Project | undefined {
  try {
    return loadProject(tracked);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** `withLock` for work that records other versions: the local store names them afterwards. */
export async function withRecord<Value>(
  ctx: AppContext,
  name: string,
  body: () => Promise<Value>,
): Promise<Value> {
  return await withLock(ctx, name, async () => {
    const value = await body();
    await noteRef(ctx);
    return value;
  });
}
