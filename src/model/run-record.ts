import type { Digest } from './digest.ts';
import type { DatumState, FailureClass, Reason, RunCounts } from './outcome.ts';

/** What a run was started for. */
export type RunKind = 'repro' | 'backfill' | 'schedule' | 'verify' | 'accept';

/** How a run that was ended ended; `detached`: its Jobs go on. */
export type RunEnd = 'done' | 'failed' | 'cancelled' | 'detached';

/** `lost`: neither sealed nor alive any more; it is computed by the reader, never written. */
export type RunState = 'running' | RunEnd | 'lost';

/** The process that works on a run, so that another can tell whether it still does. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Id of the machine's boot, '' where it has none to read. */
  readonly boot: string;
  /** When the process started, in the system's own unit since boot; '' where unknown. Tells a reused pid from the process. */
  readonly started: string;
}

/** What is known of a run when it starts to change something. */
export interface RunHead {
  readonly kind: RunKind;
  /** As typed; secret-looking values are removed before they are written. */
  readonly argv: readonly string[];
  readonly user: { readonly name: string; readonly mail: string; readonly subject?: string };
  readonly client: string;
  readonly process: ProcessIdentity;
  /** '' where HEAD is detached. */
  readonly branch: string;
  readonly commit: string;
  readonly dirty: boolean;
  /** Name of the environment, `local` without any. */
  readonly environment: string;
  readonly executor: 'local' | 'kubernetes';
}

/** Sums over a run or a stage. */
export interface RunTotals {
  /** Wall seconds of all commands together. */
  readonly commandSeconds: number;
  /** CPU seconds as far as they could be sampled. */
  readonly cpuSeconds: number;
  /** Largest of any attempt, bytes; 0 where none could be sampled. */
  readonly peakMemory: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export const NO_TOTALS: RunTotals = {
  commandSeconds: 0,
  cpuSeconds: 0,
  peakMemory: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** The sums with those of one more attempt. */
export function addUsage(
  totals: RunTotals,
  attempt: Pick<AttemptRecord, 'started' | 'ended' | 'bytesIn' | 'bytesOut'> & {
    readonly cpuSeconds?: number | undefined;
    readonly peakMemory?: number | undefined;
  },
): RunTotals {
  return {
    commandSeconds: totals.commandSeconds + (attempt.ended - attempt.started) / 1000,
    cpuSeconds: totals.cpuSeconds + (attempt.cpuSeconds ?? 0),
    peakMemory: Math.max(totals.peakMemory, attempt.peakMemory ?? 0),
    bytesIn: totals.bytesIn + attempt.bytesIn,
    bytesOut: totals.bytesOut + attempt.bytesOut,
  };
}

/** Why a stage or some of its datums had nothing to do. */
export type WhyNot =
  | 'current'
  | 'cached'
  | 'identical-upstream'
  | 'filtered'
  | 'waiting'
  | 'blocked'
  | 'frozen'
  | 'accepted'
  | 'stopped';

/** One stage of a run, written when it is settled; a later one of the same stage replaces it. */
export interface StageRecord {
  /** The stage's id, `sub:clean`. */
  readonly stage: string;
  readonly code: Digest | undefined;
  readonly why: readonly Reason[];
  readonly whyNot: readonly { readonly kind: WhyNot; readonly count: number; readonly detail?: string }[];
  readonly counts: RunCounts;
  /** Wall seconds from its first datum's start to its last one's end. */
  readonly seconds: number;
  /** Per home the dataset's tree before and after; undefined for none. */
  readonly trees: Readonly<Record<string, { readonly before?: Digest; readonly after?: Digest }>>;
}

/** One execution of one datum. Times are epoch milliseconds. */
export interface AttemptRecord {
  readonly stage: string;
  /** The datum's canonical name (`date=2024-01-03&station=a`, `-` without captures). */
  readonly datum: string;
  /** Counts from 1. */
  readonly attempt: number;
  readonly state: 'ok' | 'failed' | 'waiting';
  readonly class?: FailureClass;
  readonly code?: string;
  readonly message?: string;
  readonly exit?: number;
  readonly signal?: string;
  /** Both halves of the key. */
  readonly key: { readonly code: Digest; readonly input: Digest };
  /** Why the datum ran, in a few words. */
  readonly reason: string;
  readonly queued: number;
  readonly started: number;
  readonly ended: number;
  /** Where an executor knows them: scheduled, pulled, staged, uploaded. */
  readonly times?: Readonly<Record<string, number>>;
  readonly cpuSeconds?: number;
  readonly peakMemory?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requested?: {
    readonly cpu?: number;
    readonly memory?: number;
    readonly disk?: number;
    readonly gpu?: number;
  };
  /** Where it ran on a cluster. */
  readonly node?: string;
  readonly pod?: string;
  readonly serviceAccount?: string;
  readonly image?: string;
  /** Last 2 KiB of stderr of an attempt that failed. */
  readonly stderr?: string;
}

/**
 * One datum whose row of the lock a run replaced or dropped: the trail that `log PATH` and `blame` follow. `outs` are
 * repository paths to digests, the first 1,000; `files` counts all.
 */
export interface RowRecord {
  readonly stage: string;
  readonly datum: string;
  readonly how: Extract<DatumState, 'ran' | 'cached' | 'identical'> | 'vanished';
  readonly key?: { readonly code: Digest; readonly input: Digest };
  /** Digest of the output listing; absent for a vanished datum, whose `outs` are the files that went. */
  readonly result?: Digest;
  readonly outs: Readonly<Record<string, Digest>>;
  readonly files: number;
}

/** How a run ended. */
export interface RunSeal {
  readonly state: RunEnd;
  readonly exit: number;
  readonly counts: RunCounts;
  readonly totals: RunTotals;
}

/** A run as it is read: its head, its stages so far, its end where it has one. */
export interface RunRecord extends RunHead {
  /** A ULID. */
  readonly id: string;
  readonly state: RunState;
  /** Epoch milliseconds. */
  readonly start: number;
  /** Epoch milliseconds; of a lost run its last sign of life; undefined while it runs. */
  readonly end: number | undefined;
  readonly exit: number | undefined;
  readonly counts: RunCounts;
  readonly totals: RunTotals;
  readonly stages: readonly StageRecord[];
}

/** One line of an attempt's log as kept. */
export interface LogRecord {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly datum: string;
  readonly attempt: number;
  readonly stream: 'out' | 'err';
  readonly text: string;
}
