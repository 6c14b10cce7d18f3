import type { Digest } from '../model/digest.ts';
import { NO_COUNTS, type Reason, type RunCounts } from '../model/outcome.ts';
import type {
  AcceptedReport,
  DatumCounts,
  DepReport,
  StageReport,
  StageState as ReportedState,
} from '../model/report.ts';
import type { StagePlanLine } from '../model/event.ts';
import type { MemoReport, PlanMemo } from './plan-memo.ts';
import { reasonsOf } from './reasons.ts';
import type { StageState } from './stage-state.ts';
import type { AppContext } from './ports.ts';

const SHOWN = 20;

/** What status says of a stage. Cost: what it takes to name changed paths, where something changed. */
export async function stageReport(ctx: AppContext, state: StageState, memo: PlanMemo): Promise<StageReport> {
  const found = state.progress === 'unchanged' ? memo.get(state.id)?.report : undefined;
  if (state.node.stage.frozen && state.rows.size === 0) await state.loadRows();
  const { datums, deps, waiting, codeVersions } = found ?? memoReport(state, datumCounts(state));
  const reasons =
    state.progress === 'planned' || state.progress === 'settled'
      ? await reasonsOf(ctx, state)
      : deferredReasons(state);
  const accepted = codeVersions === undefined ? [] : acceptedReports(state, codeVersions);
  return {
    stage: state.id,
    state: stateName(state, datums),
    code: state.code,
    datums,
    deps,
    reasons,
    bound: state.progress === 'deferred' || state.datums.some((datum) => datum.phase === 'pending'),
    waiting,
    ...(codeVersions === undefined ? {} : { codeVersions }),
    ...(accepted.length === 0 ? {} : { accepted }),
  };
}

/** What is remembered of a stage, with its counts as given. */
export function memoReport(state: StageState, datums: DatumCounts): MemoReport {
  const versions = codeVersions(state);
  return {
    datums,
    deps: depReports(state),
    waiting: waitingDatums(state),
    ...(versions === undefined ? {} : { codeVersions: versions }),
  };
}

function stateName(state: StageState, datums: DatumCounts): ReportedState {
  const { stage } = state.node;
  if (stage.frozen) return 'frozen';
  if (state.progress === 'outside') return state.options.locked === undefined ? 'never-run' : 'current';
  if (datums.failed > 0) return 'failed';
  const work = datums.stale + datums.cached + datums.vanished > 0 || state.progress === 'deferred';
  if (state.options.locked === undefined && (work || datums.total === 0)) return 'never-run';
  if (work) return 'stale';
  return stage.always ? 'always' : 'current';
}

/** Counts of a stage's datums; of one that couldn't be planned yet those of its rows, as stale. */
export function datumCounts(state: StageState): DatumCounts {
  const locked = state.options.locked?.datums;
  if (state.progress === 'deferred') {
    return {
      total: locked?.count ?? 0,
      current: 0,
      cached: 0,
      stale: locked?.count ?? 0,
      failed: 0,
      waiting: 0,
      vanished: 0,
    };
  }
  if (state.progress === 'outside') {
    const failed = locked?.failed ?? 0;
    const total = locked?.count ?? 0;
    return { total, current: total - failed, cached: 0, stale: 0, failed, waiting: 0, vanished: 0 };
  }
  const counts = {
    total: 0,
    current: 0,
    cached: 0,
    stale: 0,
    failed: 0,
    waiting: state.set?.waiting.length ?? 0,
    vanished: state.vanished.length,
  };
  for (const datum of state.datums) {
    if (datum.outcome === 'gone') continue;
    if (datum.outcome === 'waiting') {
      counts.waiting += 1;
      continue;
    }
    counts.total += 1;
    if (datum.outcome === 'cached') counts.cached += 1;
    else if (datum.outcome === 'skipped' || datum.outcome === 'identical' || datum.outcome === 'ran')
      counts.current += 1;
    else if (datum.outcome === 'failed' || datum.row?.state === 'failed') counts.failed += 1;
    else counts.stale += 1;
  }
  return counts;
}

