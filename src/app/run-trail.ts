import type { RunWriter } from '../history/history.ts';
import type { WorkEvent } from '../model/event.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { RowRecord, StageRecord, WhyNot } from '../model/run-record.ts';
import type { Reason, ReasonKind, RunCounts } from '../model/outcome.ts';
import type { Assessment } from './assess.ts';
import type { LockWriter } from './lock-writer.ts';
import type { Settled } from './planner-options.ts';
import type { AppContext } from './ports.ts';
import { reasonsOf } from './reasons.ts';
import { endCounts, runCounts, unreached } from './stage-report.ts';
import type { StageState } from './stage-state.ts';

const OUTS_SHOWN = 1000;
const PATHS = 20;

/** Tells a run's record and the screen what happens to datums and stages. */
export interface RunTrail {
  /** A datum of the stage starts. */
  started(state: StageState): void;
  settled(outcome: Settled): void;
  stageEnd(state: StageState): void;
  /** Writes the stages' records. */
  close(lock: LockWriter): Promise<void>;
}

interface StageTimes {
  first: number;
  last: number;
}

export function openRunTrail(ctx: AppContext, writer: RunWriter, assessment: Assessment): RunTrail {
  const times = new Map<StageState, StageTimes>();
  const ended = new Set<StageState>();
  const reasons = new Map<StageState, Reason[]>();
  const touch = (state: StageState): void => {
    const now = ctx.around.now();
    const known = times.get(state);
    if (known === undefined) times.set(state, { first: now, last: now });
    else known.last = now;
  };
  const secondsOf = (state: StageState): number => {
    const known = times.get(state);
    return known === undefined ? 0 : (known.last - known.first) / 1000;
  };
  return {
    started: (state) => {
      if (!times.has(state)) ctx.emit(stageStart(state));
      touch(state);
    },
    settled: ({ datum, outcome, row, outs }) => {
      const state = datum.stage;
      if (outcome === 'skipped') return;
      touch(state);
      if (row !== undefined && (outcome === 'ran' || outcome === 'cached')) {
        writer.row({
          stage: state.id,
          datum: datum.id,
          how: outcome,
          key: { code: row.code as Digest, input: row.input as Digest },
          result: row.result as Digest,
          ...filesOf(outs ?? []),
        });
      }
      if (outcome === 'cached' || outcome === 'identical' || outcome === 'blocked') {
        ctx.emit({
          event: 'datum-end',
          stage: state.id,
          captures: Object.fromEntries(datum.spec.captures),
          state: outcome,
          reason: datum.reason ?? '',
          seconds: 0,
        });
      }
    },
    stageEnd: (state) => {
      const counts = runCounts(state);
      if (ended.has(state) || counts.planned - counts.waiting <= 0) return;
      ended.add(state);
      ctx.emit({ event: 'stage-end', stage: state.id, counts, seconds: secondsOf(state) });
    },
    close: async (lock) => {
      for (const state of assessment.states) {
        for (const { row, files } of state.dropped)
          writer.row({ stage: state.id, datum: row.captures, how: 'vanished', ...filesOf(files) });
        if (!state.options.inScope) continue;
        reasons.set(
          state,
          state.progress === 'settled' || state.progress === 'planned' ? await reasonsOf(ctx, state) : [],
        );
        writer.stage(stageRecord(state, { why: reasons.get(state) ?? [], seconds: secondsOf(state), lock }));
      }
    },
  };
}

/** What is known to be done when the first datum of a stage starts; more may come as stages upstream end. */
function stageStart(state: StageState): WorkEvent {
  const planned = state.datums.filter((datum) => datum.planned);
  const counts = new Map<ReasonKind, number>();
  for (const { reason } of planned)
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([kind, count]) => ({ kind, count }));
  return { event: 'stage-start', stage: state.id, planned: planned.length, reasons };
}

function filesOf(files: readonly FileEntry[]): Pick<RowRecord, 'outs' | 'files'> {
  const first = files.slice(0, OUTS_SHOWN);
  return { outs: Object.fromEntries(first.map((file) => [file.path, file.digest])), files: files.length };
}

interface StageFacts {
  readonly why: readonly Reason[];
  readonly seconds: number;
  readonly lock: LockWriter;
}

function stageRecord(state: StageState, { why, seconds, lock }: StageFacts): StageRecord {
  const counts = endCounts(state);
  const trees: Record<string, { before?: Digest; after?: Digest }> = {};
  for (const dataset of state.options.datasets) {
    const after = lock.trees.get(dataset.owner)?.tree ?? dataset.recorded;
    trees[dataset.home] = {
      ...(dataset.recorded === undefined ? {} : { before: dataset.recorded }),
      ...(after === undefined ? {} : { after }),
    };
  }
  return {
    stage: state.id,
    code: state.code,
    why: [...(counts.planned === 0 ? [] : why), ...vanishedReason(state)],
    whyNot: whyNot(state, counts),
    counts,
    seconds,
    trees,
  };
}

/** What went, with the paths of its files. */
function vanishedReason({ dropped }: StageState): Reason[] {
  if (dropped.length === 0) return [];
  const paths = dropped.flatMap(({ files }) => files.slice(0, PATHS).map((file) => file.path));
  return [{ kind: 'vanished', count: dropped.length, paths: paths.slice(0, PATHS) }];
}

function whyNot(state: StageState, counts: RunCounts): StageRecord['whyNot'] {
  const filtered = state.datums.filter((datum) => datum.outcome === 'skipped' && datum.input === undefined);
  const accepted = acceptedDatums(state);
  const stopped = unreached(state);
  const current = counts.skipped - filtered.length - accepted.count - stopped;
  const found: { kind: WhyNot; count: number; detail?: string }[] = [
    { kind: state.node.stage.frozen ? 'frozen' : 'current', count: current },
    { kind: 'filtered', count: filtered.length },
    accepted,
    { kind: 'stopped', count: stopped },
    { kind: 'cached', count: counts.cached },
    { kind: 'identical-upstream', count: counts.identical },
    { kind: 'waiting', count: counts.waiting },
    { kind: 'blocked', count: counts.blocked },
  ];
  return found.filter(({ count }) => count > 0);
}

/** Datums that are current because their code was accepted, and by whom. */
function acceptedDatums(state: StageState): { kind: 'accepted'; count: number; detail?: string } {
  const datums = state.datums.filter(
    ({ outcome, input, row }) =>
      outcome === 'skipped' &&
      input !== undefined &&
      row?.code !== state.code &&
      state.codes.isEqual(row?.code),
  );
  const [step] = state.codes.accepted.values();
  return {
    kind: 'accepted',
    count: datums.length,
    ...(step === undefined ? {} : { detail: `by ${step.by}: ${step.reason}` }),
  };
}
