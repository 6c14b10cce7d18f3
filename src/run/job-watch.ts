import { Problem } from '../model/problem.ts';
import { growingPause } from './backoff.ts';
import { hasStatus, type KubeApi } from './kube-api.ts';
import type { KubeMeta } from './kube-objects.ts';
import { pause } from './pause.ts';

export interface WatchOptions<Item extends KubeMeta> {
  readonly api: KubeApi;
  /** Of the collection: `/api/v1/namespaces/x/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Told after each list and each event with everything there is now, by uid; `changed` is undefined after a list. */
  readonly onChange: (items: ReadonlyMap<string, Item>, changed: Item | undefined) => void;
  /** For tests; milliseconds. */
  readonly limits?: Partial<WatchLimits>;
}

interface WatchLimits {
  /** Silence after which a watch counts as dead; bookmarks come each minute. Up to two thirds more by chance. */
  readonly idleMs: number;
  /** A list is taken again after this time whatever was seen. */
  readonly relistMs: number;
  /** An outage longer than this is raised. */
  readonly outageMs: number;
  readonly firstPauseMs: number;
}

const LIMITS: WatchLimits = { idleMs: 90_000, relistMs: 600_000, outageMs: 120_000, firstPauseMs: 250 };
const LONGEST_PAUSE_MS = 10_000;
const PAGE = 500;

/**
 * Keeps a collection of the API server in view until the signal fires: pages of a list, then a watch with bookmarks. Begins anew at
 * both forms of 410, every ten minutes, and when nothing came for too long; goes on where it was after a lost connection. Raises
 * what the server refuses (401, 403, 404) and an outage of two minutes.
 */
export async function watchCollection<Item extends KubeMeta>(options: WatchOptions<Item>): Promise<void> {
  await new CollectionWatch(options).run();
}

class CollectionWatch<Item extends KubeMeta> {
  readonly #options: WatchOptions<Item>;
  readonly #limits: WatchLimits;
  readonly #items = new Map<string, Item>();
  /** Where the watch goes on; undefined: list first. */
  #version: string | undefined;
  #listedAt = 0;
  #goodAt: number;
  #failed = 0;

  constructor(options: WatchOptions<Item>) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#goodAt = options.now();
  }

  async run(): Promise<void> {
    while (!this.#isOver()) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#isOver()) return;
        await this.#recover(error);
      }
    }
  }

  #isOver(): boolean {
    return this.#options.signal.aborted;
  }

  async #list(): Promise<void> {
    const { api, path, signal, now } = this.#options;
    const found = new Map<string, Item>();
    let version: string | undefined;
    let next = '';
    do {
      const page: KubeList<Item> = await api.get(
        path,
        { ...this.#selectors(), limit: PAGE, ...(next === '' ? {} : { continue: next }) },
        signal,
      );
      for (const item of page.items) found.set(item.metadata.uid, item);
      version ??= page.metadata.resourceVersion;
      next = page.metadata.continue ?? '';
    } while (next !== '');
    this.#items.clear();
    for (const [uid, item] of found) this.#items.set(uid, item);
    this.#version = version;
    this.#listedAt = now();
    this.#good();
    this.#options.onChange(this.#items, undefined);
  }

  async #watch(): Promise<void> {
    const { api, path, signal, now, random } = this.#options;
    const idleMs = this.#limits.idleMs * (1 + (random() * 2) / 3);
    const left = Math.max(1000, this.#listedAt + this.#limits.relistMs - now());
    await api.stream(
      {
        path,
        query: {
          ...this.#selectors(),
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: this.#version ?? '',
          timeoutSeconds: Math.ceil(left / 1000),
        },
        signal,
      },
      { idleMs, onLine: (line) => this.#take(line) },
    );
    // The server ended it, as it may at any time.
    if (now() - this.#listedAt >= this.#limits.relistMs) this.#version = undefined;
    else await pause(this.#limits.firstPauseMs * random(), signal);
  }

  #take(line: string): void {
    if (line === '') return;
    const event = JSON.parse(line) as WatchEvent<Item>;
    this.#good();
    switch (event.type) {
      case 'BOOKMARK':
        this.#version = event.object.metadata.resourceVersion;
        return;
      case 'ERROR':
        throw new StreamRefused(event.object);
      case 'DELETED':
        this.#items.delete(event.object.metadata.uid);
        break;
      default:
        this.#items.set(event.object.metadata.uid, event.object);
    }
    this.#version = event.object.metadata.resourceVersion;
    this.#options.onChange(this.#items, event.object);
  }

  #good(): void {
    this.#goodAt = this.#options.now();
    this.#failed = 0;
  }

  /** Decides where to go on; raises what can't pass. */
  async #recover(error: unknown): Promise<void> {
    const { now, random, signal } = this.#options;
    if (isGone(error)) {
      this.#version = undefined;
      // An answer all the same: no outage.
      this.#goodAt = now();
    } else if (error instanceof SyntaxError || hasStatus(error, 400)) {
      this.#version = undefined;
    } else if (!isPassing(error)) throw error;
    if (now() - this.#goodAt >= this.#limits.outageMs) throw error;
    const pauses = { firstMs: this.#limits.firstPauseMs, longestMs: LONGEST_PAUSE_MS };
    await pause(growingPause(this.#failed++, pauses, random), signal);
  }

  #selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.#options;
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }
}

interface KubeList<Item> {
  readonly items: readonly Item[];
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
}

type WatchEvent<Item> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Item & KubeMeta }
  | { readonly type: 'BOOKMARK'; readonly object: KubeMeta }
  | { readonly type: 'ERROR'; readonly object: StreamStatus };

interface StreamStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** What a watch says in its stream after it was accepted. */
class StreamRefused extends Error {
  readonly code: number;

  constructor({ code, reason, message }: StreamStatus) {
    super(message ?? reason ?? 'the watch was refused');
    this.code = code ?? (reason === 'Expired' || reason === 'Gone' ? 410 : 500);
  }
}

/** 410 in both forms: as the answer's status, and inside a stream. */
function isGone(error: unknown): boolean {
  return error instanceof StreamRefused ? error.code === 410 : hasStatus(error, 410);
}

function isPassing(error: unknown): boolean {
  if (error instanceof StreamRefused) return error.code === 429 || error.code >= 500;
  return error instanceof Problem && (error.code === 'cluster-unreachable' || error.code === 'cluster-busy');
}
