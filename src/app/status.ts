import type { DatasetReport, StageReport, StatusReport } from '../model/report.ts';
import { isWithin } from '../model/repo-path.ts';
import { assess, type Assessment } from './assess.ts';
import type { DatasetState } from './datasets.ts';
import type { AppContext } from './ports.ts';
import { datumCounts, memoReport, stageReport } from './stage-report.ts';

const SHOWN = 20;

/** How stages and datasets stand: what would run, and why. Changes nothing. */
export async function status(
  ctx: AppContext,
  request: { readonly targets: readonly string[] },
): Promise<StatusReport> {
  const assessment = await assess(ctx, { targets: request.targets, tellsNotYet: true });
  const named = request.targets.length > 0;
  const stages: StageReport[] = [];
  for (const state of assessment.states) {
    if (!assessment.scope.has(state.node)) continue;
    if (named && !isNamed(assessment, state.node)) continue;
    stages.push(await stageReport(ctx, state, assessment.memo));
  }
  await rememberCurrent(assessment);
  const datasets = assessment.datasets.all
    .filter((state) => !named || isNamedDataset(assessment, state))
    .map(datasetReport);
  const head = await ctx.workspace.head();
  return {
    clean:
      stages.every((stage) => ['current', 'frozen', 'always'].includes(stage.state)) &&
      datasets.every((dataset) => dataset.state !== 'modified' && dataset.state !== 'untracked'),
    branch: head.branch ?? null,
    commit: head.commit ?? null,
    stages,
    datasets,
    plain: await plainReport(ctx, assessment),
  };
}

/** Keeps what was found of stages that have nothing to do, so that the next look needn't plan them. */
async function rememberCurrent({
  states,
  planner,
  memo,
}: Pick<Assessment, 'states' | 'planner' | 'memo'>): Promise<void> {
  for (const state of states) {
    if (state.progress !== 'settled' || !state.isAsLocked || state.options.locked === undefined) continue;
    if (state.options.locked.datums.failed > 0) continue;
    if (state.datums.some(({ input, outcome }) => input === undefined || outcome === 'waiting')) continue;
    memo.set(state.id, {
      key: await planner.memoKeyOf(state),
      report: memoReport(state, datumCounts(state)),
    });
  }
  memo.save();
}

function isNamed({ selection }: Assessment, node: Assessment['states'][number]['node']): boolean {
  return selection.stages.has(node) || selection.upstream.has(node) || selection.downstream.has(node);
}

function isNamedDataset(assessment: Assessment, { dataset }: DatasetState): boolean {
  if (dataset.stage !== undefined && isNamed(assessment, dataset.stage)) return true;
  return assessment.selection.paths.some(
    (path) => isWithin(path, dataset.home) || isWithin(dataset.home, path),
  );
}

function datasetReport(state: DatasetState): DatasetReport {
  const { dataset, added, changed, deleted } = state;
  const paths = {
    added: added.slice(0, SHOWN).map((file) => file.path),
    changed: changed.slice(0, SHOWN).map((file) => file.path),
    deleted: deleted.slice(0, SHOWN),
  };
  return {
    path: dataset.home,
    stage: dataset.stage?.stage.id ?? null,
    state: state.state,
    files: dataset.files,
    bytes: dataset.bytes,
    added: added.length,
    changed: changed.length,
    deleted: deleted.length,
    ...(added.length + changed.length + deleted.length === 0 ? {} : { paths }),
  };
}

async function plainReport(ctx: AppContext, { sources }: Assessment): Promise<StatusReport['plain']> {
  const { plainPaths } = sources;
  if (plainPaths.length === 0) return { count: 0, paths: [] };
  const tracked = new Set(await ctx.git.trackedFiles());
  const plain = plainPaths.filter((path) => !tracked.has(path));
  return { count: plain.length, paths: plain.slice(0, SHOWN) };
}
