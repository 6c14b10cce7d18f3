import { join } from 'node:path';
import type { AppContext } from './ports.ts';

/** The remembered digests of code and plain files of this work tree. */
export function fileCacheOf(ctx: AppContext): string {
  return join(ctx.workspace.gitDir, 'datawf', 'index', 'files');
}
