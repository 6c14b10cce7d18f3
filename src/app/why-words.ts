import type { DatumRow } from '../model/datum.ts';
import type { StageReport, WhyDatum } from '../model/report.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { StageState } from './stage-state.ts';

/** What a datum's plan says, in words. */
export function describe(datum: DatumPlan<StageState>): Pick<WhyDatum, 'decision' | 'reason'> {
  if (datum.phase === 'pending')
    return { decision: 'pending', reason: 'runs if what it sees of stages upstream changes' };
  switch (datum.outcome) {
    case undefined:
      return { decision: datum.stage.node.stage.always ? 'always' : 'run', reason: reasonText(datum) };
    case 'cached':
      return {
        decision: 'cached',
        reason: `${reasonText(datum)}; the result is in the run cache and needs no run`,
      };
    case 'blocked':
      return { decision: 'blocked', reason: 'a datum that makes one of its inputs failed' };
    case 'waiting':
      return {
        decision: 'waiting',
        reason:
          datum.input === undefined
            ? 'a required dep has no file yet'
            : 'its command said "not yet" (exit 75); repro asks again',
      };
    case 'gone':
      return { decision: 'vanished', reason: 'no dep brings it into being any more' };
    default:
      return { decision: 'current', reason: currentReason(datum.stage, datum.stage.rows.get(datum.id)) };
  }
}

/** Why a datum with this row is current. */
export function currentReason(state: StageState, row: DatumRow | undefined): string {
  const code = row?.code;
  if (code === undefined || code === state.code) return 'its key equals the recorded one';
  return state.codes.isEqual(code)
    ? 'earlier code made it, and the present code was accepted as giving the same'
    : 'earlier code made it, and is kept (on_code_change: keep)';
}

function reasonText(datum: DatumPlan<StageState>): string {
  switch (datum.reason) {
    case 'never-run':
      return 'it has no result yet';
    case 'input-changed':
      return 'a file that it sees was added, changed or deleted';
    case 'code-changed':
      return 'the definition or code of the stage changed';
    case 'retry':
      return 'its last attempt failed';
    case 'always':
      return 'the stage runs whenever it is reached (always: true)';
    case 'forced':
      return 'it was asked for by --force';
    case undefined:
      return 'its key differs from the recorded one';
    default:
      return datum.reason;
  }
}

/** The answer to "why", in one sentence. */
export function sentenceOf(
  state: StageState,
  { report, one }: { readonly report: StageReport; readonly one: WhyDatum | undefined },
): string {
  if (one !== undefined)
    return `${one.datum === '-' ? state.id : `${state.id} ${one.datum}`}: ${one.decision === 'current' ? 'does not run: ' : ''}${one.reason}`;
  const { datums } = report;
  switch (report.state) {
    case 'frozen':
      return `${state.id} is frozen: its results are taken as they are (datawf unfreeze ${state.id})`;
    case 'never-run':
      return `${state.id} runs: it has no results yet`;
    case 'current':
      return `${state.id} does not run: ${currentWords(report)}${datums.waiting > 0 ? `; ${datums.waiting} wait for files` : ''}`;
    case 'always':
      return `${state.id} runs whenever repro reaches it (always: true)`;
    case 'failed':
      return `${state.id} runs: ${datums.failed} of ${datums.total} datums failed last time`;
    case 'stale': {
      const work = datums.stale + datums.cached;
      const vanished = datums.vanished > 0 ? `; ${datums.vanished} vanish` : '';
      return `${state.id} ${report.bound ? 'may run' : 'runs'}: ${work} of ${datums.total} datums are out of date${vanished}`;
    }
  }
}

/** Why the datums of a stage are current. */
function currentWords({ code, codeVersions, datums }: StageReport): string {
  if (codeVersions === undefined) return `the keys of all ${datums.total} datums equal the recorded ones`;
  const older = Object.entries(codeVersions).filter(([version]) => version !== code);
  const count = older.reduce((sum, [, each]) => sum + each, 0);
  return `all ${datums.total} datums are current, ${count} of them as earlier code made them`;
}