/** Usage of the files of each dep. */
function depReports(state: StageState): Record<string, DepReport> {
  const reports: Record<string, DepReport> = {};
  state.node.stage.deps.forEach((dep, index) => {
    const whole = state.wholes[index];
    if (whole !== undefined) {
      reports[dep.name] = { files: whole.files, used: whole.files, unmatched: 0, unpaired: 0, outside: 0 };
      return;
    }
    const usage = state.set?.usage.get(dep.name);
    if (usage === undefined) return;
    const { files, used, unmatched, unpaired, outside } = usage;
    const examples = Object.fromEntries(
      Object.entries({
        unmatched: usage.unmatchedPaths,
        unpaired: usage.unpairedPaths,
        outside: usage.outsidePaths,
      }).filter(([, paths]) => paths.length > 0),
    );
    reports[dep.name] = {
      files,
      used,
      unmatched,
      unpaired,
      outside,
      ...(Object.keys(examples).length === 0 ? {} : { examples }),
    };
  });
  return reports;
}

/** Datums that lack a file, then those whose command said "not yet". */
function waitingDatums(state: StageState): StageReport['waiting'] {
  const lacking = (state.set?.waiting ?? []).slice(0, SHOWN);
  const asked = state.datums.filter(({ outcome, input }) => outcome === 'waiting' && input !== undefined);
  return [
    ...lacking.map(({ captures, missing }) => ({ captures: Object.fromEntries(captures), missing })),
    ...asked.slice(0, SHOWN - lacking.length).map(({ spec }) => ({
      captures: Object.fromEntries(spec.captures),
      missing: [],
      asked: true as const,
    })),
  ];
}

function deferredReasons(state: StageState): Reason[] {
  if (state.progress !== 'deferred') return [];
  return [{ kind: 'upstream', count: state.options.locked?.datums.count ?? 0 }];
}

/** Rows per code half, where code other than the present made some that count as current; of a frozen stage all count. */
function codeVersions(state: StageState): Record<string, number> | undefined {
  const versions = new Map<Digest, number>();
  for (const { code } of state.rows.values()) {
    if (code !== undefined && (state.node.stage.frozen || state.codes.isCurrent(code)))
      versions.set(code, (versions.get(code) ?? 0) + 1);
  }
  const isMixture = versions.size > 1 || (versions.size === 1 && !versions.has(state.code));
  return isMixture ? Object.fromEntries(versions) : undefined;
}

/** The steps of `accept` by which rows of earlier code are current. */
function acceptedReports(
  state: StageState,
  versions: Readonly<Record<string, number>>,
): readonly AcceptedReport[] {
  const older = (Object.keys(versions) as Digest[]).filter((code) => code !== state.code);
  if (!older.some((code) => state.codes.isEqual(code))) return [];
  return [...state.codes.accepted].map(([code, step]) => ({ code, ...step }));
}

/** How the datums of a stage ended in a run. */
export function runCounts(state: StageState): RunCounts {
  const counts: Record<keyof RunCounts, number> = { ...NO_COUNTS };
  if (state.progress === 'unchanged' || state.progress === 'outside') {
    return { ...counts, skipped: state.options.locked?.datums.count ?? 0 };
  }
  for (const datum of state.datums) {
    const { outcome } = datum;
    if (outcome === undefined || outcome === 'gone') continue;
    counts[outcome] += 1;
    if (outcome !== 'skipped') counts.planned += 1;
  }
  counts.waiting += state.set?.waiting.length ?? 0;
  counts.planned += state.set?.waiting.length ?? 0;
  return counts;
}

/** The same at the end of a run: datums that it didn't come to are skipped. */
export function endCounts(state: StageState): RunCounts {
  const counts = runCounts(state);
  return { ...counts, skipped: counts.skipped + unreached(state) };
}

/** Datums that a run which stopped didn't come to. */
export function unreached({ datums }: StageState): number {
  return datums.reduce((sum, { outcome }) => sum + (outcome === undefined ? 1 : 0), 0);
}

/** A stage's line of a printed plan. */
export async function planLine(ctx: AppContext, state: StageState, memo: PlanMemo): Promise<StagePlanLine> {
  const report = await stageReport(ctx, state, memo);
  const work = state.datums.filter((datum) => datum.phase === 'ready' || datum.phase === 'pending');
  return {
    stage: state.id,
    total: report.datums.total,
    toRun: state.progress === 'deferred' ? report.datums.stale : work.length,
    cached: report.datums.cached,
    waiting: report.datums.waiting,
    vanished: report.datums.vanished,
    blocked: state.datums.filter((datum) => datum.outcome === 'blocked').length,
    bound: report.bound,
    reasons: report.reasons,
    datums: work.slice(0, SHOWN).map((datum) => datum.id),
  };
}
