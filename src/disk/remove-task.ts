import { unlinkSync } from 'node:fs';
import { FolderGuard } from './folder-guard.ts';
import { errnoOf, fsProblem } from './fs-problem.ts';
import type { RunOnFile } from './shared-jobs.ts';

/** Removing files. See `RemoveOptions`. */
export interface RemoveTask {
  readonly task: 'remove';
  readonly root: string;
  readonly inside: string;
}

/** That nothing is there to remove: no file, or a folder (EISDIR, EPERM on macOS), which has files of its own. */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** Makes ready to remove files in this thread. */
export function startRemoving(task: RemoveTask): RunOnFile {
  const guard = new FolderGuard(task.root, task.inside);
  return (path) => {
    const slash = path.lastIndexOf('/');
    const folder = guard.find(slash < 0 ? '' : path.slice(0, slash));
    if (folder === undefined) return 0;
    const file = `${folder}/${path.slice(slash + 1)}`;
    try {
      unlinkSync(file);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined || !NOTHING.has(errno)) throw fsProblem(error, 'remove', file);
    }
    return 0;
  };
}
