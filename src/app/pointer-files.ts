import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { formatPointerFile } from '../formats/pointer-file.ts';
import type { Pointer } from '../model/pointer.ts';
import type { RepoPath } from '../model/repo-path.ts';
import { ignorePath, unignorePath } from '../workspace/git-ignore.ts';
import type { AppContext } from './ports.ts';
import type { Dataset } from './project.ts';

/** `data/raw.datawf` for `data/raw`. */
export function pointerPath(home: string): RepoPath {
  return `${home}.datawf` as RepoPath;
}

/** Name of data added by hand in the stat index. */
function pointerOwner(home: string): string {
  return `pointer:${home}`;
}

/** What a pointer says, as a dataset; without a pointer nothing is recorded yet. */
export function addedDataset(home: RepoPath, single: boolean, pointer: Pointer | undefined): Dataset {
  const content = pointer?.content;
  return {
    owner: pointerOwner(home),
    home,
    single,
    stage: undefined,
    pointer,
    recorded: content?.type === 'file' ? content.digest : content?.tree,
    files: content === undefined ? 0 : content.type === 'file' ? 1 : content.files,
    bytes: content?.bytes ?? 0,
  };
}

/** Makes git ignore the data and writes the pointer; the pointer is the commit, so it comes last. Answers the files that changed. */
export function writePointer(ctx: AppContext, pointer: Pointer): readonly string[] {
  const { root } = ctx.workspace;
  const { path } = pointer;
  const changed = ignorePath(root, path) ? [ignoreFileOf(path)] : [];
  writeAtomic(join(root, pointerPath(path)), formatPointerFile(pointer, pointerPath(path)));
  return [...changed, pointerPath(path)];
}

/** Takes a pointer and its line in .gitignore away; the data stay as they are. */
export function removePointer(ctx: AppContext, home: string): void {
  rmSync(join(ctx.workspace.root, pointerPath(home)), { force: true });
  unignorePath(ctx.workspace.root, home);
}

/** The .gitignore that has a path's line. */
export function ignoreFileOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + '.gitignore';
}
