import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SimpleGit, SimpleGitOptions } from 'simple-git';
import { notFound, Problem, EXIT, invalid } from '../model/problem.ts';
import { compareBytes, isWithin } from '../model/repo-path.ts';
import { historyOf, type GitHistory, type RunGit } from './git-history.ts';
import { readGitIndex } from './git-index.ts';
import type { Workspace } from './workspace.ts';

/** Name and mail that git would put into a commit; empty where it isn't configured. */
export interface GitUser {
  readonly name: string;
  readonly mail: string;
}

/** Questions to git and the few things datawf asks it to do; each one runs git (3–10 ms) unless it says otherwise. Missing git is a Problem `no-git` (exit 2). */
export interface Git {
  /** Files in git's index at or below the paths (all without any), relative to the root, sorted by bytes. Reads the index itself where it can: 1 ms. */
  trackedFiles(paths?: readonly string[]): Promise<readonly string[]>;
  /** Files at or below the paths that git tracks or would add (not ignored); tracked ones also where they are missing. Sorted by bytes. */
  addableFiles(paths: readonly string[]): Promise<readonly string[]>;
  isTracked(path: string): Promise<boolean>;
  /** Those of the paths that .gitignore and its like exclude. */
  ignored(paths: readonly string[]): Promise<readonly string[]>;
  /** A file's text at a ref, undefined where the ref has no such file; a ref that isn't one is `no-ref` (exit 4). */
  showFile(ref: string, path: string): Promise<string | undefined>;
  /** Tracked files of a ref whose path ends in one of the suffixes (`datawf.yaml`, `.datawf`); sorted by bytes. `no-ref` (exit 4). */
  filesAt(ref: string, suffixes: readonly string[]): Promise<readonly string[]>;
  /** All files of a commit that git tracks, no symlinks and submodules; sorted by bytes. */
  filesOf(commit: string): Promise<readonly TrackedFile[]>;
  /** The bytes of a tracked file by git's id. */
  readBlob(id: string): Promise<Uint8Array>;
  /** The commit a ref names, undefined where there is none. */
  resolveRef(ref: string): Promise<string | undefined>;
  /** Whether tracked files differ from HEAD. */
  isDirty(): Promise<boolean>;
  user(): Promise<GitUser>;
  /** Commits exactly these paths (added, changed or deleted), whatever else is staged. Answers the commit, undefined where nothing differed. */
  commitPaths(request: CommitRequest): Promise<string | undefined>;
  /** Stages paths, new and deleted ones too. */
  stagePaths(paths: readonly string[]): Promise<void>;
  /** Files that a merge left unmerged: which of its versions there are (1 the base, 2 ours, 3 theirs). */
  unmergedFiles(): Promise<ReadonlyMap<string, ReadonlySet<number>>>;
  /** A file's text in the index; `version` is 1, 2 or 3 of an unmerged one. undefined where there is none. */
  indexFile(path: string, version: number): Promise<string | undefined>;
  /** Best common ancestors of two commits: none, one, or several after merges both ways. */
  mergeBases(a: string, b: string): Promise<readonly string[]>;
  readonly history: GitHistory;
  /** Folder of the hooks, relative to the root or absolute. */
  hooksFolder(): Promise<string>;
  getConfig(key: string): Promise<string | undefined>;
  /** Writes the repository's own config; undefined removes the key. */
  setConfig(key: string, value: string | undefined): Promise<void>;
}

/** A file that a commit has. */
export interface TrackedFile {
  readonly path: string;
  /** Git's id of the bytes. */
  readonly id: string;
  readonly size: number;
}

export interface CommitRequest {
  readonly paths: readonly string[];
  readonly message: string;
  /** `Datawf-Run` → values, appended as trailers. */
  readonly trailers?: ReadonlyMap<string, readonly string[]>;
}

