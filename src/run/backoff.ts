const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * Milliseconds to wait before a further try: 1, 2, 4 … at most 60 seconds, of which the upper half is random, so that many
 * datums that failed together don't come back together. `failed` counts the tries so far, from 1; `random` is in [0, 1).
 */
export function retryDelay(failed: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failed - 1));
  return Math.round(full / 2 + (random() * full) / 2);
}
