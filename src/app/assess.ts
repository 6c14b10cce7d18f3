import { labelPeriod, datumTimes } from '../graph/datums.ts';
import { closure, type StageNode } from '../graph/graph.ts';
import { selectTargets, type Selection } from '../graph/select.ts';
import { invalid, refused } from '../model/problem.ts';
import { datasetStates, type DatasetStates } from './datasets.ts';
import { openNotYet, type NotYet } from './not-yet.ts';
import { openMemo, type PlanMemo } from './plan-memo.ts';
import { Planner } from './planner.ts';
import type { PlannerOptions } from './planner-options.ts';
import type { AppContext } from './ports.ts';
import type { BackfillMode } from './requests.ts';
import { loadProject, lockedStage, workTreeFiles, type Project } from './project.ts';
import { findSources, type Sources } from './sources.ts';
import { gatherFacts } from './stage-facts.ts';
import { StageState } from './stage-state.ts';
import { Supply } from './supply.ts';
import { timeWindow } from './time-window.ts';
import { refuseTrackedOuts } from './tracked-outs.ts';
import { typedPath } from './typed-path.ts';

/** What to look at and how. */
export interface AssessRequest {
  readonly targets: readonly string[];
  /** Only the named stages may work; what they need is taken as the lock has it. */
  readonly single?: boolean;
  readonly downstream?: boolean;
  readonly force?: boolean;
  /** Datums of the named stages that earlier code made run again, also where `on_code_change: keep` leaves them. */
  readonly renew?: boolean;
  /** Datums whose last attempt said "not yet" are told as waiting, as `status` does; a run tries them again. */
  readonly tellsNotYet?: boolean;
  readonly runCache?: boolean;
  readonly runAlways?: boolean;
  /** Take what is recorded as it is, though its bytes be nowhere. */
  readonly allowMissing?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** The time capture that the window is about, where a stage has two. */
  readonly by?: string | undefined;
  /** Which datums of the named stages may work; those of other stages wherever they are out of date. */
  readonly mode?: BackfillMode;
}

/** The state of a checkout with a plan for it. */
export interface Assessment {
  readonly project: Project;
  readonly selection: Selection;
  /** Stages that may work. */
  readonly scope: ReadonlySet<StageNode>;
  readonly datasets: DatasetStates;
  readonly sources: Sources;
  readonly states: readonly StageState[];
  readonly planner: Planner;
  readonly memo: PlanMemo;
  readonly notYet: NotYet;
}

/** Reads the project and finds the stages that targets name. */
export function selectStages(
  ctx: AppContext,
  targets: readonly string[],
): { readonly project: Project; readonly selection: Selection } {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const selection = selectTargets(targets, {
    graph: project.graph,
    datasets: project.pointers.map((pointer) => pointer.path),
    toPath: (typed) => typedPath(ctx, typed),
  });
  return { project, selection };
}

/** The stages that a request lets work: the named ones and, unless `single`, what they need. */
export function scopeOf({
  selection,
  single,
  downstream,
}: {
  selection: Selection;
  single: boolean;
  downstream: boolean;
}): ReadonlySet<StageNode> {
  const named = new Set([...selection.stages, ...selection.upstream, ...selection.downstream]);
  if (downstream) for (const node of closure(selection.stages, 'downstream')) named.add(node);
  return single ? named : closure(named, 'upstream');
}

/**
 * Looks at everything that the targets rest on and plans it; `status`, `why`, dry runs and `repro` all begin here. Writes
 * nothing but caches. Cost: a stat per file, and a full plan only of stages that something changed for.
 */
export async function assess(
  ctx: AppContext,
  request: AssessRequest,
  hooks: Pick<PlannerOptions, 'onSettled' | 'onPlanned' | 'onStage'> = {},
): Promise<Assessment> {
  const { project, selection } = selectStages(ctx, request.targets);
  const datasets = await datasetStates(ctx, project);
  const supply = new Supply(ctx, { fetches: 'none', allowMissing: request.allowMissing ?? false });
  const assessment = await prepare(ctx, { project, selection, datasets, request, supply, hooks });
  await assessment.planner.start();
  await refuseTrackedOuts(ctx, project, assessment.states);
  return assessment;
}

