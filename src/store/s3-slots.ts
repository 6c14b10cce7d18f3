import { onAbort } from './s3-abort.ts';

/** So much of something at once: requests, or bytes in memory. First come, first served. */
export class Slots {
  readonly #size: number;
  #free: number;
  readonly #waiting: { readonly count: number; readonly go: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /**
   * Waits for `count` of them, which the caller gives back by calling the answer; one that asks for more than there are
   * gets all. Raises a signal's reason when it fires first.
   */
  async take(count: number, signals: readonly AbortSignal[] = []): Promise<() => void> {
    for (const signal of signals) signal.throwIfAborted();
    const wanted = Math.min(count, this.#size);
    if (this.#waiting.length > 0 || this.#free < wanted) await this.#wait(wanted, signals);
    else this.#free -= wanted;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#free += wanted;
      this.#serve();
    };
  }

  #wait(count: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        forget();
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        const reason: unknown = signals.find((signal) => signal.aborted)?.reason;
        reject(reason instanceof Error ? reason : new Error('stopped', { cause: reason }));
        this.#serve();
      };
      const forget = onAbort(signals, stop);
      const waiter = {
        count,
        go: () => {
          forget();
          resolve();
        },
      };
      this.#waiting.push(waiter);
    });
  }

  #serve(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.count <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= next.count;
      next.go();
    }
  }
}

/** Buffers of whole powers of two that are used again, within a bound on all of them together. */
export class Buffers {
  readonly #slots: Slots;
  readonly #free: Buffer[] = [];

  constructor(bytes: number) {
    this.#slots = new Slots(bytes);
  }

  /** A buffer of at least so many bytes, to be given back by `give`. */
  async take(bytes: number, signals: readonly AbortSignal[]): Promise<Borrowed> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096)));
    const giveSlots = await this.#slots.take(size, signals);
    const at = this.#free.findIndex((buffer) => buffer.byteLength === size);
    // Others are dropped, so that what lies free and what is lent stay within the bound.
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    if (found === undefined) this.#free.length = 0;
    const buffer = found ?? Buffer.allocUnsafeSlow(size);
    return {
      bytes: buffer.subarray(0, bytes),
      give: () => {
        this.#free.push(buffer);
        giveSlots();
      },
    };
  }
}

/** See `Buffers`. */
export interface Borrowed {
  readonly bytes: Buffer;
  /** Once, when nothing reads or writes it any more. */
  readonly give: () => void;
}

/** Works through items, some at a time, and stops at the first failure; all that began has ended when it returns. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (failure === undefined) {
      const item = items[next++];
      if (item === undefined) return;
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
}
