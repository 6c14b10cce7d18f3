import { isInnerText } from '../formats/tree-text.ts';
import { isDigest, parseDigest, type Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { digestHex } from '../util/blake3.ts';
import type { Store } from './store.ts';

/** What is needed of a store: grows while roots are marked. */
export interface Live {
  readonly objects: Set<Digest>;
  readonly trees: Set<Digest>;
  /** Code halves that rows of datum tables name. */
  readonly codeHalves: Set<Digest>;
  /** Marks a tree or an object, whichever a digest names; of `list` not the objects. */
  mark(root: Digest, extent?: Extent): Promise<void>;
}

/** What of a tree is needed: with its files, or what it lists. */
type Extent = 'list' | 'whole';

/**
 * Follows roots to all that they need: trees and tables to their nodes, nodes to objects. A node that isn't there is passed
 * over, since nothing is lost with it; a damaged one raises `corrupt-tree` (exit 7). Each is read once. Cost: a read and 1 µs a line.
 */
export class Marker implements Live {
  readonly objects = new Set<Digest>();
  readonly trees = new Set<Digest>();
  readonly codeHalves = new Set<Digest>();
  readonly #read: (digest: Digest) => Promise<string | undefined>;
  /** Nodes whose files count, too. */
  readonly #whole = new Set<Digest>();
  readonly #texts = new Set<string>();

  /** `stores`: asked for nodes in this order. */
  constructor(stores: readonly Store[]) {
    this.#read = async (digest) => {
      for (const store of stores) {
        try {
          return await store.readTree(digest);
        } catch (error) {
          if (!(error instanceof Problem) || error.code !== 'missing-tree') throw error;
        }
      }
      return undefined;
    };
  }

  /**
   * Marks all that a tracked text (a lock or pointer, also an unmerged or broken one) names, by the digests in it: `inputs` of a
   * lock as lists only, since what was in them is another dataset's. The text may be an object, too, for a ref to name.
   */
  async markText(text: string): Promise<void> {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.objects.add(digestHex(text) as Digest);
    for (const line of text.split('\n')) {
      const isInput = /^\s*"?inputs"?\s*:/.test(line);
      for (const [digest] of line.matchAll(/\b[0-9a-f]{64}\b/g)) {
        if (isDigest(digest)) await this.mark(digest, isInput ? 'list' : 'whole');
      }
    }
  }

  async mark(root: Digest, extent: Extent = 'whole'): Promise<void> {
    if (extent === 'whole') this.objects.add(root);
    const isDone = (digest: Digest): boolean =>
      this.#whole.has(digest) || (extent === 'list' && this.trees.has(digest));
    const open = [root];
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (isDone(digest)) continue;
      const text = await this.#read(digest);
      this.trees.add(digest);
      if (extent === 'whole') this.#whole.add(digest);
      if (text === undefined) continue;
      if (isInnerText(text)) for (const child of childrenOf(text)) open.push(child);
      else this.#markLeaf(text, extent);
    }
  }

  #markLeaf(text: string, extent: Extent): void {
    if (text.startsWith('ok ') || text.startsWith('failed ')) {
      for (const line of linesOf(text)) {
        const half = parseDigest(line.split(' ', 3)[2] ?? '');
        if (half !== undefined) this.codeHalves.add(half);
      }
    } else if (extent === 'whole') {
      for (const { digest } of filesOf(text)) this.objects.add(digest);
    }
  }
}

/** Text of a node that is there and whole, or undefined. */
export async function readNode(store: Store, digest: Digest): Promise<string | undefined> {
  try {
    return await store.readTree(digest);
  } catch (error) {
    if (error instanceof Problem && (error.code === 'missing-tree' || error.code === 'corrupt-tree'))
      return undefined;
    throw error;
  }
}

/** Nodes that an inner node names. */
export function childrenOf(text: string): readonly Digest[] {
  return linesOf(text).flatMap((line) =>
    line.startsWith('n ') ? (parseDigest(line.slice(2, 66)) ?? []) : [],
  );
}

/** Files of a leaf, read leniently: none of a table. */
export function filesOf(text: string): readonly { readonly digest: Digest; readonly path: string }[] {
  return linesOf(text).flatMap((line) => {
    const digest = /^[fxl] /.test(line) ? parseDigest(line.slice(2, 66)) : undefined;
    return digest === undefined ? [] : { digest, path: line.slice(line.indexOf(' ', 67) + 1) };
  });
}

function linesOf(text: string): readonly string[] {
  return text.split('\n');
}
