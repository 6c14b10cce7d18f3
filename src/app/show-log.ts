import type { History, RunFilter } from '../history/history.ts';
import type { LogStats, RunReport, RunStageReport, ShownRun } from '../model/history-report.ts';
import { resolveMoment } from '../model/moment.ts';
import { invalid, notFound } from '../model/problem.ts';
import type { RunRecord, RunState, StageRecord } from '../model/run-record.ts';
import { didYouMean } from '../util/suggest.ts';
import { findRun, readRunNamed } from './find-run.ts';
import { attemptReport } from './log-lines.ts';
import { statsOf } from './log-stats.ts';
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

const STATES: readonly RunState[] = ['running', 'done', 'failed', 'cancelled', 'detached', 'lost'];

/** Runs that fit, newest first. */
export async function listRuns(
  context: AppContext,
  history: History,
  request: LogRequest,
): Promise<readonly RunReport[]> {
  const run = await namedRun(history, request);
  const runs = run === undefined ? await history.listRuns(filterOf(context, request)) : [run];
  return runs.map((one) => runReport(one, context.around.now()));
}

/** Sums over the runs that fit: per stage what it cost and how long its attempts took. */
export async function sumRuns(context: AppContext, history: History, request: LogRequest): Promise<LogStats> {
  const now = context.around.now();
  const run = await namedRun(history, request);
  const filter = run === undefined ? filterOf(context, request) : {};
  const sums =
    run === undefined
      ? await history.sumRuns(filter)
      : [{ ...run, attempts: await history.readAttempts(run.id) }];
  return statsOf({ sums, stages: filter.stages, secondsOf: (one) => secondsOf(one, now) });
}

async function namedRun(history: History, { target }: LogRequest): Promise<RunRecord | undefined> {
  return target === undefined ? undefined : await findRun(history, target);
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

function runReport(run: RunRecord, now: number): RunReport {
  const end = endOf(run);
  return {
    run: run.id,
    kind: run.kind,
    state: run.state,
    start: new Date(run.start).toISOString(),
    end: end === undefined ? null : new Date(end).toISOString(),
    seconds: secondsOf(run, now),
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

type Span = Pick<RunRecord, 'state' | 'start' | 'end'>;

function endOf({ state, start, end }: Span): number | undefined {
  return end ?? (state === 'running' ? undefined : start);
}

function secondsOf(run: Span, now: number): number {
  return round(((endOf(run) ?? now) - run.start) / 1000);
}

function stageReport(record: StageRecord): RunStageReport {
  const { stage, seconds, counts, why, whyNot } = record;
  return { stage, seconds: round(seconds), counts, why, whyNot };
}

function filterOf(context: AppContext, request: LogRequest): RunFilter {
  const { since, until, state, branch, limit, target, stage } = request;
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
    ...targetFilter(context, { target, stage }),
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

/** What a target (a stage, a glob or a path) and `--stage` let in; both where there are both. */
function targetFilter(
  context: AppContext,
  { target, stage }: Pick<LogRequest, 'target' | 'stage'>,
): Pick<RunFilter, 'stages' | 'path'> {
  if (target === undefined && stage === undefined) return {};
  const project = loadProject(workTreeFiles(context.workspace));
  const own = stage === undefined ? undefined : (stagesNamed(project, stage) ?? [stage]);
  if (target === undefined) return own === undefined ? {} : { stages: own };
  const named = stagesNamed(project, target);
  if (named === undefined)
    return { path: pathOf(context, project, target), ...(own === undefined ? {} : { stages: own }) };
  return { stages: own === undefined ? named : named.filter((id) => own.includes(id)) };
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

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
