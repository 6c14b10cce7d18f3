import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { notFound } from '../model/problem.ts';
import type { AppContext } from '../app/ports.ts';

/**
 * Tells refs from paths as git does: up to two leading words that name a commit and no file here are refs (`a..b` is two);
 * what follows `--` is a path.
 */
export async function splitRefs(
  context: AppContext,
  words: readonly string[],
  argv: readonly string[],
): Promise<{ readonly refs: readonly string[]; readonly paths: readonly string[] }> {
  const dashes = argv.indexOf('--');
  const certain = dashes < 0 ? 0 : argv.length - dashes - 1;
  const refs: string[] = [];
  const open = words.slice(0, words.length - certain);
  for (const word of open) {
    const range = /^(.+?)\.\.(.+)$/.exec(word);
    if (refs.length === 0 && range?.[1] !== undefined && range[2] !== undefined && !isHere(context, word)) {
      refs.push(range[1], range[2]);
    } else if (
      refs.length < 2 &&
      !isHere(context, word) &&
      (await context.git.resolveRef(word)) !== undefined
    ) {
      refs.push(word);
    } else if (/[~^]|@\{/.test(word) && !isHere(context, word)) {
      const isShallow = existsSync(join(context.workspace.commonDir, 'shallow'));
      const hint = isShallow
        ? 'This clone is shallow; older commits come with: git fetch --unshallow'
        : undefined;
      throw notFound('no-ref', `"${word}" is no commit, branch or tag here, and no file`, hint);
    } else {
      break;
    }
  }
  const used = open[0]?.includes('..') === true && refs.length === 2 ? 1 : refs.length;
  return { refs, paths: words.slice(used) };
}

/** `REF:PATH` in its parts; `./a:b` is a path, and so is what has no colon. */
export function splitRefPath(word: string): { readonly ref: string | undefined; readonly path: string } {
  const colon = word.indexOf(':');
  if (colon <= 0 || word.startsWith('./') || word.startsWith('../')) return { ref: undefined, path: word };
  return { ref: word.slice(0, colon), path: word.slice(colon + 1) };
}

function isHere(context: AppContext, word: string): boolean {
  return existsSync(join(context.workspace.root, context.workspace.prefix, word));
}