/** Git for a workspace. Loads its package on first use. */
export function openGit(workspace: Workspace, env: Readonly<Record<string, string | undefined>>): Git {
  const open = openerOf(workspace, env);
  const run = runnerOf(open);
  const list = async (args: readonly string[]): Promise<string[]> => splitNul(await run(args));
  const stagePaths = async (paths: readonly string[]): Promise<void> => {
    if (paths.length > 0) await run(['add', '--all', '--force', '--', ...paths.map(literal)]);
  };
  const resolveRef = async (ref: string): Promise<string | undefined> => {
    if (ref.startsWith('-')) return undefined;
    return (
      await run(['rev-parse', '--quiet', '--verify', `${ref}^{commit}`], { nothing: [1, 128] })
    )?.trim();
  };
  const needRef = async (ref: string): Promise<string> => {
    const commit = await resolveRef(ref);
    if (commit !== undefined) return commit;
    throw notFound(
      'no-ref',
      `git knows no commit ${JSON.stringify(ref)}`,
      existsSync(join(workspace.commonDir, 'shallow'))
        ? 'This clone is shallow; older commits come with: git fetch --unshallow'
        : 'Look at `git log` or `git branch --all`.',
    );
  };
  const getConfig = async (key: string): Promise<string | undefined> => {
    return (await run(['config', '--get', key], { nothing: [1] }))?.replace(/\n$/, '');
  };
  const trackedFiles = async (paths: readonly string[] = []): Promise<readonly string[]> => {
    const all = readGitIndex(workspace) ?? [...new Set(await list(['ls-files', '-z']))];
    return paths.length === 0 ? all : all.filter((file) => paths.some((path) => isWithin(file, path)));
  };
  return {
    trackedFiles,
    addableFiles: async (paths) => {
      if (paths.length === 0) return [];
      const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate', '--'];
      return (await list([...options, ...paths.map(literal)])).sort(compareBytes);
    },
    isTracked: async (path) => (await trackedFiles([path])).length > 0,
    ignored: async (paths) => {
      if (paths.length === 0) return [];
      return splitNul(
        await run(['check-ignore', '-z', '--stdin'], { nothing: [1], input: paths.join('\0') }),
      );
    },
    showFile: async (ref, path) => {
      const commit = await needRef(ref);
      return run(['cat-file', 'blob', `${commit}:${path}`], { nothing: [128] });
    },
    filesAt: async (ref, suffixes) => {
      const names = await list(['ls-tree', '-r', '-z', '--full-tree', '--name-only', await needRef(ref)]);
      return names.filter((name) => suffixes.some((suffix) => name.endsWith(suffix)));
    },
    filesOf: async (commit) => {
      const lines = await list(['ls-tree', '-r', '-z', '--full-tree', '--long', commit]);
      return lines.flatMap((line) => {
        const [, id = '', size, path] = /^100\d{3} blob ([0-9a-f]+) +(\d+)\t([^]+)$/.exec(line) ?? [];
        return path === undefined ? [] : [{ path, id, size: Number(size) }];
      });
    },
    readBlob: async (id) => {
      try {
        return (await (await open(undefined)).binaryCatFile(['blob', id])) as Uint8Array;
      } catch (error) {
        throw asProblem(error instanceof Error ? error.message : String(error), ['cat-file'], error);
      }
    },
    resolveRef,
    isDirty: async () => (await list(['status', '--porcelain', '-z', '--untracked-files=no'])).length > 0,
    user: async () => ({
      name: env['GIT_AUTHOR_NAME'] ?? (await getConfig('user.name')) ?? '',
      mail: env['GIT_AUTHOR_EMAIL'] ?? (await getConfig('user.email')) ?? '',
    }),
    commitPaths: async ({ paths, message, trailers }) => {
      await stagePaths(paths);
      if ((await list(['diff', '--cached', '--name-only', '-z', '--', ...paths.map(literal)])).length === 0)
        return undefined;
      const lines = [...(trailers ?? [])].flatMap(([key, values]) =>
        values.flatMap((value) => ['--trailer', `${key}: ${value}`]),
      );
      await run(['commit', '--quiet', '--message', message, ...lines, '--only', '--', ...paths.map(literal)]);
      return resolveRef('HEAD');
    },
    stagePaths,
    unmergedFiles: async () => {
      const files = new Map<string, Set<number>>();
      for (const line of await list(['ls-files', '--unmerged', '--full-name', '-z'])) {
        const [, version, path] = /^\d+ [0-9a-f]+ (\d)\t([^]+)$/.exec(line) ?? [];
        if (path === undefined) continue;
        const versions = files.get(path) ?? new Set();
        files.set(path, versions.add(Number(version)));
      }
      return files;
    },
    indexFile: (path, version) => run(['cat-file', 'blob', `:${version}:${path}`], { nothing: [128] }),
    mergeBases: async (a, b) => {
      const found = await run(['merge-base', '--all', a, b], { nothing: [1, 128] });
      return (found ?? '').split('\n').filter((line) => line !== '');
    },
    history: historyOf(run),
    hooksFolder: async () => ((await run(['rev-parse', '--git-path', 'hooks'])) ?? '').replace(/\n$/, ''),
    getConfig,
    setConfig: async (key, value) => {
      if (value === undefined) await run(['config', '--local', '--unset-all', key], { nothing: [5] });
      else await run(['config', '--local', key, value]);
    },
  };
}