export interface Preparation {
  readonly project: Project;
  readonly selection: Selection;
  readonly datasets: DatasetStates;
  readonly request: AssessRequest;
  readonly supply: Supply;
  readonly hooks: Pick<PlannerOptions, 'onSettled' | 'onPlanned' | 'onStage'>;
}

/** Everything that a plan needs; `planner.start()` makes it. */
export async function prepare(
  ctx: AppContext,
  { project, selection, datasets, request, supply, hooks }: Preparation,
): Promise<Assessment> {
  const { order } = project.graph;
  const scope = scopeOf({
    selection,
    single: request.single ?? false,
    downstream: request.downstream ?? false,
  });
  const forced = request.force === true ? forcedStages(selection, request) : new Set<StageNode>();
  const facts = await gatherFacts(ctx, order, project);
  const sources = await findSources(ctx, project, datasets);
  const selects = timeFilter(ctx, project, request);
  const memo = openMemo(ctx);
  const notYet = openNotYet(ctx);
  const states = order.map((node) => {
    const known = facts.get(node);
    if (known === undefined) throw new Error(`no facts of ${node.stage.id}`);
    const states = datasets.byStage.get(node) ?? [];
    const own = { states, datasets: states.map(({ dataset }) => dataset) };
    return new StageState({
      node,
      facts: known,
      locked: lockedStage(project, node.stage),
      datasets: own.datasets,
      store: ctx.store,
      inScope: scope.has(node),
      zone: project.pipeline.zone,
      force: forced.has(node),
      renew: request.renew === true && selection.stages.has(node),
      runCache: request.runCache ?? true,
      runAlways: request.runAlways ?? false,
      checkObjects: own.states.some(({ state }) => state === 'missing'),
      inWindow: selects(node),
      selects: narrowed(selects(node), selection.stages.has(node) ? request.mode : undefined),
    });
  });
  const told = request.tellsNotYet === true ? { notYet } : {};
  const planner = new Planner({ ctx, sources, memo, states, supply, ...told, ...hooks });
  return { project, selection, scope, datasets, sources, states, planner, memo, notYet };
}

function forcedStages(selection: Selection, request: AssessRequest): ReadonlySet<StageNode> {
  return request.downstream === true
    ? closure(selection.stages, 'downstream')
    : new Set([...selection.stages, ...selection.downstream]);
}

type Selects = StageState['options']['selects'];

function narrowed(selects: Selects, mode: BackfillMode | undefined): Selects {
  if (mode === 'missing') return (captures, row) => row?.result === undefined && selects(captures, row);
  if (mode === 'failed') return (captures, row) => row?.state === 'failed' && selects(captures, row);
  return selects;
}

/** Lets in the datums whose period meets the half-open `[since, until)`; stages without time let all in. */
function timeFilter(ctx: AppContext, project: Project, request: AssessRequest): (node: StageNode) => Selects {
  const window = timeWindow(ctx, project.pipeline.zone, request);
  if (window === undefined) return () => () => true;
  return (node) => {
    const times = datumTimes(node.stage);
    const name = times.find((time) => time === request.by) ?? times[0];
    if (name === undefined) return () => true;
    if (times.length > 1 && !times.includes(request.by ?? '')) {
      throw invalid(
        'two-times',
        `stage ${node.stage.id} has two times, ${times.join(' and ')}`,
        `Say which one the window is about: datawf backfill --by ${name}`,
      );
    }
    return (captures) => {
      const label = captures.get(name);
      if (label === undefined) return true;
      const period = labelPeriod(label);
      return period.start < window.end && period.end > window.start;
    };
  };
}

/** Throws `output-edited` (exit 6) where outs of stages that a run would write were changed by hand. */
export function refuseEditedOuts(datasets: DatasetStates, scope: ReadonlySet<StageNode>): void {
  for (const { dataset, added, changed } of datasets.all) {
    if (dataset.stage === undefined || !scope.has(dataset.stage)) continue;
    const paths = [...changed, ...added].map((file) => file.path);
    if (paths.length === 0) continue;
    throw refused(
      'output-edited',
      `${paths.length === 1 ? `${paths[0] ?? ''} was` : `${paths.length} files of ${dataset.home} were`} edited, but stage ${dataset.stage.stage.id} makes ${paths.length === 1 ? 'it' : 'them'}`,
      `Discard the edit: datawf checkout --force ${dataset.home}; or keep it as a correction: an optional dep of the stage`,
      paths.slice(0, 20),
    );
  }
}
