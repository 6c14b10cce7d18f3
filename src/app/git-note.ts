import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AppContext } from './ports.ts';

/** Says which files to give to git now: those written, and those gone that git still tracks. */
export async function noteForGit(ctx: AppContext, files: readonly string[]): Promise<void> {
  const all = [...new Set(files)].sort();
  const gone = all.filter((file) => !existsSync(join(ctx.workspace.root, file)));
  const tracked = new Set(gone.length === 0 ? [] : await ctx.git.trackedFiles(gone));
  const named = all.filter((file) => !gone.includes(file) || tracked.has(file));
  if (named.length === 0) return;
  const some =
    named.length <= 6 ? named.join(' ') : `${named.slice(0, 5).join(' ')} … (${named.length} files)`;
  ctx.emit({ event: 'note', message: `to record it in git: git add ${gone.length > 0 ? '-A ' : ''}${some}` });
}