/** A path that git doesn't read as a pattern. */
function literal(path: string): string {
  return `:(top,literal)${path}`;
}

function splitNul(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/**
 * Git's variables that a command passes on. Not the ones that would lead git to another repository than the one found (set
 * inside hooks), nor those that name programs datawf never needs (editors, pagers, transports).
 */
const PASSED_ON = /^GIT_(AUTHOR|COMMITTER|CONFIG|TRACE|EXEC_PATH|CEILING|ALLOW|ATTR)/;
const PROGRAMS = /^(EDITOR|VISUAL|PAGER|PREFIX|SSH_ASKPASS)$/;

/** Its guards are for callers who pass on what users typed; here the arguments are literal but for paths after `--`. */
const ALLOWED: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeConfigPaths: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeExec: true,
  allowUnsafeMergeDriver: true,
  allowUnsafeDiffTextConv: true,
  allowUnsafeDiffExternal: true,
};

/** A git to ask, with what it reads from its standard input. */
type OpenGit = (input: string | undefined) => Promise<SimpleGit>;

function openerOf(workspace: Workspace, env: Readonly<Record<string, string | undefined>>): OpenGit {
  const passed: Record<string, string> = { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' };
  for (const [name, value] of Object.entries(env)) {
    const isFit = name.startsWith('GIT_') ? PASSED_ON.test(name) : !PROGRAMS.test(name) && name !== 'LC_ALL';
    if (value !== undefined && isFit) passed[name] = value;
  }
  return async (input) => {
    const { simpleGit } = await import('simple-git');
    const git = simpleGit({
      baseDir: workspace.root,
      allowEnvironment: Object.keys(passed),
      unsafe: ALLOWED,
      // Exit codes are judged below; warnings on stderr are no failures. Of an error only the message comes through.
      errors: (error, { exitCode, stdErr }) => {
        if (exitCode === 0 || (error instanceof Error && 'syscall' in error)) return error;
        return new Error(`git exit ${exitCode}: ${Buffer.concat(stdErr).toString('utf8')}`);
      },
      ...(input === undefined ? {} : { input: () => input }),
    });
    return git.env(passed);
  };
}

function runnerOf(open: OpenGit): RunGit {
  return async (args, { nothing = [], input } = {}) => {
    const git = await open(input);
    try {
      return await git.raw([...args]);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const exit = /git exit (\d+): /.exec(text);
      if (exit !== null && nothing.includes(Number(exit[1]))) return undefined;
      throw asProblem(exit === null ? text : text.slice(exit.index), args, error);
    }
  };
}

function asProblem(text: string, args: readonly string[], cause: unknown): Problem {
  if (text.includes('ENOENT') && !text.startsWith('git exit')) {
    return invalid(
      'no-git',
      'git is not installed, or not in PATH',
      'Install git: datawf keeps its small files in a git repository.',
    );
  }
  const owned = /dubious ownership in repository at '([^']+)'/.exec(text)?.[1];
  if (owned !== undefined) {
    return invalid(
      'unsafe-repository',
      `git refuses ${owned}, since somebody else owns it`,
      `Trust it: git config --global --add safe.directory ${owned}`,
    );
  }
  const lines = text.split('\n').filter((line) => line !== '');
  return new Problem({
    code: 'git-failed',
    message: `git ${args[0] ?? ''} failed: ${lines[0] ?? ''}`,
    exit: EXIT.unexpected,
    details: lines.slice(1, 20),
    cause,
  });
}
