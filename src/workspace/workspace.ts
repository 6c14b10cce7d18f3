import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { invalid, notFound, type Problem } from '../model/problem.ts';
import { compareBytes, isWithin } from '../model/repo-path.ts';
import { digestHex } from '../util/blake3.ts';
import { readHead, type GitFolders, type Head } from './head.ts';

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
 * file of a worktree or submodule). Throws `no-repository`, `bare-repository`, `broken-repository` (exit 2), `no-folder` (exit 4).
 */
export function findWorkspace(folder: string): Workspace {
  const start = realFolder(folder);
  for (let at = start; ; at = dirname(at)) {
    const folders = gitFoldersAt(at);
    if (folders !== undefined) {
      const prefix = relative(at, start).split(sep).join('/');
      if (prefix === '.git' || prefix.startsWith('.git/')) throw insideGit(folder);
      return { ...folders, prefix, head: () => readHead(folders) };
    }
    if (isBare(at)) throw bare(at);
    if (dirname(at) === at) break;
  }
  throw invalid(
    'no-repository',
    `${folder} is not in a git repository`,
    'Run `git init` there first, or name a folder of a repository with -C.',
  );
}

/** Where the stat index of a root home is kept: one file per home and work tree. */
export function indexFileOf({ gitDir }: Pick<Workspace, 'gitDir'>, home: string): string {
  const name = encodeURIComponent(home);
  const short = name.length <= 150 ? name : `${name.slice(0, 100)}-${digestHex(home).slice(0, 32)}`;
  return `${indexFolderOf({ gitDir })}/${short}`;
}

/** Where the stat indexes of a work tree lie. */
export function indexFolderOf({ gitDir }: Pick<Workspace, 'gitDir'>): string {
  return `${gitDir}/datawf/index/homes`;
}

/** Where digests of plain and git-tracked files are remembered. */
export function digestCacheOf({ gitDir }: Pick<Workspace, 'gitDir'>): string {
  return `${gitDir}/datawf/index/files`;
}

/** The file that says which writing command is at work. */
export function lockFileOf({ gitDir }: Pick<Workspace, 'gitDir'>): string {
  return `${gitDir}/datawf/lock`;
}

/** The outermost of some homes (folders or files, relative to the root), sorted: each of the others lies in one of them. */
export function rootHomes(homes: Iterable<string>): readonly string[] {
  const roots: string[] = [];
  // With `/` behind them, what is nested in a folder follows it directly.
  const sorted = [...new Set(homes)].sort((a, b) => compareBytes(`${a}/`, `${b}/`));
  for (const home of sorted) {
    const last = roots.at(-1);
    if (last === undefined || !isWithin(home, last)) roots.push(home);
  }
  return roots.sort(compareBytes);
}

function realFolder(folder: string): string {
  try {
    const real = realpathSync(folder);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Told below.
  }
  throw notFound('no-folder', `there is no folder ${folder}`);
}

function gitFoldersAt(root: string): GitFolders | undefined {
  const dotGit = `${root}/.git`;
  const stat = statSync(dotGit, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) {
    return isGitFolder(dotGit) ? { root, gitDir: dotGit, commonDir: commonOf(dotGit) } : undefined;
  }
  if (stat?.isFile() !== true) return undefined;
  const target = /^gitdir: (.+)$/m.exec(readFileSync(dotGit, 'utf8'))?.[1];
  const gitDir = target === undefined ? undefined : resolve(root, target.trimEnd());
  if (gitDir === undefined || !isGitFolder(gitDir)) {
    throw invalid(
      'broken-repository',
      `${dotGit} points to ${gitDir ?? 'nothing'}, which is not a git folder`,
      'Was the repository moved? `git worktree repair` mends its worktrees.',
    );
  }
  return { root, gitDir, commonDir: commonOf(gitDir) };
}

/** Worktrees say in `commondir` where the shared part is. */
function commonOf(gitDir: string): string {
  try {
    return resolve(gitDir, readFileSync(`${gitDir}/commondir`, 'utf8').trimEnd());
  } catch {
    return gitDir;
  }
}

function isGitFolder(folder: string): boolean {
  return statSync(`${folder}/HEAD`, { throwIfNoEntry: false })?.isFile() === true;
}

function isBare(folder: string): boolean {
  return (
    isGitFolder(folder) &&
    ['objects', 'refs'].every((name) => statSync(`${folder}/${name}`, { throwIfNoEntry: false }))
  );
}

function bare(folder: string): Problem {
  return folder.endsWith(`${sep}.git`)
    ? insideGit(folder)
    : invalid(
        'bare-repository',
        `${folder} is a bare repository: it has no work tree, and so no place for data files`,
        'Clone it, or add a work tree with `git worktree add`.',
      );
}

function insideGit(folder: string): Problem {
  return invalid(
    'inside-git-folder',
    `${folder} lies in git's own folder, not in a work tree`,
    'Go to the work tree.',
  );
}
