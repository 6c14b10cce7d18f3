import { formatResultLine } from '../formats/result-line.ts';
import type { Digest } from '../model/digest.ts';
import type { ResultRecord } from '../model/result.ts';
import type { Store } from './store.ts';

export interface ResultWriterOptions {
  readonly store: Store;
  /** ULID of the run; segments sort by it. */
  readonly run: string;
  /** Tells writers of one run apart (`0`, or the Kubernetes batch): letters and digits. */
  readonly batch: string;
  /** Of the environment that results are made under. */
  readonly scope?: string | undefined;
  /** Milliseconds that a result may wait; a second where not given. */
  readonly interval?: number;
}

/** Results that make a segment full. */
export const SEGMENT_RESULTS = 10_000;
const INTERVAL_MS = 1000;

/**
 * Collects results of many code halves and writes them as immutable segments, within a second and at `close`. What `add`
 * was given is durable once `flush` or `close` has resolved; the objects and trees it names must be in the store before.
 */
export class ResultWriter {
  readonly #options: ResultWriterOptions;
  readonly #held = new Map<Digest, string[]>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #segment = 0;

  constructor(options: ResultWriterOptions) {
    this.#options = options;
  }

  /** Takes a result; returns at once. Throws what a write of earlier ones failed with. */
  add(codeHalf: Digest, record: ResultRecord): void {
    this.#throwFailure();
    const { scope } = this.#options;
    const made = scope === undefined ? record.made : { ...record.made, scope };
    const line = formatResultLine({ ...record, made });
    const lines = this.#held.get(codeHalf);
    if (lines === undefined) this.#held.set(codeHalf, [line]);
    else lines.push(line);
    if ((lines?.length ?? 0) >= SEGMENT_RESULTS) void this.#write();
    this.#timer ??= setTimeout(() => void this.#write(), this.#options.interval ?? INTERVAL_MS);
  }

  /** Writes what is held; throws what this or an earlier write failed with. */
  async flush(): Promise<void> {
    await this.#write();
    this.#throwFailure();
  }

  /** Flushes; nothing may be added afterwards. */
  async close(): Promise<void> {
    await this.flush();
  }

  /** One write after the other; failures are kept for the next call, lines that failed to be written are held again. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeHeld());
    return this.#writing;
  }

  async #writeHeld(): Promise<void> {
    const { store, run, batch } = this.#options;
    for (const [codeHalf, lines] of [...this.#held]) {
      this.#held.delete(codeHalf);
      const name = `${run}-${batch}-${String(this.#segment++).padStart(6, '0')}.ndjson`;
      try {
        await store.putSegment(codeHalf, name, `${lines.join('\n')}\n`);
      } catch (error) {
        this.#failure = { error };
        this.#held.set(codeHalf, [...lines, ...(this.#held.get(codeHalf) ?? [])]);
      }
    }
    await store.makeDurable();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
