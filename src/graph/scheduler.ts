/** What a datum takes while it runs. */
export interface Needs {
  /** Of the slots; a datum that asks for more than there are takes all. */
  readonly cpu: number;
  /** Names of pools of which it takes one each. */
  readonly pools: readonly string[];
}

/** Where something ready stands in the order. */
export interface Rank {
  /** Longest way from the sources: the deepest goes first, so that chains end early. */
  readonly depth: number;
  /** Within a depth, ascending. */
  readonly order: number;
}

export interface ReadyItem<T> extends Needs, Rank {
  readonly value: T;
}

/**
 * Ready datums and what is free for them. `take` gives the first in order whose needs are met now, so one pool that is full
 * holds up nobody else. Cost: a look at one queue per stage depth and kind of need.
 */
export class Scheduler<T> {
  readonly #slots: number;
  readonly #capacity: ReadonlyMap<string, number>;
  readonly #used = new Map<string, number>();
  readonly #queues = new Map<string, ReadyItem<T>[]>();
  #busy = 0;

  constructor(slots: number, capacity: ReadonlyMap<string, number>) {
    this.#slots = slots;
    this.#capacity = capacity;
  }

  add(item: ReadyItem<T>): void {
    const name = `${String(item.depth).padStart(6, '0')} ${item.cpu} ${item.pools.join(' ')}`;
    const queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, [item]);
    else insert(queue, item);
  }

  /** The next item that may run now; its needs are taken until `release`. */
  take(): ReadyItem<T> | undefined {
    if (this.#busy >= this.#slots) return undefined;
    let best: ReadyItem<T>[] | undefined;
    for (const queue of this.#queues.values()) {
      const [head] = queue;
      if (head === undefined || !this.#fits(head)) continue;
      if (best?.[0] === undefined || isBefore(head, best[0])) best = queue;
    }
    const item = best?.shift();
    if (item !== undefined) this.#book(item, 1);
    return item;
  }

  release(item: ReadyItem<T>): void {
    this.#book(item, -1);
  }

  /** Items that wait for their turn, taken out in order. */
  drain(): T[] {
    const items = [...this.#queues.values()].flat().map((item) => item.value);
    this.#queues.clear();
    return items;
  }

  #fits(item: ReadyItem<T>): boolean {
    if (this.#busy > 0 && this.#busy + this.#cpuOf(item) > this.#slots) return false;
    return item.pools.every((pool) => (this.#used.get(pool) ?? 0) < (this.#capacity.get(pool) ?? Infinity));
  }

  #cpuOf(item: ReadyItem<T>): number {
    return Math.min(item.cpu, this.#slots);
  }

  #book(item: ReadyItem<T>, sign: 1 | -1): void {
    this.#busy += sign * this.#cpuOf(item);
    for (const pool of item.pools) this.#used.set(pool, (this.#used.get(pool) ?? 0) + sign);
  }
}

function isBefore<T>(a: ReadyItem<T>, b: ReadyItem<T>): boolean {
  return a.depth === b.depth ? a.order < b.order : a.depth > b.depth;
}

/** Keeps a queue ascending; what becomes ready mostly comes in order, so the end is tried first. */
function insert<T>(queue: ReadyItem<T>[], item: ReadyItem<T>): void {
  const last = queue.at(-1);
  if (last === undefined || last.order <= item.order) {
    queue.push(item);
    return;
  }
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queue[middle]?.order ?? 0) <= item.order) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, item);
}
