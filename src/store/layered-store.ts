import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { DiskStore } from './disk-store.ts';
import type { Store } from './store.ts';

/**
 * The local store of a workspace with the stores that its branch reads behind it: nodes of trees and tables and keys that
 * aren't here, or are damaged here, are taken from the first of them that has them, and kept. Objects are not: moving those is
 * transfer.ts. The stores behind are asked for only then, and for what none of them has only once.
 */
export class LayeredStore extends DiskStore {
  readonly #behind: () => Promise<readonly Store[]>;
  readonly #nowhere = new Set<string>();

  constructor(folder: string, behind: () => Promise<readonly Store[]>) {
    super(folder);
    this.#behind = behind;
  }

  override async hasTree(digest: Digest): Promise<boolean> {
    return (await super.hasTree(digest)) || (await this.#takeTree(digest)) !== undefined;
  }

  override async readTree(digest: Digest): Promise<string> {
    try {
      return await super.readTree(digest);
    } catch (error) {
      if (!isAway(error)) throw error;
      const text = await this.#takeTree(digest);
      if (text === undefined) throw error;
      return text;
    }
  }

  override async readKey(codeHalf: Digest): Promise<string | undefined> {
    const here = await super.readKey(codeHalf);
    if (here !== undefined) return here;
    const json = await this.#firstOf(`key ${codeHalf}`, (store) => store.readKey(codeHalf));
    if (json !== undefined) await this.putKey(codeHalf, json);
    return json;
  }

  async #takeTree(digest: Digest): Promise<string | undefined> {
    const text = await this.#firstOf(digest, async (store) => {
      try {
        return await store.readTree(digest);
      } catch (error) {
        if (isAway(error)) return undefined;
        throw error;
      }
    });
    if (text !== undefined) await this.putTree(digest, text);
    return text;
  }

  async #firstOf(
    name: string,
    ask: (store: Store) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    if (this.#nowhere.has(name)) return undefined;
    for (const store of await this.#behind()) {
      const text = await ask(store);
      if (text !== undefined) return text;
    }
    this.#nowhere.add(name);
    return undefined;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Problem && (error.code === 'missing-tree' || error.code === 'corrupt-tree');
}
