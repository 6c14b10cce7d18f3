const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * Milliseconds to wait before a further try: 1, 2, 4 … at most 60 seconds, of which the upper half is random, so that many
 * datums that failed together don't come back together. `failed` counts the tries so far, from 1; `random` is in [0, 1).
 */
export function retryDelay(failed: number, random: () => number): number {
  return Math.round(growingPause(failed - 1, { firstMs: FIRST_MS, longestMs: LONGEST_MS }, random));
}

/** The first pause, twice that, … at most the longest, of which the upper half is random; `failed` counts from 0. */
export function growingPause(
  failed: number,
  { firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number },
  random: () => number,
): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.max(0, failed));
  return full / 2 + (random() * full) / 2;
}
