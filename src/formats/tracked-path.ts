import { dataFault, joinPath, type RepoPath } from '../model/repo-path.ts';

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
  const fault = dataFault(own);
  return fault === undefined ? { path: rooted ? (own as RepoPath) : joinPath(base, own) } : { fault };
}
