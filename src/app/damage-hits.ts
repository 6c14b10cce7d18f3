import { isInnerText } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import { joinPath, parentOf, type RepoPath } from '../model/repo-path.ts';
import type { HitBranch } from '../model/verify-report.ts';
import { pushTo } from '../util/multimap.ts';
import { childrenOf, filesOf, readNode } from '../store/mark.ts';
import type { Store } from '../store/store.ts';
import type { HomeVersion } from './home-versions.ts';

/** What a branch holds. */
export interface NamedVersions {
  readonly branch: string;
  readonly versions: readonly HomeVersion[];
}

/** Objects and nodes that versions need; nodes that can't be read are among the trees, too. */
export async function neededBy(
  store: Store,
  versions: readonly HomeVersion[],
): Promise<{ readonly objects: ReadonlySet<Digest>; readonly missingTrees: ReadonlySet<Digest> }> {
  const objects = new Set<Digest>();
  const missingTrees = new Set<Digest>();
  const seen = new Set<Digest>();
  const open: Digest[] = [];
  for (const { digest, isObject } of versions) {
    if (isObject) objects.add(digest);
    else open.push(digest);
  }
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    const text = await readNode(store, digest);
    if (text === undefined) missingTrees.add(digest);
    else if (isInnerText(text)) open.push(...childrenOf(text));
    else for (const file of filesOf(text)) objects.add(file.digest);
  }
  return { objects, missingTrees };
}

/** Which files some bad objects and trees hit; of a tree that can't be read its home. Reads each node once, whoever has it. */
export class HitFinder {
  readonly #store: Store;
  readonly #bad: ReadonlySet<Digest>;
  readonly #nodes = new Map<Digest, readonly Hit[]>();

  constructor(store: Store, bad: ReadonlySet<Digest>) {
    this.#store = store;
    this.#bad = bad;
  }

  /** Repository paths by bad digest. */
  async paths(versions: readonly HomeVersion[]): Promise<ReadonlyMap<Digest, readonly RepoPath[]>> {
    const found = new Map<Digest, RepoPath[]>();
    for (const { home, digest, isObject } of versions) {
      if (isObject) {
        if (this.#bad.has(digest)) pushTo(found, digest, home);
        continue;
      }
      const hits = await this.#hits(digest);
      const isSingle = hits.length === 1 && joinPath(parentOf(home), hits[0]?.path ?? '') === home;
      for (const hit of hits)
        pushTo(found, hit.digest, hit.path === '' || isSingle ? home : joinPath(home, hit.path));
    }
    return found;
  }

  /** Branches by bad digest. */
  async branches(all: readonly NamedVersions[]): Promise<ReadonlyMap<Digest, readonly HitBranch[]>> {
    const found = new Map<Digest, HitBranch[]>();
    for (const { branch, versions } of all) {
      for (const [digest, paths] of await this.paths(versions))
        pushTo(found, digest, { branch, paths: paths.slice(0, SHOWN), count: paths.length });
    }
    return found;
  }

  async #hits(node: Digest): Promise<readonly Hit[]> {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const text = await readNode(this.#store, node);
    const hits: Hit[] = [];
    if (this.#bad.has(node)) hits.push({ digest: node, path: '' });
    if (text !== undefined && isInnerText(text)) {
      for (const child of childrenOf(text)) hits.push(...(await this.#hits(child)));
    } else if (text !== undefined) {
      hits.push(...filesOf(text).filter(({ digest }) => this.#bad.has(digest)));
    }
    this.#nodes.set(node, hits);
    return hits;
  }
}

const SHOWN = 20;

/** No branch is hit. */
export const NO_HITS: ReadonlyMap<Digest, readonly HitBranch[]> = new Map();

interface Hit {
  readonly digest: Digest;
  /** Relative to the home; '' for the whole. */
  readonly path: string;
}
