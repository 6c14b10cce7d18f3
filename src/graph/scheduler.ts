/** What a datum takes while it runs. */
export interface Needs {
  /** Of the slots; a datum that asks for more than there are takes all. */
  readonly cpu: number;
  /** Names of pools of which it takes one each. */
  readonly pools: readonly string[];
}

export interface ReadyItem<T> extends Needs {
  readonly value: T;
  /** Where it stands in the order: compared number by number, the lowest goes first. */
  readonly rank: readonly number[];
}

/**
 * Ready datums and what is free for them. `take` gives the first in order whose needs are met now, so one pool that is full
 * holds up nobody else. Cost: log of the items of a kind of need, and a look at one queue per kind.
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
    const kind = `${item.cpu} ${item.pools.join('\n')}`;
    let queue = this.#queues.get(kind);
    if (queue === undefined) this.#queues.set(kind, (queue = []));
    push(queue, item);
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
    if (best === undefined) return undefined;
    const item = pop(best);
    this.#book(item, 1);
    return item;
  }

  release(item: ReadyItem<T>): void {
    this.#book(item, -1);
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
  for (let index = 0; index < a.rank.length; index++) {
    const [x, y] = [a.rank[index] ?? 0, b.rank[index] ?? 0];
    if (x !== y) return x < y;
  }
  return false;
}

/** A binary heap: no item stands before its parent, which is at half its index. */
function push<T>(heap: ReadyItem<T>[], item: ReadyItem<T>): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as ReadyItem<T>;
    if (!isBefore(item, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

/** Takes the first of a heap that isn't empty. */
function pop<T>(heap: ReadyItem<T>[]): ReadyItem<T> {
  const first = heap[0] as ReadyItem<T>;
  const last = heap.pop() as ReadyItem<T>;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as ReadyItem<T>, heap[child] as ReadyItem<T>))
      child += 1;
    if (!isBefore(heap[child] as ReadyItem<T>, last)) break;
    heap[at] = heap[child] as ReadyItem<T>;
    at = child;
  }
  heap[at] = last;
  return first;
}
