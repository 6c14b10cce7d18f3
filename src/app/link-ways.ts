import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LINKS, type LinkKind } from '../model/config.ts';
import type { AppContext } from './ports.ts';

/** Up to so many files and bytes a copy each costs less than a second. */
const FEW_FILES = 2000;
const FEW_BYTES = 64 * 1024 * 1024;

/**
 * How files come into the workspace. What is configured counts; without, root gets copies where they are few: read-only files
 * hold root back from nothing, and a write through a hard link would damage the object behind it and every file that shares it.
 */
export function linkWays(ctx: AppContext, files: readonly { readonly size: number }[]): readonly LinkKind[] {
  const { links } = ctx.config.cache;
  if (!ctx.around.isRoot || links !== DEFAULT_LINKS || files.length > FEW_FILES) return links;
  let bytes = 0;
  for (const { size } of files) bytes += size;
  return bytes > FEW_BYTES ? links : ['copy'];
}

/** Sizes of files that are to be recorded, of no more than it takes to see that they are many. */
export function sizesOf(ctx: AppContext, paths: readonly string[]): readonly { readonly size: number }[] {
  if (paths.length > FEW_FILES) return paths.map(() => ({ size: 0 }));
  return paths.map((path) => ({
    size: lstatSync(join(ctx.workspace.root, path), { throwIfNoEntry: false })?.size ?? 0,
  }));
}
