import type { Workspace } from './workspace.ts';

/** Name and mail that git would put into a commit; empty where it isn't configured. */
export interface GitUser {
  readonly name: string;
  readonly mail: string;
}

/** Questions to git and the few things datawf asks it to do; each one runs git (3–10 ms). Missing git is a Problem `no-git` (exit 2). */
export interface Git {
  /** Files in the index at or below the paths (all without any), relative to the root, sorted by bytes. */
  trackedFiles(paths?: readonly string[]): Promise<readonly string[]>;
  /** Files at or below the paths that git tracks or would add (not ignored), that are there; sorted by bytes. */
  addableFiles(paths: readonly string[]): Promise<readonly string[]>;
  isTracked(path: string): Promise<boolean>;
  /** Those of the paths that .gitignore and its like exclude. */
  ignored(paths: readonly string[]): Promise<readonly string[]>;
  /** A file's text at a ref, undefined where the ref has no such file; a ref that isn't one is `no-ref` (exit 4). */
  showFile(ref: string, path: string): Promise<string | undefined>;
  /** Tracked files of a ref whose last name fits one of the suffixes (`datawf.yaml`, `.datawf`); sorted by bytes. */
  filesAt(ref: string, suffixes: readonly string[]): Promise<readonly string[]>;
  /** The commit a ref names, undefined where there is none. */
  resolveRef(ref: string): Promise<string | undefined>;
  /** Whether tracked files differ from HEAD. */
  isDirty(): Promise<boolean>;
  user(): Promise<GitUser>;
  /** Commits exactly these paths (added, changed or deleted), whatever else is staged. Answers the commit, undefined where nothing differed. */
  commitPaths(request: CommitRequest): Promise<string | undefined>;
  /** Stages paths, new ones too. */
  stagePaths(paths: readonly string[]): Promise<void>;
  getConfig(key: string): Promise<string | undefined>;
  /** Writes the repository's own config; undefined removes the key. */
  setConfig(key: string, value: string | undefined): Promise<void>;
}

export interface CommitRequest {
  readonly paths: readonly string[];
  readonly message: string;
  /** `Datawf-Run` → values, appended as trailers. */
  readonly trailers?: ReadonlyMap<string, readonly string[]>;
}

/** Git for a workspace. Loads its package on first use. */
export function openGit(workspace: Workspace, env: Readonly<Record<string, string | undefined>>): Git {
  throw new Error(`not written yet: ${workspace.root} ${Object.keys(env).length}`);
}
