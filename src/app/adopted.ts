import { rmSync } from 'node:fs';
import { TempNames } from '../disk/object-file.ts';
import { parsePins, type Pin } from '../formats/pins-file.ts';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import type { Pointer } from '../model/pointer.ts';
import type { SourceTree } from '../store/source-tree.ts';
import type { Moving, Sizes } from '../store/transfer.ts';
import { forEachLimit } from '../util/limit.ts';
import { likeStore } from './like-store.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';

/** The text of a pointer's pins, from here or a store that the branch reads. Throws `missing-object` (exit 4). */
export async function readPins(ctx: AppContext, { path, pins }: Pointer): Promise<string> {
  const digest = pins as Digest;
  if (ctx.local.hasObjectSync(digest)) return Buffer.from(await ctx.local.readObject(digest)).toString();
  for (const { store } of (await ctx.remotes()).read) {
    if ((await store.missingObjects([digest])).length > 0) continue;
    const bytes = await store.readObject(digest);
    await ctx.local.putBytes(digest, bytes);
    return Buffer.from(bytes).toString();
  }
  throw new Problem({
    code: 'missing-object',
    message: `what says where the files of ${path} are (object ${digest}) is in none of the stores`,
    hint: `Push it from where it is: datawf push; or look at the source anew: datawf adopt --refresh ${path}`,
    exit: EXIT.notFound,
  });
}

/** Opens the source that a pointer's data were adopted from. */
export async function sourceOf(ctx: AppContext, url: string): Promise<SourceTree> {
  const environment = await ctx.environment();
  const write =
    environment?.write === undefined
      ? [...ctx.config.stores.values()][0]
      : ctx.config.stores.get(environment.write);
  return await ctx.openSource({ ...likeStore(ctx, url, write), name: 'source', url });
}

/** Objects that needn't be in a store, since their source has them. */
export async function pinnedObjects(
  ctx: AppContext,
  project: Pick<Project, 'pointers'>,
): Promise<ReadonlySet<Digest>> {
  const all = new Set<Digest>();
  for (const pointer of project.pointers) {
    if (pointer.pins === undefined) continue;
    for (const { digest } of parsePins(await readPins(ctx, pointer), pointer.path)) all.add(digest);
  }
  return all;
}

/** A file that its source doesn't have any more as it was adopted. */
interface Change {
  readonly url: string;
  readonly path: string;
  readonly isGone: boolean;
}

/**
 * Brings objects of adopted data here from their sources, verified; answers those that aren't had so. Throws `source-changed` (exit 7) or
 * `source-gone` (exit 4) with the names, when all else is here.
 */
export async function fetchAdopted(
  ctx: AppContext,
  project: Pick<Project, 'pointers'>,
  { objects, moving }: { readonly objects: Sizes; readonly moving: Moving },
): Promise<Sizes> {
  const rest = new Map(objects);
  const changes: Change[] = [];
  for (const pointer of project.pointers) {
    const { pins, source: url, path: home } = pointer;
    if (pins === undefined || url === undefined || rest.size === 0) continue;
    const wanted = parsePins(await readPins(ctx, pointer), home).filter(({ digest }) => rest.has(digest));
    if (wanted.length === 0) continue;
    const source = await sourceOf(ctx, url);
    await forEachLimit(wanted, { limit: moving.jobs, signal: moving.signal }, async (pin) => {
      if (!rest.has(pin.digest)) return;
      const change = await fetchOne(ctx, source, { pin, moving });
      if (change === undefined) rest.delete(pin.digest);
      else changes.push({ ...change, path: pin.path === '' ? home : `${home}/${pin.path}` });
    });
  }
  if (changes.length > 0) throw problemOf(changes);
  return rest;
}

async function fetchOne(
  ctx: AppContext,
  source: SourceTree,
  { pin: { path, pin, digest, size }, moving }: { readonly pin: Pin; readonly moving: Moving },
): Promise<Omit<Change, 'path'> | undefined> {
  const to = new TempNames(ctx.local.folder).next();
  const url = path === '' ? source.url : `${source.url}/${path}`;
  try {
    const read = await source.read(path, { pin, to, signal: moving.signal });
    if (read === undefined) return { url, isGone: true };
    if (read.digest !== digest) return { url, isGone: false };
    ctx.local.adopt(to, digest);
    moving.onObject?.(size);
    return undefined;
  } finally {
    rmSync(to, { force: true });
  }
}

function problemOf(changes: readonly Change[]): Problem {
  const isChanged = changes.some(({ isGone }) => !isGone);
  const [first] = changes.filter(({ isGone }) => isGone !== isChanged);
  const more = changes.length === 1 ? '' : `, and ${changes.length - 1} more`;
  return new Problem({
    code: isChanged ? 'source-changed' : 'source-gone',
    message: isChanged
      ? `${first?.url ?? ''} isn't what was adopted as ${first?.path ?? ''}${more}`
      : `${first?.url ?? ''}, adopted as ${first?.path ?? ''}, is gone${more}`,
    hint: 'Put it back there, or record what is there now: datawf adopt --refresh PATH',
    exit: isChanged ? EXIT.integrity : EXIT.notFound,
    details: changes.slice(0, 20).map(({ url, isGone }) => `${url}: ${isGone ? 'gone' : 'changed'}`),
  });
}
