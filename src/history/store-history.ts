import { EXIT, invalid, notFound, Problem } from '../model/problem.ts';
import type { LogRecord, RunRecord } from '../model/run-record.ts';
import { isUlid, ulid, ulidTime } from '../util/ulid.ts';
import type { HistoryOptions, RunSource } from './history-options.ts';
import { LogEntry, RunTrace, type RunSum } from './log-entry.ts';
import { openLogIndex, type LogIndex } from './log-index.ts';
import { hashText } from '../util/text-hash.ts';
import type { History, LogPiece, RecordFilter, RunFilter } from './history.ts';
import {
  headName,
  heartbeatName,
  logsPrefix,
  readLogName,
  recordsPrefix,
  runOfHead,
} from './record-names.ts';
import { parseHead, parseJson, unpackLines, type RecordLine } from './record-text.ts';
import { runSoFar } from './run-so-far.ts';
import { HEARTBEAT_MS, startRun } from './run-writer.ts';

const BEATS_UNTIL_LOST = 6;

/** The history kept in a store's `runs/` and `logs/`. Does nothing until it is used. */
export function createHistory(options: HistoryOptions): History {
  const { store } = options;

  const openRun: History['openRun'] = (head) => startRun(options, ulid(options.now(), options.random), head);

  const behind = async (): Promise<readonly RunSource[]> => (await options.behind?.()) ?? [];
  const sources = new Map<string, Promise<RunSource>>();

  /** Who has a run: this store, else the first behind it. */
  const sourceOf = (run: string): Promise<RunSource> => {
    const known = sources.get(run) ?? findSource(run);
    sources.set(run, known);
    return known;
  };

  const findSource = async (run: string): Promise<RunSource> => {
    if ((await store.readFile(headName(run))) !== undefined) return store;
    for (const other of await behind()) if ((await other.readFile(headName(run))) !== undefined) return other;
    return store;
  };

  /** A head as it is now: one that never ended may be lost; what it came to so far is in its records. */
  const readHead = async (run: string, source: RunSource = store): Promise<RunRecord | undefined> => {
    const bytes = await source.readFile(headName(run));
    const head = bytes === undefined ? undefined : parseHead(bytes);
    if (head?.state !== 'running') return head;
    const beat = await lastBeat(head, source);
    const alive = options.isAlive(head.process);
    const silent = options.now() - beat > BEATS_UNTIL_LOST * (options.heartbeatMs ?? HEARTBEAT_MS);
    const isLost = alive === false || (alive === undefined && silent);
    const { lastEnd, ...soFar } = runSoFar(await readRecords(run, source));
    return { ...head, ...soFar, ...(isLost ? { state: 'lost', end: Math.max(beat, lastEnd) } : {}) };
  };

  const lastBeat = async (head: RunRecord, source: RunSource): Promise<number> => {
    const bytes = await source.readFile(heartbeatName(head.id));
    const beat =
      bytes === undefined
        ? undefined
        : (parseJson(Buffer.from(bytes).toString()) as { time?: unknown } | undefined);
    return typeof beat?.time === 'number' ? beat.time : head.start;
  };

  const readRecords = async (run: string, source: RunSource): Promise<readonly RecordLine[]> => {
    const lines: RecordLine[] = [];
    for (const name of await source.listFiles(recordsPrefix(run))) {
      const bytes = await source.readFile(name);
      if (bytes !== undefined) lines.push(...(unpackLines(bytes) as RecordLine[]));
    }
    return lines;
  };

  const runsNewestFirst = async (source: RunSource = store): Promise<readonly string[]> =>
    (await source.listFiles('runs/')).flatMap((name) => runOfHead(name) ?? []);

  let index: LogIndex | undefined;

  /** What the log knows of a run; one that has ended goes into the index. */
  const entryOf = async (run: string, into: LogIndex): Promise<LogEntry | undefined> => {
    const known = into.get(run);
    if (known !== undefined) return known;
    const head = await readHead(run);
    if (head === undefined) return undefined;
    const trace = new RunTrace();
    for (const line of await readRecords(run, store)) trace.add(line);
    const entry = new LogEntry(trace.encode(head));
    const isOver = head.state === 'lost' ? options.isAlive(head.process) === false : head.state !== 'running';
    if (isOver) into.add(entry);
    return entry;
  };

  const listEntries = async (filter: RunFilter): Promise<readonly LogEntry[]> => {
    index ??= openLogIndex(options.indexFile);
    const found: LogEntry[] = [];
    const hash = filter.path === undefined ? undefined : hashText(filter.path);
    const names = await runsNewestFirst();
    for (const run of names) {
      if (found.length >= (filter.limit ?? Infinity)) break;
      const time = ulidTime(run);
      if (filter.until !== undefined && time >= filter.until) continue;
      if (filter.since !== undefined && time < filter.since) break;
      const entry = await entryOf(run, index);
      if (entry === undefined || !admits(filter, entry)) continue;
      if (hash === undefined || entry.touches(hash)) found.push(entry);
    }
    index.save(names);
    return found;
  };

  const listRuns = async (filter: RunFilter = {}): Promise<readonly RunRecord[]> =>
    (await listEntries(filter)).flatMap((entry) => entry.head() ?? []);

  const sumRuns = async (filter: RunFilter = {}): Promise<Iterable<RunSum>> => {
    const entries = await listEntries(filter);
    return mapLazily(entries, (entry) => entry.sum((stage) => admitsStage(filter, [stage])));
  };

  const runsWith = async (prefix: string): Promise<readonly string[]> => {
    const here = (await runsNewestFirst()).filter((run) => run.startsWith(prefix));
    if (here.length > 0) return here;
    const there = await Promise.all((await behind()).map(runsNewestFirst));
    return [...new Set(there.flat())].filter((run) => run.startsWith(prefix));
  };

  const readRun = async (idOrPrefix: string): Promise<RunRecord> => {
    const prefix = idOrPrefix.toUpperCase();
    const fits = prefix === '' ? [] : isUlid(prefix) ? [prefix] : await runsWith(prefix);
    const [run] = fits;
    if (fits.length > 1) throw ambiguous(idOrPrefix, fits);
    const head = run === undefined ? undefined : await readHead(run, await sourceOf(run));
    if (head !== undefined) return head;
    throw notFound(
      'no-run',
      `there is no run ${idOrPrefix}`,
      'See `datawf log` for the runs that are recorded.',
    );
  };

  const readLines = async <K extends RecordLine['record']>(
    run: string,
    kind: K,
    filter: RecordFilter,
  ): Promise<readonly Extract<RecordLine, { record: K }>[]> =>
    (await readRecords(run, await sourceOf(run))).filter(
      (line): line is Extract<RecordLine, { record: K }> => line.record === kind && fitsRecord(line, filter),
    );

  async function* readLogs(run: string, filter: RecordFilter = {}, after?: string): AsyncGenerator<LogPiece> {
    const source = await sourceOf(run);
    const names = (await source.listFiles(logsPrefix(run))).flatMap((name) => {
      const log = readLogName(name);
      return log === undefined || (filter.stage !== undefined && log.stage !== filter.stage)
        ? []
        : [{ name, ...log }];
    });
    for (const { name, stage, n } of names.sort((a, b) => a.n - b.n)) {
      if (after !== undefined && n <= Number(after)) continue;
      const bytes = await source.readFile(name);
      const lines = bytes === undefined ? [] : (unpackLines(bytes) as LogRecord[]);
      yield { stage, cursor: String(n), lines: lines.filter((line) => fitsLog(line, filter)) };
    }
  }

  return {
    openRun,
    listRuns,
    sumRuns,
    readRun,
    readAttempts: (run, filter = {}) => readLines(run, 'attempt', filter),
    readRows: (run, filter = {}) => readLines(run, 'row', filter),
    readLogs,
  };
}

