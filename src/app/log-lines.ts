import { setTimeout as sleep } from 'node:timers/promises';
import type { History, LogPiece, RecordFilter } from '../history/history.ts';
import type { AttemptReport, LogLineReport } from '../model/history-report.ts';
import { invalid, notFound } from '../model/problem.ts';
import type { AttemptRecord, LogRecord } from '../model/run-record.ts';
import { didYouMean } from '../util/suggest.ts';
import { readRunNamed } from './find-run.ts';
import type { AppContext } from './ports.ts';

/** What `logs` is asked for. */
export interface LogsRequest {
  readonly run: string;
  readonly stage: string | undefined;
  /** `name=value[,name=value]`; some of a datum's captures are enough. */
  readonly datum: string | undefined;
  /** Goes on while the run does. */
  readonly follow: boolean;
}

/** How often a followed run is looked at, in milliseconds. */
const PAUSE = 500;

/** Lines of a run's logs in order. Throws `no-stage` (exit 4) for a stage that the run didn't touch, `no-datum` for a datum without an attempt. */
export async function* readLogLines(
  context: AppContext,
  history: History,
  request: LogsRequest,
): AsyncIterable<readonly LogLineReport[]> {
  let run = await readRunNamed(history, request.run);
  const filter: RecordFilter = request.stage === undefined ? {} : { stage: request.stage };
  const wanted = request.datum === undefined ? undefined : parseDatum(request.datum);
  if (!request.follow || run.state !== 'running')
    await checkPresent(history, { ...request, run: run.id }, wanted);
  let cursor: string | undefined;
  for (;;) {
    const ended = run.state !== 'running';
    for await (const piece of history.readLogs(run.id, filter, cursor)) {
      cursor = piece.cursor;
      const lines = linesOf(piece, wanted);
      if (lines.length > 0) yield lines;
    }
    if (!request.follow || ended || context.signal.aborted) return;
    await sleep(PAUSE, undefined, { signal: context.signal });
    run = await history.readRun(run.id);
  }
}

async function checkPresent(
  history: History,
  request: LogsRequest,
  wanted: ReadonlyMap<string, string> | undefined,
): Promise<void> {
  const { run, stage } = request;
  if (stage === undefined) return;
  const attempts = await history.readAttempts(run);
  const stages = new Set(attempts.map((attempt) => attempt.stage));
  if (!stages.has(stage)) {
    const hint =
      didYouMean(stage, stages) ?? (stages.size === 0 ? undefined : `It ran: ${[...stages].join(', ')}.`);
    throw notFound('no-stage', `the run ${run} ran nothing of a stage "${stage}"`, hint);
  }
  const datums = attempts.filter((attempt) => attempt.stage === stage);
  if (wanted !== undefined && !datums.some((attempt) => fits(attempt.datum, wanted))) {
    throw notFound(
      'no-datum',
      `the run ${run} didn't run the datum ${request.datum ?? ''} of ${stage}`,
      `See: datawf logs ${run} ${stage}`,
    );
  }
}

function linesOf(piece: LogPiece, wanted: ReadonlyMap<string, string> | undefined): readonly LogLineReport[] {
  const records = wanted === undefined ? piece.lines : piece.lines.filter((line) => fits(line.datum, wanted));
  return records.map((record) => lineReport(piece.stage, record));
}

function lineReport(stage: string, record: LogRecord): LogLineReport {
  const { datum, attempt, stream, text } = record;
  return {
    time: new Date(record.time).toISOString(),
    stage,
    captures: capturesOf(datum),
    attempt,
    stream,
    text,
  };
}

/** An attempt as it is printed. */
export function attemptReport(record: AttemptRecord): AttemptReport {
  const { stage, attempt, state, reason, started, ended } = record;
  return {
    stage,
    captures: capturesOf(record.datum),
    attempt,
    state,
    ...(record.class === undefined ? {} : { class: record.class }),
    ...(record.message === undefined ? {} : { message: record.message }),
    ...(record.exit === undefined ? {} : { exit: record.exit }),
    ...(record.signal === undefined ? {} : { signal: record.signal }),
    reason,
    start: new Date(started).toISOString(),
    seconds: (ended - started) / 1000,
    ...(record.cpuSeconds === undefined ? {} : { cpuSeconds: record.cpuSeconds }),
    ...(record.peakMemory === undefined ? {} : { peakMemory: record.peakMemory }),
    ...placeReport(record),
    ...(record.stderr === undefined ? {} : { stderr: record.stderr }),
  };
}

function placeReport({ node, pod, serviceAccount, image, queued, times }: AttemptRecord) {
  if (node === undefined || pod === undefined) return {};
  const entries = Object.entries(times ?? {}).map(([name, time]) => [name, new Date(time).toISOString()]);
  return {
    node,
    pod,
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(image === undefined ? {} : { image }),
    queued: new Date(queued).toISOString(),
    times: Object.fromEntries(entries) as Readonly<Record<string, string>>,
  };
}

/** Captures of a datum's canonical name (`date=2024-01-03&station=a`, `-` for none). */
function capturesOf(name: string): Readonly<Record<string, string>> {
  if (name === '-') return {};
  const pairs = name.split('&').map((part): [string, string] => {
    const equals = part.indexOf('=');
    return [part.slice(0, equals), decodeURIComponent(part.slice(equals + 1))];
  });
  return Object.fromEntries(pairs);
}

function fits(name: string, wanted: ReadonlyMap<string, string>): boolean {
  const captures = capturesOf(name);
  return [...wanted].every(([key, value]) => captures[key] === value);
}

function parseDatum(text: string): ReadonlyMap<string, string> {
  const pairs = text
    .split(/,(?=[A-Za-z_][A-Za-z0-9_]*=)/)
    .map((part) => /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(part));
  if (pairs.some((pair) => pair === null)) {
    throw invalid(
      'bad-datum',
      `"${text}" is no datum`,
      'Write its captures: name=value, several with commas between them.',
    );
  }
  return new Map(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}
