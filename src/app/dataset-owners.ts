import { matchPath, type Pattern } from '../model/pattern.ts';
import { parentOf } from '../model/repo-path.ts';
import type { Dataset, Project } from './project.ts';

/** Answers whose file a repository path is, or would be; undefined: a plain file. A few µs. Throws `ambiguous-path` (exit 2). */
export type OwnerOf = (path: string) => Dataset | undefined;

/** A file belongs to the stage whose out it matches, else to the data added by hand whose home it lies in. */
export function ownersOf(project: Pick<Project, 'datasets'>): OwnerOf {
  const outs = new Map<string, { readonly pattern: Pattern; readonly dataset: Dataset }[]>();
  const added = new Map<string, Dataset>();
  for (const dataset of project.datasets) {
    const { home, stage } = dataset;
    if (stage === undefined) {
      added.set(home, dataset);
      continue;
    }
    const patterns = stage.stage.outs.flatMap(({ pattern }) =>
      pattern.home === home ? [{ pattern, dataset }] : [],
    );
    outs.set(home, [...(outs.get(home) ?? []), ...patterns]);
  }
  return (path) => {
    let pointer: Dataset | undefined;
    for (let home = path; home !== ''; home = parentOf(home)) {
      const out = outs.get(home)?.find(({ pattern }) => matchPath(pattern, path) !== undefined);
      if (out !== undefined) return out.dataset;
      const found = added.get(home);
      if (found !== undefined && (!found.single || home === path)) pointer ??= found;
    }
    return pointer;
  };
}
