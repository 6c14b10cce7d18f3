import type { Head } from './head.ts';

/** A git work tree: where it is and what git keeps beside it. All folders are absolute, with symlinks resolved. */
export interface Workspace {
  /** Top of the work tree; every RepoPath is relative to it. */
  readonly root: string;
  /** This work tree's git folder (`.git`, or `.git/worktrees/<name>`). */
  readonly gitDir: string;
  /** The git folder that all work trees share; the local store lives in its `datawf`. */
  readonly commonDir: string;
  /** The folder the command was given relative to `root`, '' at the top. */
  readonly prefix: string;
  /** Branch and commit, read from git's files each time (0.1 ms; spawns git only for the reftable format). */
  head(): Promise<Head>;
}

/**
 * The work tree that a folder lies in, found without running git: folders upwards until one holds `.git` (a folder, or the
 * file of a worktree or submodule). Throws `no-repository` or `bare-repository` (exit 2), `no-folder` (exit 4).
 */
export function findWorkspace(folder: string): Workspace {
  throw new Error(`not written yet: ${folder}`);
}

/** Where the stat index of a root home is kept: one file per home and work tree. */
export function indexFileOf(workspace: Workspace, home: string): string {
  throw new Error(`not written yet: ${workspace.root} ${home}`);
}

/** The outermost of some homes (folders or files, relative to the root), sorted: each of the others lies in one of them. */
export function rootHomes(homes: Iterable<string>): readonly string[] {
  throw new Error(`not written yet: ${String(homes)}`);
}
