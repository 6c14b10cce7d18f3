import type { HitBranch } from '../model/verify-report.ts';
import { ownersOf } from './dataset-owners.ts';
import type { Project } from './project.ts';

/** How files can come back whose bytes are nowhere. */
export function cureOf(
  { project, branch }: { readonly project: Project; readonly branch: string | undefined },
  hit: { readonly paths: readonly string[]; readonly branches: readonly HitBranch[] },
): string {
  const owner = ownersOf(project);
  const [other] = hit.branches;
  if (hit.paths.length === 0) {
    if (other === undefined) return 'No branch needs it.';
    return other.branch === branch
      ? 'The last commit names it: get it with `datawf pull` where another store has it, or commit what lies here.'
      : `On ${other.branch}: git switch ${other.branch}, then datawf verify says how; datawf pull gets it where another store has it.`;
  }
  const datasets = hit.paths.flatMap(
    (path) => owner(path) ?? project.datasets.find(({ home }) => home === path) ?? [],
  );
  const stages = [...new Set(datasets.flatMap(({ stage }) => stage?.stage.id ?? []))];
  const isAllMade = datasets.length > 0 && datasets.every(({ stage }) => stage !== undefined);
  if (isAllMade) return `Make it again: datawf repro ${stages.join(' ')}; or get it with \`datawf pull\`.`;
  const [path = ''] = hit.paths;
  return `Get it with \`datawf pull\` where another store has it, or put the file back from a backup: datawf add ${path}`;
}
