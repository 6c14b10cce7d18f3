import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { badPath, pathFault } from '../model/repo-path.ts';
import { invalid } from '../model/problem.ts';
import type { AppContext } from './ports.ts';

/**
 * A path as typed, relative to the current folder or absolute, as a repository path; '' means the repository's root. Nothing
 * needs to be there. Throws `outside-repository`, `inside-git-folder`, `bad-path` (exit 2).
 */
export function typedPath(ctx: Pick<AppContext, 'workspace'>, typed: string): string {
  const { root, prefix } = ctx.workspace;
  const path =
    below(root, resolve(root, prefix, typed)) ?? below(root, realPath(resolve(root, prefix, typed)));
  if (path === undefined) {
    throw invalid(
      'outside-repository',
      `${typed} lies outside the repository ${root}`,
      'Copy or link it into the repository first; for a store elsewhere see `cache.dir`.',
    );
  }
  if (path === '') return '';
  const fault = pathFault(path);
  if (fault !== undefined) throw badPath(path, fault);
  if (path.split('/').includes('.git')) {
    throw invalid('inside-git-folder', `${path} belongs to git itself`, 'Name files of the work tree.');
  }
  return path;
}

function below(root: string, absolute: string): string | undefined {
  const path = relative(root, absolute);
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) return undefined;
  return sep === '/' ? path : path.split(sep).join('/');
}

/** With symlinks in the folders above resolved, as far as they are there; the last name stays. */
function realPath(absolute: string): string {
  const names: string[] = [basename(absolute)];
  for (let folder = dirname(absolute); ; folder = dirname(folder)) {
    try {
      return [realpathSync(folder), ...names].join('/');
    } catch {
      if (folder === dirname(folder)) return absolute;
      names.unshift(basename(folder));
    }
  }
}
