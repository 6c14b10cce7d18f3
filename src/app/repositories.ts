import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { Problem } from '../model/problem.ts';
import { slug } from '../model/slug.ts';
import { digestHex } from '../util/blake3.ts';
import { openGit, type Git } from '../workspace/git.ts';
import { acquireLock, type ProcessLock } from '../workspace/process-lock.ts';
import { findWorkspace, lockFileOf, type Workspace } from '../workspace/workspace.ts';
import type { AppContext } from './ports.ts';

/** A repository that keeps its data in the local store. */
export interface Repository {
  readonly git: Git;
  /** Of its git folder, which its work trees share. */
  readonly commonDir: string;
  /** Its work trees that are there. */
  readonly workTrees: readonly Workspace[];
  /** The git folders of all its work trees, also of those that are gone. */
  readonly gitDirs: readonly string[];
}

/** All repositories whose data lies in the local store: this one, and where `cache.dir` is shared those that have written to it. */
export async function repositoriesOf(ctx: AppContext): Promise<readonly Repository[]> {
  const seen = new Set<string>();
  const repositories: Repository[] = [];
  for (const workspace of [ctx.workspace, ...knownUsers(ctx)]) {
    if (seen.has(workspace.commonDir)) continue;
    seen.add(workspace.commonDir);
    const git = workspace === ctx.workspace ? ctx.git : openGit(workspace, ctx.around.env);
    const folders = await git.history.workTrees();
    const workTrees = folders.flatMap((folder) => workspaceAt(folder) ?? []);
    const { commonDir } = workspace;
    repositories.push({ git, commonDir, workTrees, gitDirs: gitDirsOf(commonDir) });
  }
  return repositories;
}

/** Notes in a store that `cache.dir` names that this work tree uses it: clearing the store asks all its users what they need. */
export function noteUse(ctx: Pick<AppContext, 'workspace' | 'store' | 'config'>): void {
  if (ctx.config.cache.dir === undefined) return;
  const folder = usersFolder(ctx);
  const file = join(folder, digestHex(ctx.workspace.root).slice(0, 16));
  if (existsSync(file)) return;
  ctx.store.prepare();
  mkdirSync(folder, { recursive: true });
  writeAtomic(file, `${ctx.workspace.root}\n`);
}

/**
 * What a repository's refs in the local store begin with: nothing in a store of its own; in a folder that `cache.dir` shares the
 * repository's name, since others have branches of the same names.
 */
export function refPrefix(
  { store }: { readonly store: Pick<AppContext['store'], 'folder'> },
  commonDir: string,
): string {
  if (store.folder === join(commonDir, 'datawf')) return '';
  const folder = basename(commonDir) === '.git' ? dirname(commonDir) : commonDir;
  return `${slug(basename(folder)).slice(0, 31)}-${digestHex(commonDir).slice(0, 8)}/`;
}

/** Does work while no other command writes in any work tree of these repositories. Throws `locked` (exit 6). */
export async function withEveryLock<Value>(
  ctx: AppContext,
  { repositories, name }: { readonly repositories: readonly Repository[]; readonly name: string },
  body: () => Promise<Value>,
): Promise<Value> {
  const locks: ProcessLock[] = [];
  try {
    for (const gitDir of repositories.flatMap(({ gitDirs }) => gitDirs)) {
      const lock = await acquireLock({
        file: lockFileOf({ gitDir }),
        command: name,
        now: ctx.around.now,
        signal: ctx.signal,
        onWait: ({ command, pid }) =>
          ctx.emit({ event: 'note', message: `waiting for ${command} (process ${pid}) to end` }),
      });
      locks.push(lock);
    }
    return await body();
  } finally {
    for (const lock of locks.reverse()) lock.release();
  }
}

function usersFolder(ctx: Pick<AppContext, 'store'>): string {
  return join(ctx.store.folder, 'users');
}

/** Work trees that have written to a shared store. One that is gone is forgotten. */
function knownUsers(ctx: AppContext): readonly Workspace[] {
  const folder = usersFolder(ctx);
  return namesIn(folder).flatMap((name) => {
    const file = join(folder, name);
    const root = readFileSync(file, 'utf8').trimEnd();
    if (existsSync(root)) return workspaceAt(root) ?? [];
    rmSync(file, { force: true });
    return [];
  });
}

/** A folder's workspace; undefined where there is none, such as the bare repository of some work trees. */
function workspaceAt(folder: string): Workspace | undefined {
  try {
    return findWorkspace(folder);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

function gitDirsOf(commonDir: string): readonly string[] {
  const linked = namesIn(join(commonDir, 'worktrees')).map((name) =>
    join(commonDir, 'worktrees', basename(name)),
  );
  return [commonDir, ...linked];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
