import type {
  AttemptRecord,
  LogRecord,
  RowRecord,
  RunHead,
  RunRecord,
  RunSeal,
  RunState,
  StageRecord,
} from '../model/run-record.ts';
import type { RunSum } from './log-entry.ts';

/** Which runs to list; absent fields admit all. Times are epoch milliseconds, half-open `[since, until)`, by the run's start. */
export interface RunFilter {
  readonly since?: number;
  readonly until?: number;
  readonly state?: RunState;
  /** Id of a stage that the run touched. */
  readonly stage?: string;
  /** Ids of stages of which the run touched one. */
  readonly stages?: readonly string[];
  readonly branch?: string;
  /** Repository path of a file, or of a folder with files, that the run put in place or removed. */
  readonly path?: string;
  /** At most so many, the newest. */
  readonly limit?: number;
}

/** Which attempts, rows or log lines of a run; absent fields admit all. `datum` is the canonical name. */
export interface RecordFilter {
  readonly stage?: string;
  readonly datum?: string;
  readonly attempt?: number;
}

/** A piece of a log as it was flushed; `cursor` continues behind it. Lines are in order of arrival. */
export interface LogPiece {
  readonly stage: string;
  readonly cursor: string;
  readonly lines: readonly LogRecord[];
}

/** A run that is being written. Records are kept in memory for at most a second, then they are durable in the store. */
export interface RunWriter {
  readonly id: string;
  readonly start: number;
  /** Records a stage; a later record of the same stage replaces it. */
  stage(record: StageRecord): void;
  attempt(record: AttemptRecord): void;
  row(record: RowRecord): void;
  /** One line of a log; called at any rate, costs a push. */
  log(stage: string, line: LogRecord): void;
  /** Everything recorded so far is durable when it resolves. Flushes that fail are tried again; the last error shows here and in `seal`. */
  flush(): Promise<void>;
  /** Writes the end; the writer is spent. Stops the heartbeat. */
  seal(end: RunSeal): Promise<void>;
}

/**
 * The records of runs in a store (docs/running.md, "What is remembered"). Readers tolerate what a crash leaves: a run
 * without an end is `lost` once its process is gone or its heartbeat is old; a record cut short is skipped.
 */
export interface History {
  /** Opens a record; call it when the first change is about to happen, so that a run with nothing to do leaves none. */
  openRun(head: RunHead): Promise<RunWriter>;
  /** Newest first, their stages without trees. Cost: one LIST, and a read of each run that works or that the index doesn't have. */
  listRuns(filter?: RunFilter): Promise<readonly RunRecord[]>;
  /**
   * Sums of the runs that fit, the newest first, with attempts of the stages that the filter names, all without; made one by one as
   * they are asked for. Cost as of `listRuns`.
   */
  sumRuns(filter?: RunFilter): Promise<Iterable<RunSum>>;
  /** By id or unique prefix, in any case; Problem `no-run` (exit 4) or `ambiguous-run` (exit 2). */
  readRun(idOrPrefix: string): Promise<RunRecord>;
  readAttempts(run: string, filter?: RecordFilter): Promise<readonly AttemptRecord[]>;
  readRows(run: string, filter?: RecordFilter): Promise<readonly RowRecord[]>;
  /** Pieces of a run's logs in order, per stage; after `cursor` only what was flushed behind it (`logs -f` asks again). */
  readLogs(run: string, filter?: RecordFilter, after?: string): AsyncIterable<LogPiece>;
}