function* mapLazily<From, To>(values: Iterable<From>, make: (value: From) => To): Generator<To> {
  for (const value of values) yield make(value);
}

function admits(filter: RunFilter, entry: LogEntry): boolean {
  if (filter.state !== undefined && entry.state !== filter.state) return false;
  if (filter.branch !== undefined && entry.branch !== filter.branch) return false;
  return (filter.stage === undefined && filter.stages === undefined) || admitsStage(filter, entry.stages);
}

function admitsStage({ stage, stages }: RunFilter, names: readonly string[]): boolean {
  if (stage !== undefined && !names.includes(stage)) return false;
  return stages === undefined || names.some((name) => stages.includes(name));
}

function fitsRecord(line: RecordLine, filter: RecordFilter): boolean {
  if (filter.stage !== undefined && line.stage !== filter.stage) return false;
  if (filter.datum !== undefined && !('datum' in line && line.datum === filter.datum)) return false;
  return filter.attempt === undefined || ('attempt' in line && line.attempt === filter.attempt);
}

function fitsLog(line: LogRecord, filter: RecordFilter): boolean {
  if (filter.datum !== undefined && line.datum !== filter.datum) return false;
  return filter.attempt === undefined || line.attempt === filter.attempt;
}

function ambiguous(prefix: string, runs: readonly string[]): Problem {
  const problem = invalid(
    'ambiguous-run',
    `${runs.length} runs begin with ${prefix}`,
    'Type more of its id.',
  );
  return new Problem({
    code: problem.code,
    message: problem.message,
    exit: EXIT.usage,
    details: runs.slice(0, 10),
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  });
}
