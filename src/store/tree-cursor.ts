import { isInnerText, ListingChecker, parseInner, type NodeRef } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes, firstFrom } from '../model/repo-path.ts';
import type { Store } from './store.ts';
import { nameOf } from './tree-nodes.ts';
import { readFiles } from './trees.ts';

interface Leaf {
  readonly files: readonly FileEntry[];
  /** It is where paths from here on would be … */
  readonly from: string;
  /** … that are before this; undefined for the last leaf. */
  readonly next: string | undefined;
}

/**
 * A way through a tree's files in their order that can jump ahead: whatever the size of the tree, it reads one node a level for
 * a place, and holds one leaf.
 */
export class TreeCursor {
  readonly #store: Store;
  readonly #root: Digest;
  #leaf: Leaf | undefined;

  constructor(store: Store, root: Digest) {
    this.#store = store;
    this.#root = root;
  }

  /** The first file whose path isn't before `from`; undefined behind the last. Raises `missing-tree`, `corrupt-tree`. */
  async seek(from: string): Promise<FileEntry | undefined> {
    for (let at = from; ;) {
      const leaf = this.#leafAt(at) ?? (this.#leaf = await this.#find(at));
      const found = leaf.files[firstFrom(leaf.files, ({ path }) => path, at)];
      if (found !== undefined || leaf.next === undefined) return found;
      at = leaf.next;
    }
  }

  #leafAt(path: string): Leaf | undefined {
    const leaf = this.#leaf;
    if (leaf === undefined || compareBytes(path, leaf.from) < 0) return undefined;
    return leaf.next === undefined || compareBytes(path, leaf.next) < 0 ? leaf : undefined;
  }

  async #find(path: string): Promise<Leaf> {
    let digest = this.#root;
    let named: NodeRef | undefined;
    let from = '';
    let next: string | undefined;
    for (;;) {
      const text = await this.#store.readTree(digest);
      if (!isInnerText(text)) break;
      const refs = parseInner(text, nameOf(this.#store, digest));
      const behind = firstFrom(refs, ({ first }) => first, `${path}\0`);
      const index = Math.max(0, behind - 1);
      named = refs[index];
      if (named === undefined) break;
      digest = named.digest;
      if (index > 0) from = named.first;
      next = refs[index + 1]?.first ?? next;
    }
    return { files: await readFiles(this.#store, { digest, named }, new ListingChecker()), from, next };
  }
}
