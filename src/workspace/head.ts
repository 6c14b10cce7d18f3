import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** What HEAD names. */
export interface Head {
  /** Short branch name (`main`), undefined when detached. */
  readonly branch: string | undefined;
  /** Commit as 40 or 64 hex digits, undefined on an unborn branch. */
  readonly commit: string | undefined;
}

export interface GitFolders {
  readonly root: string;
  readonly gitDir: string;
  readonly commonDir: string;
}

/** Branch and commit from git's own files; from git itself where a repository keeps its refs in another format (reftable). */
export async function readHead(folders: GitFolders): Promise<Head> {
  if (existsSync(`${folders.commonDir}/reftable`)) return askGit(folders);
  const text = readText(`${folders.gitDir}/HEAD`);
  if (text === undefined) return askGit(folders);
  const ref = /^ref: (.+)$/.exec(text)?.[1];
  if (ref === undefined) return { branch: undefined, commit: asCommit(text) };
  const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
  return { branch, commit: resolveRef(folders, ref) };
}

/** Follows symbolic refs, at most five as git does. */
function resolveRef(folders: GitFolders, first: string): string | undefined {
  let ref = first;
  for (let depth = 0; depth < 5; depth++) {
    const text = readText(`${folders.gitDir}/${ref}`) ?? readText(`${folders.commonDir}/${ref}`);
    if (text === undefined) return packedRef(folders, ref);
    const next = /^ref: (.+)$/.exec(text)?.[1];
    if (next === undefined) return asCommit(text);
    ref = next;
  }
  return undefined;
}

function packedRef({ commonDir }: GitFolders, ref: string): string | undefined {
  const packed = readText(`${commonDir}/packed-refs`) ?? '';
  const line = packed
    .split('\n')
    .find((one) => one.endsWith(` ${ref}`) && one.length === one.indexOf(' ') + 1 + ref.length);
  return line === undefined ? undefined : asCommit(line.slice(0, line.indexOf(' ')));
}

function asCommit(text: string): string | undefined {
  return /^([0-9a-f]{64}|[0-9a-f]{40})$/.test(text) ? text : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

async function askGit({ root }: GitFolders): Promise<Head> {
  const ask = async (...args: string[]): Promise<string | undefined> => {
    try {
      const { stdout } = await promisify(execFile)('git', ['-C', root, ...args]);
      return stdout.trim();
    } catch {
      return undefined;
    }
  };
  const [branch, commit] = await Promise.all([
    ask('symbolic-ref', '--quiet', '--short', 'HEAD'),
    ask('rev-parse', '--quiet', '--verify', 'HEAD'),
  ]);
  return { branch, commit };
}
