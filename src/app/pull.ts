import type { EndEvent } from '../model/event.ts';
import { EXIT } from '../model/problem.ts';
import { bringRecorded } from './checkout.ts';
import { bringObjects, needStore } from './fetch.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Dataset } from './project.ts';
import { noteRef } from './refs.ts';
import { openTraffic } from './traffic.ts';
import { transferScope, type TransferRequest } from './transfer-scope.ts';
import { withLock } from './writing.ts';

export interface PullRequest extends TransferRequest {
  /** Overwrite edits that were never recorded. */
  readonly force: boolean;
}

/**
 * Fetches what lock and pointers of this checkout name and brings it into the workspace: a fresh clone is whole then. Touches
 * only what differs. Throws as `fetch` and `checkout` do.
 */
export async function pull(ctx: AppContext, request: PullRequest): Promise<EndEvent> {
  const traffic = openTraffic(ctx, 'fetching');
  await needStore(ctx, loadProject(workTreeFiles(ctx.workspace)));
  const work = async () => {
    const project = loadProject(workTreeFiles(ctx.workspace));
    const scope = transferScope(ctx, project, request);
    const problem = await bringObjects(ctx, { project, scope, traffic, request });
    if (problem?.code === 'missing-tree') throw problem;
    const { targets: paths, force, dryRun } = request;
    const own = new Map([...scope.datasets].map((dataset) => [dataset.owner, scope.filesOf(dataset)]));
    const narrow = ({ owner }: Dataset, path: string): boolean => own.get(owner)?.(path) ?? true;
    const isNarrow = [...own.values()].some((filter) => filter !== undefined);
    const bring = bringRecorded(ctx, { paths, force, relink: false, dryRun }, isNarrow ? narrow : undefined);
    const { files, added, changed, deleted } = await bring.catch((error: unknown) => {
      throw problem ?? error;
    });
    if (!dryRun) await noteRef(ctx);
    return { files, added, changed, deleted };
  };
  const { dryRun } = request;
  const totals = dryRun ? await work() : await withLock(ctx, 'datawf pull', work);
  const end = await traffic.end({ verb: dryRun ? 'would pull' : 'pulled', exit: EXIT.ok, dryRun, ...totals });
  ctx.emit(end);
  return end;
}
