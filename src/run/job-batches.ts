/** What of a datum decides about its batch. */
export interface BatchItem {
  /** Bytes that it reads. */
  readonly bytes: number;
}

export interface BatchLimits {
  /** Seconds that a datum took in earlier runs; undefined: by size. */
  readonly usualSeconds: number | undefined;
  /** At most so many workers. */
  readonly workers: number;
}

export interface Batches<Item> {
  readonly batches: readonly (readonly Item[])[];
  readonly workers: number;
}

/** What a batch aims at: between one minute and three. */
const BATCH_SECONDS = 100;
/** A worker costs six seconds and two of a processor before its first datum: it should have more than that to do. */
const WORKER_SECONDS = 10;
/** Each worker is to find some batches, so that a slow one doesn't hold up the end. */
const BATCHES_PER_WORKER = 3;
const FIRST_GUESS_SECONDS = 2;
const GUESSED_BYTES_PER_SECOND = 20e6;

/**
 * Cuts datums into batches in the order given and says how many workers they are worth: a batch takes one to three minutes by
 * earlier runs or else by its size, shorter where that gives all workers something to do.
 */
export function cutBatches<Item extends BatchItem>(
  items: readonly Item[],
  { usualSeconds, workers: most }: BatchLimits,
): Batches<Item> {
  const secondsOf = ({ bytes }: Item): number =>
    usualSeconds ?? FIRST_GUESS_SECONDS + bytes / GUESSED_BYTES_PER_SECOND;
  const total = items.reduce((sum, item) => sum + secondsOf(item), 0);
  const worth = usualSeconds === undefined ? items.length : Math.ceil(total / WORKER_SECONDS);
  const workers = Math.max(1, Math.min(most, items.length, worth));
  const aim = Math.min(BATCH_SECONDS, total / (workers * (workers === 1 ? 1 : BATCHES_PER_WORKER)));
  const batches: Item[][] = [];
  let held: Item[] = [];
  let seconds = 0;
  for (const item of items) {
    held.push(item);
    seconds += secondsOf(item);
    if (seconds < aim - 1e-9) continue;
    batches.push(held);
    held = [];
    seconds = 0;
  }
  if (held.length > 0) batches.push(held);
  return { batches, workers: Math.min(workers, batches.length) };
}
