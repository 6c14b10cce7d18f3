import type { ProcessIdentity } from '../model/run-record.ts';
import type { Store } from '../store/store.ts';

/** Where records are read from. */
export type RunSource = Pick<Store, 'readFile' | 'listFiles'>;

/** What a history works with. */
export interface HistoryOptions {
  readonly store: Pick<Store, 'readFile' | 'writeFile' | 'listFiles' | 'removeFile'>;
  /** Further stores, asked in this order for a run that `store` doesn't have; for reading alone. */
  readonly behind?: () => Promise<readonly RunSource[]>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** In [0, 1), for ids. */
  readonly random: () => number;
  /** Whether a process still lives; undefined where that can't be told (another host). */
  readonly isAlive: (process: ProcessIdentity) => boolean | undefined;
  /** Absolute path of the log's index, a cache on this machine; without it every record is read. */
  readonly indexFile?: string;
  /** How often records are flushed; 1,000 where absent. */
  readonly flushMs?: number;
  /** How often a run shows that it lives; 10,000 where absent. One whose beat is six times older is lost. */
  readonly heartbeatMs?: number;
}
