import { Problem } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { AppContext } from './ports.ts';
import { loadProject, type Project } from './project.ts';

/** Files asked of git at once. */
const AT_ONCE = 8;

/**
 * What the tracked files of a commit say. Throws `no-ref` (exit 4), and what its files have that can't be read (exit 2),
 * naming the commit. Cost: git runs for each `datawf.yaml`, lock and pointer.
 */
export async function projectAt(ctx: AppContext, ref: string): Promise<Project> {
  const names = await ctx.git.filesAt(ref, ['datawf.yaml', 'datawf.lock', '.datawf']);
  const files = names.filter((name) => /(^|\/)(datawf\.(yaml|lock)|[^/]+\.datawf)$/.test(name));
  const texts = new Map<string, string | undefined>();
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const some = files.slice(start, start + AT_ONCE);
    const found = await Promise.all(some.map((name) => ctx.git.showFile(ref, name)));
    some.forEach((name, index) => texts.set(name, found[index]));
  }
  try {
    return loadProject({
      pipelines: files.filter((name) => /(^|\/)datawf\.yaml$/.test(name)) as RepoPath[],
      pointers: files.filter((name) => name.endsWith('.datawf')) as RepoPath[],
      read: (path) => texts.get(path),
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.place === undefined) throw error;
    throw error.at({ ...error.place, file: `${ref}:${error.place.file}` });
  }
}
