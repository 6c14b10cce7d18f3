import { capturesText } from '../model/captures.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { History } from '../history/history.ts';
import type { BlamedData, BlamedShare, BlameReport } from '../model/history-report.ts';
import { matchPath } from '../model/pattern.ts';
import { notFound, type Problem } from '../model/problem.ts';
import { isWithin } from '../model/repo-path.ts';
import type { StageNode } from '../graph/graph.ts';
import { didYouMean } from '../util/suggest.ts';
import { blameAdded } from './blame-added.ts';
import { blameDatum, type MadeRow } from './blame-datum.ts';
import { openMakers, type Makers } from './makers.ts';
import type { AppContext } from './ports.ts';
import { loadProject, lockedStage, workTreeFiles, type Dataset, type Project } from './project.ts';
import { projectAt } from './project-at.ts';
import { recordedEntry, recordedListing, withName } from './records.ts';
import { readRowFiles, readRows } from './stage-rows.ts';
import { typedPath } from './typed-path.ts';

export interface BlameRequest {
  /** A commit; the tracked files of the work tree without. */
  readonly ref: string | undefined;
  /** As typed. */
  readonly path: string;
}

/**
 * Which run made a recorded file, or those below a folder, from which inputs and code; of added data the commit that recorded it.
 * Says what the lock and the results still know where a run's record is gone. Throws `no-path`, `no-ref` (exit 4). Cost: the
 * rows of the stages concerned; of a folder also their listings.
 */
export async function blame(ctx: AppContext, history: History, request: BlameRequest): Promise<BlameReport> {
  const { ref } = request;
  const project = ref === undefined ? loadProject(workTreeFiles(ctx.workspace)) : await projectAt(ctx, ref);
  const path = typedPath(ctx, request.path);
  const meant = project.datasets.filter(
    ({ home, recorded }) => recorded !== undefined && (isWithin(home, path) || isWithin(path, home)),
  );
  const makers = openMakers(ctx, history);
  const byDatum = new Map<string, MadeRow>();
  const added: BlamedData[] = [];
  let single: FileEntry | undefined;
  for (const dataset of meant) {
    const file = isWithin(path, dataset.home) ? await recordedEntry(ctx.store, dataset, path) : undefined;
    single ??= file;
    const { stage } = dataset;
    if (stage === undefined) {
      added.push(...(await blameAdded(ctx, { dataset, path, file, ref })));
      continue;
    }
    for (const made of await madeRows(ctx, project, { stage, dataset, path, file })) {
      const key = `${stage.stage.id} ${made.row.captures}`;
      byDatum.set(key, { ...made, files: made.files + (byDatum.get(key)?.files ?? 0) });
    }
  }
  const rows = [...byDatum.values()];
  const files = [...rows, ...added].reduce((sum, each) => sum + each.files, 0);
  if (files === 0) throw await nothingThere(ctx, project, { path, ref });
  const [only] = rows;
  return {
    path,
    ref: ref ?? null,
    digest: single?.digest ?? null,
    files,
    datum:
      only === undefined || rows.length > 1 || added.length > 0 ? null : await blameDatum(ctx, makers, only),
    runs: await sharesOf(makers, rows),
    added,
  };
}

interface Asked {
  readonly stage: StageNode;
  readonly dataset: Dataset;
  readonly path: string;
  /** The very file that was asked for, where it is one. */
  readonly file: FileEntry | undefined;
}

async function madeRows(ctx: AppContext, project: Project, asked: Asked): Promise<readonly MadeRow[]> {
  const { stage, dataset, path, file } = asked;
  const rows = await withName(dataset, readRows(ctx.store, lockedStage(project, stage.stage)));
  if (file !== undefined) {
    const row = rows.get(datumOf(stage, file.path) ?? '');
    if (row !== undefined) return [{ stage, row, file, files: 1 }];
  }
  const { files } = await withName(
    dataset,
    readRowFiles(ctx.store, stage.stage, { datasets: [dataset], rows }),
  );
  const made: MadeRow[] = [];
  for (const [id, all] of files) {
    const own = all.filter((entry) => isWithin(entry.path, path));
    const [row, first] = [rows.get(id), own[0]];
    if (row !== undefined && first !== undefined) made.push({ stage, row, file: first, files: own.length });
  }
  return made;
}

function datumOf({ stage }: StageNode, path: string): string | undefined {
  for (const out of stage.outs) {
    const captures = matchPath(out.pattern, path);
    if (captures !== undefined) return capturesText(captures);
  }
  return undefined;
}

/** Files by stage and run, the newest run first, those of unknown runs last. */
async function sharesOf(makers: Makers, rows: readonly MadeRow[]): Promise<readonly BlamedShare[]> {
  const shares = new Map<string, { stage: string; run: string | undefined; datums: number; files: number }>();
  for (const { stage, row, files } of rows) {
    const run = (await makers.resultOf(row))?.run;
    const key = `${stage.stage.id} ${run ?? ''}`;
    const share = shares.get(key) ?? { stage: stage.stage.id, run, datums: 0, files: 0 };
    shares.set(key, { ...share, datums: share.datums + 1, files: share.files + files });
  }
  const sorted = [...shares.values()].sort((a, b) => ((a.run ?? '') < (b.run ?? '') ? 1 : -1));
  return await Promise.all(
    sorted.map(async ({ run, ...share }) => ({
      ...share,
      run: run === undefined ? null : await makers.runOf(run),
    })),
  );
}

async function nothingThere(
  ctx: AppContext,
  project: Project,
  { path, ref }: { readonly path: string; readonly ref: string | undefined },
): Promise<Problem> {
  if (await ctx.git.isTracked(path)) {
    return notFound(
      'no-path',
      `${path} is a file of git, not of a dataset`,
      `git blame ${ref === undefined ? '' : `${ref} -- `}${path}`,
    );
  }
  const near: string[] = project.datasets.map(({ home }) => home);
  for (const dataset of project.datasets) {
    if (isWithin(path, dataset.home) && dataset.recorded !== undefined)
      near.unshift(
        ...(await recordedListing(ctx.store, dataset)).slice(0, 10_000).map((entry) => entry.path),
      );
  }
  const where = ref === undefined ? '' : ` in ${ref}`;
  return notFound(
    'no-path',
    `nothing at ${path} is recorded${where}`,
    didYouMean(path, near) ?? 'See what is: datawf ls',
  );
}
