import type { RunEnd } from './run-record.ts';
import type { DatumState, Reason, RunCounts } from './outcome.ts';

/**
 * What happens while a command works; the one thing that app tells ui. `json` prints each as a line as it is, so fields
 * are additive and have a schema (schemas/event.schema.json).
 */
export type WorkEvent =
  | { readonly event: 'run-start'; readonly run: string; readonly kind: string }
  | { readonly event: 'plan'; readonly stages: readonly StagePlanLine[]; readonly dryRun: boolean }
  | {
      readonly event: 'stage-start';
      readonly stage: string;
      readonly planned: number;
      readonly reasons: readonly Reason[];
    }
  | {
      readonly event: 'datum-start';
      readonly stage: string;
      readonly captures: Readonly<Record<string, string>>;
      readonly reason: string;
      readonly attempt: number;
    }
  | {
      readonly event: 'datum-end';
      readonly stage: string;
      readonly captures: Readonly<Record<string, string>>;
      readonly state: DatumState;
      readonly reason: string;
      readonly seconds: number;
      readonly message?: string;
      /** Last lines of the command's stderr where it failed. */
      readonly stderr?: string;
    }
  | {
      readonly event: 'stage-end';
      readonly stage: string;
      readonly counts: RunCounts;
      readonly seconds: number;
    }
  /** Work over many files: `done` of `total` (0: unknown) of a verb such as "hashing". */
  | {
      readonly event: 'progress';
      readonly verb: string;
      readonly done: number;
      readonly total: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** A change to one dataset by add, checkout and the like. */
  | {
      readonly event: 'dataset';
      readonly verb: string;
      readonly path: string;
      readonly added: number;
      readonly changed: number;
      readonly deleted: number;
      readonly files: number;
      readonly bytes: number;
    }
  | { readonly event: 'warning'; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly event: 'note'; readonly message: string }
  | EndEvent;

/** One stage's line of a printed plan. `bound` marks numbers that upstream work can still lower. */
export interface StagePlanLine {
  readonly stage: string;
  readonly total: number;
  readonly toRun: number;
  readonly cached: number;
  readonly waiting: number;
  readonly vanished: number;
  readonly blocked: number;
  readonly bound: boolean;
  readonly reasons: readonly Reason[];
  readonly datums: readonly string[];
}

export interface EndEvent {
  readonly event: 'end';
  readonly exit: number;
  readonly seconds: number;
  readonly run?: string;
  readonly state?: RunEnd;
  readonly counts?: RunCounts;
  readonly [key: string]: unknown;
}

/** Where events go; never throws, never blocks. */
export type Emit = (event: WorkEvent) => void;
