import type { Digest } from '../model/digest.ts';

/**
 * Texts of tree nodes read or written lately, so that one process reads each once; bounded by their length, the longest
 * unused go first. Nodes never change, so nothing in it can be out of date.
 */
export class NodeCache {
  readonly #texts = new Map<Digest, string>();
  readonly #limit: number;
  #held = 0;

  /** `limit`: characters held at most. */
  constructor(limit = 64 << 20) {
    this.#limit = limit;
  }

  get(digest: Digest): string | undefined {
    const text = this.#texts.get(digest);
    if (text === undefined) return undefined;
    this.#texts.delete(digest);
    this.#texts.set(digest, text);
    return text;
  }

  put(digest: Digest, text: string): void {
    if (this.#texts.has(digest) || text.length > this.#limit) return;
    this.#texts.set(digest, text);
    this.#held += text.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#held <= this.#limit) break;
      this.remove(oldest);
    }
  }

  remove(digest: Digest): void {
    this.#held -= this.#texts.get(digest)?.length ?? 0;
    this.#texts.delete(digest);
  }
}
