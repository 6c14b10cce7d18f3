import type { Digest } from '../model/digest.ts';
import { ownersOf } from './dataset-owners.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';
import { recordedListing } from './records.ts';
import type { TransferScope } from './transfer-scope.ts';

/** Which recorded files objects are, by repository path, and which stages make them. Reads every list of the scope. */
export async function namesOfLost(
  ctx: AppContext,
  { project, scope }: { readonly project: Project; readonly scope: TransferScope },
  lost: ReadonlySet<Digest>,
): Promise<{ readonly paths: readonly string[]; readonly stages: readonly string[] }> {
  const paths: string[] = [];
  for (const dataset of scope.datasets) {
    for (const entry of await recordedListing(ctx.store, dataset))
      if (lost.has(entry.digest)) paths.push(entry.path);
  }
  const owner = ownersOf(project);
  const stages = new Set(paths.flatMap((path) => owner(path)?.stage?.stage.id ?? []));
  return { paths, stages: [...stages] };
}
