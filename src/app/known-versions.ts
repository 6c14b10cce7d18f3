import { parseLockFile } from '../formats/lock-file.ts';
import { parsePointerFile } from '../formats/pointer-file.ts';
import { refName } from '../formats/ref-file.ts';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import type { BranchRef } from '../model/ref.ts';
import type { Store } from '../store/store.ts';
import { pushTo } from '../util/multimap.ts';
import { pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { readRef } from './refs.ts';

/** Versions that refs of stores name: what they name is there, whole. */
export interface KnownVersions {
  /** Trees and objects of datasets, tables. */
  readonly roots: Set<Digest>;
  /** Versions of a home, the best guess of what is near another one of it first. */
  readonly homes: Map<string, Digest[]>;
  /** Tables by `datawf.lock` and stage. */
  readonly tables: Map<string, Digest[]>;
  /** Texts of locks and pointers. */
  readonly texts: Set<Digest>;
}

/** How a stage's table is named among versions. */
export function tableName(lockPath: string, stage: string): string {
  return `${lockPath} ${stage}`;
}

/** Refs of a store that are looked at for versions near the ones at hand. */
const REFS = 8;

/** Nothing known yet. */
export function noVersions(): KnownVersions {
  return { roots: new Set(), homes: new Map(), tables: new Map(), texts: new Set() };
}

/** Adds what the refs of a store name, that of the branch first. A ref that can't be followed is passed over. */
export async function learnRefs(
  ctx: AppContext,
  known: KnownVersions,
  { store, branch }: { readonly store: Store; readonly branch: string | undefined },
): Promise<void> {
  const own = branch === undefined ? [] : [refName(branch)];
  const names = new Set([...own, ...(await store.listFiles('refs/', REFS))]);
  for (const name of names) {
    const ref = await readRef(store, name);
    if (ref !== undefined) await learnRef(ctx, known, { store, ref });
  }
}

/** Adds what a ref names. */
export async function learnRef(
  ctx: AppContext,
  known: KnownVersions,
  { store, ref }: { readonly store: Store; readonly ref: BranchRef },
): Promise<void> {
  try {
    for (const digest of ref.files.values()) known.texts.add(digest);
    for (const [path, digest] of ref.locks) {
      const lock = parseLockFile(await readText(ctx, store, digest), path);
      known.texts.add(digest);
      for (const [name, stage] of lock.stages) {
        known.roots.add(stage.datums.table);
        pushTo(known.tables, tableName(path, name), stage.datums.table);
        for (const [home, { tree }] of stage.outs) note(known, home, tree);
      }
    }
    for (const [path, digest] of ref.pointers) {
      const { content } = parsePointerFile(await readText(ctx, store, digest), pointerPath(path));
      known.texts.add(digest);
      note(known, path, content.type === 'file' ? content.digest : content.tree);
    }
  } catch (error) {
    // A ref of a newer datawf, or one whose texts are gone, says nothing: more is looked up then.
    if (!(error instanceof Problem) || error.exit === EXIT.transient) throw error;
  }
}

function note(known: KnownVersions, home: string, root: Digest): void {
  known.roots.add(root);
  pushTo(known.homes, home, root);
}

async function readText(ctx: AppContext, store: Store, digest: Digest): Promise<string> {
  const here = ctx.store.hasObjectSync(digest);
  return Buffer.from(await (here ? ctx.store : store).readObject(digest)).toString();
}

/** What an earlier version, which is only a help, says; undefined where a part of it is nowhere. */
export async function ifThere<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.code === 'missing-tree') return undefined;
    throw error;
  }
}
