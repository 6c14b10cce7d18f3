import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Problem } from '../model/problem.ts';

/** How long a store that doesn't answer, or is full, is asked again. */
export interface Patience {
  /** Milliseconds between two tries. */
  readonly pauseMs: number;
  /** Tries after the first. */
  readonly tries: number;
}

/** Ten minutes beyond what the store's own client does. */
export const PATIENCE: Patience = { pauseMs: 10_000, tries: 60 };

/** Does something with a store, again while its failure is one that passes; an abort ends the waiting with that failure. */
export async function patiently<Answer>(
  work: () => Promise<Answer>,
  patience: Patience,
  signal: AbortSignal,
): Promise<Answer> {
  for (let left = patience.tries; ; left--) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof Problem && error.exit === EXIT.transient;
      if (!mayPass || left <= 0 || signal.aborted) throw error;
      await sleep(patience.pauseMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
