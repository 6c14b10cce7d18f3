import { isInnerText } from '../formats/tree-text.ts';
import { parseResultLine } from '../formats/result-line.ts';
import type { Digest } from '../model/digest.ts';
import { treesOfDeps, type ResultRecord } from '../model/result.ts';
import { mergedName } from './compact-results.ts';
import { childrenOf, readNode, type Live } from './mark.ts';
import type { HeldObject, Store } from './store.ts';

/** What nobody needs. */
export interface Waste {
  readonly objects: readonly HeldObject[];
  /** In the order in which they may go: what names comes before what is named. */
  readonly trees: readonly Digest[];
  readonly segments: readonly WasteSegment[];
  readonly keys: readonly Digest[];
  /** Paths that results have of objects that go. */
  readonly paths: ReadonlySet<string>;
  /** Results held; those that go. */
  readonly results: { readonly all: number; readonly gone: number };
  /** Objects and trees held, those that stay too. */
  readonly held: { readonly objects: number; readonly bytes: number; readonly trees: number };
}

/** A segment with results that go; `kept` are the lines that stay. */
interface WasteSegment {
  readonly codeHalf: Digest;
  readonly name: string;
  readonly kept: readonly string[];
}

/** What was touched later than these (epoch milliseconds) stays. */
export interface Limits {
  readonly objectsBefore: number;
  readonly treesBefore: number;
}

/** Finds what is not live. Results go with their objects; the lists that those name which stay become live. Removes nothing. */
export async function findWaste(store: Store, live: Live, limits: Limits): Promise<Waste> {
  const objects: HeldObject[] = [];
  const held = { objects: 0, bytes: 0, trees: 0 };
  const going = new Set<Digest>();
  const here = new Set<Digest>();
  for await (const object of store.listObjects()) {
    held.objects++;
    held.bytes += object.size;
    here.add(object.digest);
    if (live.objects.has(object.digest) || object.since >= limits.objectsBefore) continue;
    objects.push(object);
    going.add(object.digest);
  }
  const paths = new Set<string>();
  const isUsable = ({ outs }: ResultRecord): boolean => {
    for (const { digest, path } of outs) if (going.has(digest)) paths.add(path);
    return outs.every(({ digest }) => here.has(digest) && !going.has(digest));
  };
  const { segments, keys, results } = await findDeadResults(store, live, isUsable);
  const dead: Digest[] = [];
  for await (const { digest, since } of store.listTrees()) {
    held.trees++;
    if (!live.trees.has(digest) && since < limits.treesBefore) dead.push(digest);
  }
  return { objects, trees: await namersFirst(store, dead), segments, keys, results, paths, held };
}

async function findDeadResults(
  store: Store,
  live: Live,
  isUsable: (result: ResultRecord) => boolean,
): Promise<Pick<Waste, 'segments' | 'keys' | 'results'>> {
  const segments: WasteSegment[] = [];
  const keys: Digest[] = [];
  const results = { all: 0, gone: 0 };
  for (const codeHalf of await store.listCodeHalves()) {
    let left = 0;
    for (const name of await store.listSegments(codeHalf)) {
      const lines = (await store.readSegment(codeHalf, name)).split('\n').filter((line) => line !== '');
      const kept: string[] = [];
      for (const line of lines) {
        const result = parseResultLine(line);
        if (result === undefined || !isUsable(result)) continue;
        kept.push(line);
        for (const tree of treesOfDeps(result)) await live.mark(tree, 'list');
      }
      results.all += lines.length;
      results.gone += lines.length - kept.length;
      left += kept.length;
      if (kept.length < lines.length || lines.length === 0) segments.push({ codeHalf, name, kept });
    }
    if (left === 0 && !live.codeHalves.has(codeHalf)) keys.push(codeHalf);
  }
  return { segments, keys, results };
}

/** Waste without what is live by now. Results go all the same: what they remember is run again. */
export function stillWaste(waste: Waste, live: Live): Waste {
  return {
    ...waste,
    objects: waste.objects.filter(({ digest }) => !live.objects.has(digest)),
    trees: waste.trees.filter((digest) => !live.trees.has(digest)),
    keys: waste.keys.filter((digest) => !live.codeHalves.has(digest)),
  };
}

/** Roots before the nodes below them, so that a sweep cut short never leaves a tree that looks whole and isn't. */
async function namersFirst(store: Store, dead: readonly Digest[]): Promise<readonly Digest[]> {
  const inner = new Map<Digest, readonly Digest[]>();
  for (const digest of dead) {
    const text = await readNode(store, digest);
    if (text !== undefined && isInnerText(text)) inner.set(digest, childrenOf(text));
  }
  const below = new Set([...inner.values()].flat());
  const rank = (digest: Digest): number => (below.has(digest) ? 1 : 0) + (inner.has(digest) ? 0 : 2);
  return [...dead].sort((a, b) => rank(a) - rank(b));
}

export interface SweepOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Removes waste: results, then trees, then objects, so that whatever names something goes before it, also when killed. */
export async function sweep(store: Store, waste: Waste, options: SweepOptions = {}): Promise<void> {
  const total = waste.trees.length + waste.objects.length;
  let done = 0;
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(++done, total);
  };
  for (const { codeHalf, name, kept } of waste.segments) {
    if (kept.length > 0) {
      const text = `${kept.join('\n')}\n`;
      await store.putSegment(codeHalf, mergedName(name, text, kept.length), text);
    }
    await store.removeSegment(codeHalf, name);
  }
  await store.makeDurable();
  for (const codeHalf of waste.keys) await store.removeKey(codeHalf);
  for (const digest of waste.trees) {
    step();
    await store.removeTree(digest);
  }
  for (const { digest } of waste.objects) {
    step();
    await store.removeObject(digest);
  }
}
