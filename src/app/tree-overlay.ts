import type { Digest } from '../model/digest.ts';
import type { Store } from '../store/store.ts';

/**
 * A store for trees that are computed and not to be kept, as `status` needs them: what is written stays in memory, everything
 * else comes from the store below. Only its trees may be used.
 */
export function overlayTrees(below: Store): Store {
  const nodes = new Map<Digest, string>();
  const trees: Pick<Store, 'hasTree' | 'readTree' | 'putTree'> = {
    hasTree: async (digest) => nodes.has(digest) || (await below.hasTree(digest)),
    readTree: async (digest) => nodes.get(digest) ?? (await below.readTree(digest)),
    putTree: async (digest, text) => {
      nodes.set(digest, text);
    },
  };
  return new Proxy(below, {
    get: (target, name): unknown => {
      if (Object.hasOwn(trees, name)) return trees[name as keyof typeof trees];
      if (name === 'url') return target.url;
      throw new Error(`an overlay of trees has no ${String(name)}`);
    },
  });
}
