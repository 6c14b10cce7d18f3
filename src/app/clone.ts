import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { parseLockFile } from '../formats/lock-file.ts';
import { parsePointerFile } from '../formats/pointer-file.ts';
import { refName } from '../formats/ref-file.ts';
import type { StoreConfig } from '../model/config.ts';
import type { Digest } from '../model/digest.ts';
import { damaged, notFound, Problem } from '../model/problem.ts';
import type { BranchRef } from '../model/ref.ts';
import { pathFault, type RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { readListing } from '../store/trees.ts';
import { didYouMean } from '../util/suggest.ts';
import { ignorePath } from '../workspace/git-ignore.ts';
import { configureClone } from './clone-config.ts';
import { pointerPath, writePointer } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { lockPathOf } from './project.ts';
import { CONFIG_FILE, readRef } from './refs.ts';

export interface CloneRequest {
  /** Where the store is; its name doesn't count. */
  readonly store: StoreConfig;
  /** Without one `main` or `master`, or the only one that there is. */
  readonly branch: string | undefined;
}

/** What a store gave for a branch. */
export interface Cloned {
  readonly branch: string;
  readonly commit: string | undefined;
  /** Git's repository, where the store knows it. */
  readonly remote: string | undefined;
  /** Tracked files written, sorted. */
  readonly files: readonly string[];
  /** The store knows no definitions of stages: their outs are written as added data. */
  readonly isDataOnly: boolean;
}

/**
 * Writes the tracked files that a branch's ref in a store names into an empty repository, with a configuration by which the store is
 * found. Throws `no-refs`, `no-branch` (exit 4), `corrupt-ref`, `bad-path` (exit 7).
 */
export async function writeClone(ctx: AppContext, request: CloneRequest): Promise<Cloned> {
  const { store } = await ctx.openStore({ ...request.store, name: 'store' }, undefined);
  const branch = await pickBranch(store, request.branch);
  const ref = await readRef(store, refName(branch));
  if (ref === undefined) throw notFound('no-branch', `${store.url} has no ref of ${branch}`);
  const chain: Store[] = [store];
  for (const url of ref.reads)
    chain.push((await ctx.openStore({ ...request.store, name: 'reads', url }, undefined)).store);
  const texts = await readTexts(ref, chain);
  const written = new Set<string>();
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(ctx.workspace.root, path)), { recursive: true });
    writeAtomic(join(ctx.workspace.root, path), text);
    written.add(path);
  };
  for (const [path, text] of texts) write(path, text);
  const pipelines = [...ref.files.keys()].filter((path) => /(^|\/)datawf\.yaml$/.test(path));
  const defined = new Set(pipelines.map(lockPathOf));
  for (const [path] of ref.pointers) ignore(ctx, written, path);
  for (const path of ref.locks.keys()) {
    for (const { outs } of parseLockFile(texts.get(path) ?? '', path).stages.values()) {
      for (const [home, tree] of outs) {
        if (defined.has(path)) ignore(ctx, written, home);
        else for (const file of await pointTo(ctx, { home, tree, ref, chain })) written.add(file);
      }
    }
  }
  const configuration = {
    config: texts.get(CONFIG_FILE),
    branch,
    reads: ref.reads,
    store: { ...request.store, url: store.url },
  };
  for (const file of configureClone(ctx, configuration)) written.add(file);
  const { commit, remote } = ref;
  const isDataOnly = [...ref.locks.keys()].some((path) => !defined.has(path));
  return { branch, commit, remote, files: [...written].sort(), isDataOnly };
}

function ignore(ctx: AppContext, written: Set<string>, home: string): void {
  if (ignorePath(ctx.workspace.root, home)) written.add(join(dirname(home), '.gitignore'));
}

async function pickBranch(store: Store, wanted: string | undefined): Promise<string> {
  const names = (await store.listFiles('refs/')).flatMap(
    (name) => /^refs\/(.+)\.json$/.exec(name)?.[1] ?? [],
  );
  if (names.length === 0) {
    throw notFound(
      'no-refs',
      `${store.url} has no refs: it is no store of datawf, or nothing was pushed to it`,
      'Give the URL that .datawf/config.yaml names as a store, with placeholders replaced.',
    );
  }
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const usual = wanted === undefined ? ['main', 'master'].find((name) => names.includes(name)) : undefined;
  const [only = '', ...others] = names;
  if (usual !== undefined) return usual;
  if (wanted === undefined && others.length === 0) return only;
  throw notFound(
    'no-branch',
    wanted === undefined ? `${store.url} has several branches` : `${store.url} has no branch ${wanted}`,
    (wanted === undefined ? undefined : didYouMean(wanted, names)) ??
      `Name one of them: --branch ${names.slice(0, 20).join(', ')}`,
  );
}

/** The texts that a ref names by the paths of their files; what could lie elsewhere than in a work tree is refused. */
async function readTexts(ref: BranchRef, chain: readonly Store[]): Promise<ReadonlyMap<RepoPath, string>> {
  const named: (readonly [RepoPath, Digest, RegExp])[] = [
    ...[...ref.locks].map(([path, digest]) => [path, digest, /(^|\/)datawf\.lock$/] as const),
    ...[...ref.pointers].map(([path, digest]) => [pointerPath(path), digest, /\.datawf$/] as const),
    ...[...ref.files].map(
      ([path, digest]) => [path, digest, /(^|\/)datawf\.yaml$|^\.datawf\/config\.yaml$/] as const,
    ),
  ];
  const texts = new Map<RepoPath, string>();
  for (const [path, digest, form] of named) {
    if (!form.test(path) || /(^|\/)\.git(\/|$)/i.test(path) || pathFault(path) !== undefined)
      throw damaged('bad-path', `the ref names ${JSON.stringify(path)}, which is no file of datawf`);
    texts.set(path, await readText(chain, digest));
    if (path.endsWith('.datawf')) parsePointerFile(texts.get(path) ?? '', path);
  }
  return texts;
}

async function readText(chain: readonly Store[], digest: Digest): Promise<string> {
  let failure: unknown;
  for (const store of chain) {
    try {
      return Buffer.from(await store.readObject(digest)).toString();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

interface Out {
  readonly home: RepoPath;
  readonly tree: { readonly tree: Digest; readonly files: number; readonly bytes: number };
  readonly ref: BranchRef;
  readonly chain: readonly Store[];
}

/** Writes the out of a stage that nobody defines as added data. */
async function pointTo(ctx: AppContext, { home, tree, ref, chain }: Out): Promise<readonly string[]> {
  if (!ref.single.includes(home))
    return writePointer(ctx, { path: home, content: { type: 'folder', ...tree }, source: undefined });
  for (const store of chain) {
    if (!(await store.hasTree(tree.tree))) continue;
    const [entry] = await readListing(store, tree.tree);
    if (entry === undefined) return [];
    const { kind, digest, size: bytes } = entry;
    return writePointer(ctx, {
      path: home,
      content: { type: 'file', kind, digest, bytes },
      source: undefined,
    });
  }
  return [];
}
