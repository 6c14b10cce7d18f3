import { NO_COUNTS } from '../model/outcome.ts';
import {
  NO_TOTALS,
  type LogRecord,
  type RowRecord,
  type RunHead,
  type RunRecord,
  type StageRecord,
} from '../model/run-record.ts';
import type { RunWriter } from './history.ts';
import { RunTrace } from './log-entry.ts';
import { appendToLogIndex } from './log-index.ts';
import { headName, heartbeatName, logName, recordsName } from './record-names.ts';
import { packLines, type RecordLine } from './record-text.ts';
import { redactArgv } from './redact.ts';
import type { HistoryOptions } from './history-options.ts';

const FLUSH_MS = 1_000;
/** A loud command doesn't wait for the second. */
const FLUSH_CHARACTERS = 4 << 20;
/** While nothing can be written (a full disk) at most so much waits; then the oldest is given up. */
const WAITING_CHARACTERS = 64 << 20;
const OUTS_KEPT = 1_000;
/** The local executor has one batch; Kubernetes has one per Job. */
const BATCH = '0';

/** A piece to be written, under a name that it keeps over tries. */
interface Piece {
  readonly name: string;
  readonly lines: readonly string[];
  readonly size: number;
}

/** Writes the head and answers the writer of the rest. */
export async function startRun(options: HistoryOptions, id: string, head: RunHead): Promise<RunWriter> {
  const start = options.now();
  const opened: RunRecord = {
    ...head,
    argv: redactArgv(head.argv),
    id,
    state: 'running',
    start,
    end: undefined,
    exit: undefined,
    counts: NO_COUNTS,
    totals: NO_TOTALS,
    stages: [],
  };
  await writeJson(options, headName(id), opened);
  return createWriter(options, opened);
}

function createWriter(options: HistoryOptions, opened: RunRecord): RunWriter {
  const { id, start } = opened;
  const queue = createQueue(options, id);
  const stages = new Map<string, StageRecord>();
  const beat = setInterval(() => void sendBeat(options, id), options.heartbeatMs ?? HEARTBEAT_MS).unref();
  const trace = new RunTrace();
  const record = (line: RecordLine): void => {
    trace.add(line);
    queue.add(undefined, JSON.stringify(line));
  };
  return {
    id,
    start,
    stage: (stage) => {
      stages.set(stage.stage, stage);
      record({ record: 'stage', ...stage });
    },
    attempt: (attempt) => record({ record: 'attempt', ...attempt }),
    row: (row) => record({ record: 'row', ...row, outs: firstOuts(row) }),
    log: (stage, line: LogRecord) => queue.add(stage, JSON.stringify(line)),
    flush: () => queue.flush(),
    seal: async (end) => {
      clearInterval(beat);
      const failure = await queue.flush().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      queue.close();
      const sealed: RunRecord = { ...opened, ...end, end: options.now(), stages: [...stages.values()] };
      await writeJson(options, headName(id), sealed);
      await options.store.removeFile(heartbeatName(id));
      if (options.indexFile !== undefined) appendToLogIndex(options.indexFile, trace.encode(sealed));
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** How often a run shows that it lives. */
export const HEARTBEAT_MS = 10_000;

async function sendBeat(options: HistoryOptions, id: string): Promise<void> {
  try {
    await writeJson(options, heartbeatName(id), { time: options.now() });
  } catch {
    // The next beat tries again; six in a row make the run look lost, which then it nearly is.
  }
}

async function writeJson(options: HistoryOptions, name: string, value: unknown): Promise<void> {
  await options.store.writeFile(name, Buffer.from(`${JSON.stringify(value)}\n`), { replace: true });
}

function firstOuts(row: RowRecord): RowRecord['outs'] {
  const outs = Object.entries(row.outs);
  return outs.length <= OUTS_KEPT ? row.outs : Object.fromEntries(outs.slice(0, OUTS_KEPT));
}

interface Queue {
  /** A line of a stage's log, or of the records. */
  readonly add: (stage: string | undefined, line: string) => void;
  readonly flush: () => Promise<void>;
  readonly close: () => void;
}

function createQueue(options: HistoryOptions, run: string): Queue {
  const fresh = new Map<string | undefined, { lines: string[]; size: number }>();
  const waiting: Piece[] = [];
  let records = 0;
  let logs = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const cutPieces = (): void => {
    for (const [stage, { lines, size }] of fresh) {
      const name =
        stage === undefined ? recordsName(run, ++records) : logName(run, stage, { batch: BATCH, n: ++logs });
      waiting.push({ name, lines, size });
    }
    fresh.clear();
  };

  const writeAll = async (): Promise<void> => {
    cutPieces();
    for (let piece = waiting[0]; piece !== undefined; piece = waiting[0]) {
      await options.store.writeFile(piece.name, await packLines(piece.lines));
      waiting.shift();
    }
  };

  const giveUpOldest = (): void => {
    let size = waiting.reduce((sum, piece) => sum + piece.size, 0);
    while (size > WAITING_CHARACTERS) size -= waiting.shift()?.size ?? size;
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const mine = writing.then(writeAll);
    writing = mine.catch(() => {
      giveUpOldest();
      schedule();
    });
    return mine;
  };

  const schedule = (): void => {
    timer ??= setTimeout(() => void flush().catch(() => undefined), options.flushMs ?? FLUSH_MS).unref();
  };

  return {
    add: (stage, line) => {
      const part = fresh.get(stage) ?? { lines: [], size: 0 };
      fresh.set(stage, part);
      part.lines.push(line);
      part.size += line.length;
      if (part.size > FLUSH_CHARACTERS) void flush().catch(() => undefined);
      else schedule();
    },
    flush,
    close: () => clearTimeout(timer),
  };
}
