import type { History, RunFilter } from '../history/history.ts';
import type { LogStats, RunReport, RunStageReport, ShownRun, StageStats } from '../model/history-report.ts';
import { resolveMoment } from '../model/moment.ts';
import { invalid, notFound } from '../model/problem.ts';
import type { RunRecord, RunState, StageRecord } from '../model/run-record.ts';
import { didYouMean } from '../util/suggest.ts';
import { findRun, readRunNamed } from './find-run.ts';
import { attemptReport } from './log-lines.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Project } from './project.ts';

/** What `log` is asked for; times as typed. */
export interface LogRequest {
  /** A run, a stage (a glob, too) or a path; all without it. */
  readonly target: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly state: string | undefined;
  readonly stage: string | undefined;
  readonly branch: string | undefined;
  readonly limit: number | undefined;
}

const STATES: readonly RunState[] = ['running', 'done', 'failed', 'cancelled', 'lost'];

/** Runs that fit, newest first. */
export async function listRuns(
  context: AppContext,
  history: History,
  request: LogRequest,
): Promise<readonly RunReport[]> {
  const { target } = request;
  if (target !== undefined) {
    const run = await findRun(history, target);
    if (run !== undefined) return [runReport(run, context.around.now())];
  }
  const filter = filterOf(context, request);
  const project = loadProject(workTreeFiles(context.workspace));
  const wanted = target === undefined ? request.stage : target;
  const stages = wanted === undefined ? undefined : stagesNamed(project, wanted);
  const path = wanted === undefined || stages !== undefined ? undefined : pathOf(context, project, wanted);
  if (stages?.length === 1 && stages[0] !== undefined)
    return await list(context, history, { ...filter, stage: stages[0] });
  if (stages === undefined)
    return await list(context, history, path === undefined ? filter : { ...filter, path });
  const { limit, ...others } = filter;
  const runs = await list(context, history, others);
  return runs.filter((run) => run.stages.some((stage) => stages.includes(stage.stage))).slice(0, limit);
}

/** One run in full. `last` is the newest. */
export async function showRun(context: AppContext, history: History, id: string): Promise<ShownRun> {
  const run = await readRunNamed(history, id);
  const attempts = await history.readAttempts(run.id);
  const failed = attempts.filter((attempt) => attempt.state === 'failed').slice(0, 20);
  const slowest = [...attempts].sort((a, b) => b.ended - b.started - (a.ended - a.started)).slice(0, 5);
  return {
    ...runReport(run, context.around.now()),
    argv: run.argv,
    host: run.process.host,
    client: run.client,
    totals: run.totals,
    attempts: attempts.length,
    failures: failed.map(attemptReport),
    slowest: slowest.map(attemptReport),
  };
}

/** Sums over runs, per stage. */
export function statsOf(runs: readonly RunReport[]): LogStats {
  const stages = new Map<string, StageStats>();
  for (const stage of runs.flatMap((run) => run.stages)) {
    if (stage.counts.planned > 0) stages.set(stage.stage, addStage(stages.get(stage.stage), stage));
  }
  return {
    runs: runs.length,
    done: runs.filter((run) => run.state === 'done').length,
    failed: runs.filter((run) => run.state === 'failed').length,
    seconds: sum(runs.map((run) => run.seconds)),
    stages: [...stages.values()],
  };
}

function addStage(before: StageStats | undefined, stage: RunStageReport): StageStats {
  const runs = (before?.runs ?? 0) + 1;
  const total = (before?.seconds.total ?? 0) + stage.seconds;
  return {
    stage: stage.stage,
    runs,
    ran: (before?.ran ?? 0) + stage.counts.ran,
    cached: (before?.cached ?? 0) + stage.counts.cached,
    identical: (before?.identical ?? 0) + stage.counts.identical,
    failed: (before?.failed ?? 0) + stage.counts.failed,
    seconds: { total, mean: total / runs, longest: Math.max(before?.seconds.longest ?? 0, stage.seconds) },
  };
}

function runReport(run: RunRecord, now: number): RunReport {
  const end = run.end ?? (run.state === 'running' ? undefined : run.start);
  return {
    run: run.id,
    kind: run.kind,
    state: run.state,
    start: new Date(run.start).toISOString(),
    end: end === undefined ? null : new Date(end).toISOString(),
    seconds: round(((end ?? now) - run.start) / 1000),
    user: run.user.mail === '' ? run.user.name : `${run.user.name} <${run.user.mail}>`,
    branch: run.branch === '' ? null : run.branch,
    commit: run.commit === '' ? null : run.commit,
    dirty: run.dirty,
    environment: run.environment,
    executor: run.executor,
    exit: run.exit ?? null,
    counts: run.counts,
    stages: run.stages.map(stageReport),
  };
}

function stageReport(record: StageRecord): RunStageReport {
  const { stage, seconds, counts, why, whyNot } = record;
  return { stage, seconds: round(seconds), counts, why, whyNot };
}

async function list(context: AppContext, history: History, filter: RunFilter): Promise<readonly RunReport[]> {
  const runs = await history.listRuns(filter);
  return runs.map((run) => runReport(run, context.around.now()));
}

function filterOf(context: AppContext, request: LogRequest): RunFilter {
  const { since, until, state, branch, limit } = request;
  const clock = { now: context.around.now(), zone: 'UTC' };
  const known = STATES.find((name) => name === state);
  if (state !== undefined && known === undefined) {
    throw invalid(
      'bad-option',
      `"${state}" is no state of a run`,
      didYouMean(state, STATES) ?? `States: ${STATES.join(', ')}.`,
    );
  }
  const filter = {
    ...(since === undefined ? {} : { since: resolveMoment(since, clock) }),
    ...(until === undefined ? {} : { until: resolveMoment(until, clock) }),
    ...(known === undefined ? {} : { state: known }),
    ...(branch === undefined ? {} : { branch }),
    ...(limit === undefined ? {} : { limit }),
  };
  if (filter.since !== undefined && filter.until !== undefined && filter.until <= filter.since) {
    throw invalid(
      'empty-window',
      `--until ${until ?? ''} is not after --since ${since ?? ''}`,
      'The window is half-open: [since, until).',
    );
  }
  return filter;
}

/** Ids of the stages that a name or glob means; undefined where it means none. */
function stagesNamed(project: Project, text: string): readonly string[] | undefined {
  const ids = project.pipeline.stages.map((stage) => stage.id);
  const fitting = ids.filter((id) => globFits(text, id));
  return fitting.length === 0 ? undefined : fitting;
}

function globFits(glob: string, name: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`).test(name);
}

/** A typed path as a repository path; it must lie in a dataset, or the name was none at all. */
function pathOf(context: AppContext, project: Project, text: string): string {
  const path = normalise(context.workspace.prefix, text);
  const homes = project.datasets.map((dataset) => dataset.home as string);
  const known = homes.some(
    (home) => path === home || path.startsWith(`${home}/`) || home.startsWith(`${path}/`),
  );
  if (known) return path;
  const names = [...project.pipeline.stages.map((stage) => stage.id as string), ...homes];
  throw notFound(
    'no-target',
    `"${text}" is no run, no stage and no path of a dataset`,
    didYouMean(text, names),
  );
}

function normalise(prefix: string, text: string): string {
  const parts: string[] = [];
  for (const part of [...prefix.split('/'), ...text.split('/')]) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function sum(numbers: readonly number[]): number {
  return round(numbers.reduce((total, number) => total + number, 0));
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
