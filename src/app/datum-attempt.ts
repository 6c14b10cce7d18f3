import { formatListing } from '../formats/tree-text.ts';
import type { RunWriter } from '../history/history.ts';
import type { Digest } from '../model/digest.ts';
import type { AttemptOutcome, Runner } from '../run/runner.ts';
import type { ResultWriter } from '../store/result-writer.ts';
import { digestHex } from '../util/blake3.ts';
import type { DatumPlan } from './datum-plan.ts';
import { inputTexts } from './input-texts.ts';
import type { NotYet } from './not-yet.ts';
import type { Planner } from './planner.ts';
import type { AppContext } from './ports.ts';
import type { Rivals } from './rivals.ts';
import type { StageRuns } from './stage-runs.ts';
import { datumWork } from './stage-runs.ts';
import type { StageState } from './stage-state.ts';

/** What running a datum works with. */
export interface AttemptTools {
  readonly ctx: AppContext;
  readonly planner: Planner;
  readonly runner: Runner;
  readonly run: RunWriter;
  readonly results: ResultWriter;
  readonly runs: StageRuns;
  readonly rivals: Rivals;
  readonly notYet: NotYet;
}

/** A datum to be tried, for the `attempt`th time (from 1), ready since `queued` (epoch milliseconds). */
export interface Try {
  readonly datum: DatumPlan<StageState>;
  readonly attempt: number;
  readonly queued: number;
}

/** Runs a datum once, and records the attempt. What came of it isn't settled yet. */
export async function attemptDatum(
  tools: AttemptTools,
  { datum, attempt, queued }: Try,
): Promise<AttemptOutcome> {
  const { ctx, run, runner, runs, rivals } = tools;
  const state = datum.stage;
  let isTold = false;
  const onStart = (): void => {
    if (isTold) return;
    isTold = true;
    ctx.emit({
      event: 'datum-start',
      stage: state.id,
      captures: Object.fromEntries(datum.spec.captures),
      reason: datum.reason ?? '',
      attempt,
    });
  };
  if (runner.takes === undefined) onStart();
  const session = await runs.session(state);
  const log = (line: { time: number; stream: 'out' | 'err'; text: string }): void => {
    run.log(state.id, { ...line, datum: datum.id, attempt });
  };
  const work = datumWork(datum);
  const key =
    runner.takes === undefined
      ? undefined
      : { input: datum.input as Digest, deps: await inputTexts(datum), attempt, onStart };
  const ran = await session.run(key === undefined ? work : { ...work, key }, log, ctx.signal);
  onStart();
  const outcome = ran.state === 'ok' ? ((await rivals.check(datum, ran)) ?? ran) : ran;
  const { usage } = outcome;
  run.attempt({
    stage: state.id,
    datum: datum.id,
    attempt,
    state: outcome.state,
    key: { code: state.code, input: datum.input as Digest },
    reason: datum.reason ?? '',
    queued,
    started: usage.started,
    ended: usage.ended,
    bytesIn: usage.bytesIn,
    bytesOut: usage.bytesOut,
    ...(usage.cpuSeconds === undefined ? {} : { cpuSeconds: usage.cpuSeconds }),
    ...(usage.peakMemory === undefined ? {} : { peakMemory: usage.peakMemory }),
    requested: requestedOf(state, outcome.elsewhere?.place.memory),
    ...placeFields(outcome),
    ...(outcome.state === 'failed' ? failureFields(outcome) : {}),
  });
  return outcome;
}

/** Settles a datum by how its last attempt ended: keeps the result, or marks the row failed and keeps the last good one. */
export async function settleAttempt(
  tools: AttemptTools,
  datum: DatumPlan<StageState>,
  outcome: AttemptOutcome,
): Promise<void> {
  const { planner, results, run, runner } = tools;
  const state = datum.stage;
  tools.notYet.see(datum, outcome.state);
  if (outcome.state === 'waiting') {
    await planner.settle({ datum, outcome: 'waiting' });
    return;
  }
  const { row } = datum;
  if (outcome.state === 'failed') {
    const failed = {
      state: 'failed',
      input: row?.input,
      code: row?.code,
      result: row?.result,
      captures: datum.id,
    } as const;
    await planner.settle({ datum, outcome: 'failed', row: failed });
    return;
  }
  const input = datum.input as Digest;
  const { outs, usage } = outcome;
  const result = digestHex(formatListing(outs)) as Digest;
  // A runner elsewhere has kept it where the others find it.
  if (outcome.elsewhere === undefined) {
    const made = { ...runner.made, sandbox: state.node.stage.sandbox !== 'none' };
    const seconds = (usage.ended - usage.started) / 1000;
    const deps = await inputTexts(datum);
    results.add(state.code, { input, result, outs, made, run: run.id, seconds, deps });
  }
  const good = { state: 'ok', input, code: state.code, result, captures: datum.id } as const;
  await planner.settle({ datum, outcome: 'ran', row: good, outs });
}

type Failed = Extract<AttemptOutcome, { state: 'failed' }>;

function failureFields(outcome: Failed) {
  return {
    class: outcome.class,
    code: outcome.code,
    message: outcome.message,
    stderr: outcome.stderr,
    ...(outcome.exit === undefined ? {} : { exit: outcome.exit }),
    ...(outcome.signal === undefined ? {} : { signal: outcome.signal }),
  };
}

/** Where it ran, as records have it. */
function placeFields({ elsewhere }: AttemptOutcome) {
  if (elsewhere === undefined) return {};
  const { node, pod, serviceAccount, image, times } = elsewhere.place;
  return { node, pod, serviceAccount, times, ...(image === undefined ? {} : { image }) };
}

function requestedOf(state: StageState, rung: number | undefined) {
  const { cpu, memory: ladder, disk, gpu } = state.node.stage.resources;
  const memory = rung ?? ladder[0];
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(disk === undefined ? {} : { disk }),
    ...(gpu === undefined ? {} : { gpu }),
  };
}
