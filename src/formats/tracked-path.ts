import { joinPath, pathFault, type RepoPath } from '../model/repo-path.ts';

/** A path that a tracked file names, or what is wrong with it. */
export type TrackedPath = { readonly path: RepoPath } | { readonly fault: string };

/**
 * A path of a tracked file in the folder `base` ('' the root), as a repository path; a leading `/` means the root. It can
 * leave neither the repository nor point into `.git`, whatever the file says.
 */
export function trackedPath(text: string, base: string): TrackedPath {
  const rooted = text.startsWith('/');
  const own = (rooted ? text.slice(1) : text).replace(/^(?:\.\/+)+/, '');
  if (own === '' || own === '.') return { fault: 'names a whole folder that holds the file itself' };
  const fault = pathFault(own) ?? gitFault(own);
  return fault === undefined ? { path: rooted ? (own as RepoPath) : joinPath(base, own) } : { fault };
}

/** Why nothing of datawf's may be written to a repository path, or undefined. */
function gitFault(path: string): string | undefined {
  return /(^|\/)\.git(\/|$)/i.test(path) ? "lies in git's own folder" : undefined;
}

/** Why a text can't be a home: a file that comes with a branch must not lead out of the work tree or into git's folder. */
export function homeFault(text: string): string | undefined {
  return pathFault(text) ?? gitFault(text);
}
