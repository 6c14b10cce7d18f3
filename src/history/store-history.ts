import type { ProcessIdentity } from '../model/run-record.ts';
import type { Store } from '../store/store.ts';
import type { History } from './history.ts';

export interface HistoryOptions {
  readonly store: Pick<Store, 'readFile' | 'writeFile' | 'listFiles'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** In [0, 1), for ids. */
  readonly random: () => number;
  /** Whether a process still lives; undefined where that can't be told (another host). */
  readonly isAlive: (process: ProcessIdentity) => boolean | undefined;
  /** How often records are flushed; 1,000 where absent. */
  readonly flushMs?: number;
  /** How often a run shows that it lives; 10,000 where absent. One whose beat is six times older is lost. */
  readonly heartbeatMs?: number;
}

/** The history kept in a store's `runs/` and `logs/`. Does nothing until it is used. */
export function createHistory(options: HistoryOptions): History {
  throw new Error(`not there yet ${String(options.flushMs)}`);
}
