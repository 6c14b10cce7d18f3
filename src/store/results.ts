import type { Digest } from '../model/digest.ts';
import type { ResultRecord } from '../model/result.ts';
import type { Store } from './store.ts';

/** The run cache of one code half, as it was when it was opened. */
export interface Results {
  readonly codeHalf: Digest;
  /** Results held, counting several of one input. */
  readonly count: number;
  /** The result that a row pins, or else the newest for this input. */
  find(input: Digest, pinned?: Digest): ResultRecord | undefined;
}

/** Reads all segments of a code half once. Raises `corrupt-results` (exit 7) for a damaged line that isn't a segment's last. */
export function openResults(store: Store, codeHalf: Digest): Promise<Results> {
  throw new Error(`not written yet: ${store.url} ${codeHalf}`);
}

export interface ResultWriterOptions {
  readonly store: Store;
  /** ULID of the run; segments sort by it. */
  readonly run: string;
  /** Tells writers of one run apart (`0`, or the Kubernetes batch): letters and digits. */
  readonly batch: string;
}

/**
 * Collects results and writes them as immutable segments, at least every second and at `close`. What `add` was given is
 * durable once `flush` or `close` has resolved; the objects and trees it names must be in the store before.
 */
export class ResultWriter {
  readonly #options: ResultWriterOptions;

  constructor(options: ResultWriterOptions) {
    this.#options = options;
  }

  /** Takes a result; returns at once. A failed write of earlier ones is thrown here. */
  add(codeHalf: Digest, record: ResultRecord): void {
    throw new Error(`not written yet: ${this.#options.run} ${codeHalf} ${record.input}`);
  }

  /** Writes what is held. */
  flush(): Promise<void> {
    throw new Error('not written yet');
  }

  /** Flushes and stops the timer. */
  close(): Promise<void> {
    return this.flush();
  }
}

/** Merges a code half's small segments where it has more than 64, 10,000 results to a segment. Answers whether it did. */
export function compactResults(store: Store, codeHalf: Digest): Promise<boolean> {
  throw new Error(`not written yet: ${store.url} ${codeHalf}`);
}
