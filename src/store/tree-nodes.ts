import {
  splitLines,
  splitRefs,
  cutPoints,
  makeLeaf,
  SPLIT_OVER,
  type LineForm,
} from '../formats/tree-split.ts';
import { corruptLine, cutLines, isInnerText, parseInner, type NodeRef } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import { compareBytes } from '../model/repo-path.ts';
import { corruptTree } from './faults.ts';
import type { Store } from './store.ts';

/**
 * Trees of nodes in a store, whatever their lines mean: trees.ts (files) and tables.ts (rows) say that. A node is read once
 * at most per call, and only where it can matter.
 */

/** Which keys are wanted: those not before `from` and before `before`; undefined is open. */
export interface KeyRange {
  readonly from?: string;
  readonly before?: string;
}

/** A leaf: as its parent names it, or the root itself (then without the parent's facts). */
export interface LeafRef {
  readonly digest: Digest;
  readonly named: NodeRef | undefined;
}

/** Writes all nodes of these lines, the root last; answers the root. */
export async function writeLines(store: Store, lines: readonly string[], form: LineForm): Promise<NodeRef> {
  let root: NodeRef | undefined;
  for (const node of splitLines(lines, form)) {
    await store.putTree(node.ref.digest, node.text);
    root = node.ref;
  }
  if (root === undefined) throw new Error('a tree has a root');
  return root;
}

/** The leaves of a tree that can hold keys of the range, in order. */
export async function findLeaves(store: Store, root: Digest, range: KeyRange = {}): Promise<LeafRef[]> {
  let level: LeafRef[] = [{ digest: root, named: undefined }];
  while (level[0] !== undefined && isInnerText(await store.readTree(level[0].digest))) {
    level = await childrenOf(store, level, range);
  }
  return level;
}

async function childrenOf(store: Store, level: readonly LeafRef[], range: KeyRange = {}): Promise<LeafRef[]> {
  const below: LeafRef[] = [];
  for (const node of level) {
    const refs = parseInner(await store.readTree(node.digest), nameOf(store, node.digest));
    if (node.named !== undefined) checkInner(store, node.named, refs);
    for (const [index, ref] of refs.entries()) {
      const next = refs[index + 1];
      if (next !== undefined && range.from !== undefined && compareBytes(next.first, range.from) <= 0)
        continue;
      if (range.before !== undefined && compareBytes(ref.first, range.before) >= 0) break;
      below.push({ digest: ref.digest, named: ref });
    }
  }
  return below;
}

function checkInner(store: Store, named: NodeRef, refs: readonly NodeRef[]): void {
  let count = 0;
  let bytes = 0;
  for (const ref of refs) {
    count += ref.count;
    bytes += ref.bytes;
  }
  if (refs[0]?.first === named.first && count === named.count && bytes === named.bytes) return;
  throw corruptTree(store.url, named.digest, 'it is not what its parent says');
}

/** The lines of a leaf, as many as its parent says; their order and form are the caller's to check. */
export async function readLines(store: Store, leaf: LeafRef): Promise<string[]> {
  const lines = cutLines(await store.readTree(leaf.digest), nameOf(store, leaf.digest));
  if (leaf.named !== undefined && leaf.named.count !== lines.length) throw notAsNamed(store, leaf);
  return lines;
}

/** The lines of a leaf, in order by key and as its parent says. */
export async function readLeaf(store: Store, leaf: LeafRef, form: LineForm): Promise<string[]> {
  const lines = await readLines(store, leaf);
  let last: string | undefined;
  let bytes = 0;
  for (const [index, line] of lines.entries()) {
    const key = form.keyOf(line);
    if (last !== undefined && compareBytes(last, key) >= 0) {
      throw corruptLine(nameOf(store, leaf.digest), index + 1, 'is not in order');
    }
    last = key;
    bytes += form.bytesOf(line);
  }
  checkLeaf(store, leaf, { first: lines[0] === undefined ? '' : form.keyOf(lines[0]), bytes });
  return lines;
}

/** Refuses a leaf that isn't what its parent says. */
export function checkLeaf(store: Store, leaf: LeafRef, found: Pick<NodeRef, 'first' | 'bytes'>): void {
  const { named } = leaf;
  if (named !== undefined && (named.first !== found.first || named.bytes !== found.bytes))
    throw notAsNamed(store, leaf);
}

function notAsNamed(store: Store, leaf: LeafRef): Error {
  return corruptTree(store.url, leaf.digest, 'it is not what its parent says');
}

/** How messages name a node. */
export function nameOf(store: Store, digest: Digest): string {
  return `tree ${digest} of ${store.url}`;
}

/** Lines of two trees that aren't the same in both, by key: undefined where a tree has none. */
export interface LineChange {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * What differs between two trees, in order by key; nodes that both have aren't read, and lines that both have aren't looked
 * at closer: 10 changes among a million files take 25 ms.
 */
export async function diffNodes(
  store: Store,
  roots: { readonly before: Digest | undefined; readonly after: Digest | undefined },
  form: LineForm,
): Promise<LineChange[]> {
  const [before = [], after = []] = await differingLeaves(store, [roots.before, roots.after]);
  return diffLines(await readAll(store, before), await readAll(store, after), form);
}

/** The leaves of several trees, without those that all of them have; nodes that all have aren't read. */
async function differingLeaves(
  store: Store,
  roots: readonly (Digest | undefined)[],
): Promise<readonly (readonly LeafRef[])[]> {
  let levels = roots.map(rootOnly);
  for (;;) {
    levels = withoutShared(levels);
    // One level at a time and the deeper trees first, so that all are compared at the level of the leaves.
    const inner: boolean[] = [];
    for (const level of levels) inner.push(await isInner(store, level));
    if (!inner.includes(true)) return levels;
    for (const [index, level] of levels.entries())
      if (inner[index] === true) levels[index] = await childrenOf(store, level);
  }
}

/** All lines in leaves that not all of several trees have, by tree; each leaf is read once. */
export async function readDiffering(
  store: Store,
  roots: readonly (Digest | undefined)[],
): Promise<readonly (readonly string[])[]> {
  const read = new Map<Digest, readonly string[]>();
  const trees: string[][] = [];
  for (const leaves of await differingLeaves(store, roots)) {
    const all: string[] = [];
    for (const leaf of leaves) {
      const lines = read.get(leaf.digest) ?? (await readLines(store, leaf));
      read.set(leaf.digest, lines);
      for (const line of lines) all.push(line);
    }
    trees.push(all);
  }
  return trees;
}

function rootOnly(root: Digest | undefined): LeafRef[] {
  return root === undefined ? [] : [{ digest: root, named: undefined }];
}

function withoutShared(levels: readonly LeafRef[][]): LeafRef[][] {
  const counts = new Map<Digest, number>();
  for (const level of levels)
    for (const { digest } of level) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return levels.map((level) => level.filter(({ digest }) => counts.get(digest) !== levels.length));
}

async function isInner(store: Store, nodes: readonly LeafRef[]): Promise<boolean> {
  return nodes[0] !== undefined && isInnerText(await store.readTree(nodes[0].digest));
}

async function readAll(store: Store, leaves: readonly LeafRef[]): Promise<string[]> {
  const lines: string[] = [];
  for (const leaf of leaves) for (const line of await readLines(store, leaf)) lines.push(line);
  return lines;
}

async function readLeaves(store: Store, leaves: readonly LeafRef[], form: LineForm): Promise<string[]> {
  const lines: string[] = [];
  for (const leaf of leaves) for (const line of await readLeaf(store, leaf, form)) lines.push(line);
  return lines;
}

function diffLines(before: readonly string[], after: readonly string[], form: LineForm): LineChange[] {
  const changes: LineChange[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const now = after[j];
    const order =
      old === undefined
        ? 1
        : now === undefined
          ? -1
          : old === now
            ? 0
            : compareBytes(form.keyOf(old), form.keyOf(now));
    if (order !== 0 || old !== now) {
      changes.push({ before: order <= 0 ? old : undefined, after: order >= 0 ? now : undefined });
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return changes;
}

/** A line to put under its key, or undefined to remove what is there. */
export type LineEdits = ReadonlyMap<string, string | undefined>;

/**
 * A tree with lines put and removed: the same root as writing all lines anew. Reads the inner nodes and the leaves that the
 * edits fall in (and the one behind, where a leaf lost its end); writes what is new.
 */
export async function patchNodes(
  store: Store,
  root: Digest,
  patch: { edits: LineEdits; form: LineForm },
): Promise<NodeRef> {
  const { form } = patch;
  const edits = [...patch.edits].sort(([a], [b]) => compareBytes(a, b));
  const leaves = await findLeaves(store, root);
  const isSplit = leaves[0]?.named !== undefined;
  const refs = isSplit ? await patchLeaves(store, leaves, { edits, form }) : undefined;
  const count = refs?.reduce((sum, ref) => sum + ref.count, 0) ?? 0;
  if (refs === undefined || count <= SPLIT_OVER || refs.length >= count) {
    return writeLines(store, mergeLines(await readLeaves(store, leaves, form), edits, form), form);
  }
  let top: NodeRef | undefined;
  for (const node of splitRefs(refs)) {
    await store.putTree(node.ref.digest, node.text);
    top = node.ref;
  }
  if (top === undefined) throw new Error('a tree has a root');
  return top;
}

type SortedEdits = readonly (readonly [string, string | undefined])[];

async function patchLeaves(
  store: Store,
  leaves: readonly LeafRef[],
  { edits, form }: { edits: SortedEdits; form: LineForm },
): Promise<NodeRef[]> {
  const refs: NodeRef[] = [];
  let at = 0;
  // Lines behind the last node's end. As long as there are some, the leaves behind must be read too: what a leaf begins
  // with decides nothing, so with none the old leaves hold again.
  let open: string[] = [];
  for (const [index, leaf] of leaves.entries()) {
    const next = leaves[index + 1]?.named?.first;
    const start = at;
    while (at < edits.length && (next === undefined || compareBytes(edits[at]?.[0] ?? '', next) < 0)) at++;
    if (open.length === 0 && at === start && leaf.named !== undefined) {
      refs.push(leaf.named);
      continue;
    }
    const old = await readLeaf(store, leaf, form);
    const own = edits.slice(start, at);
    const lines = mergeLines(old, own, form);
    // Where a leaf ends depends on its keys alone: with the same ones they needn't be hashed (1 µs each).
    if (open.length === 0 && lines.length === old.length && own.every(([, line]) => line !== undefined)) {
      const node = makeLeaf(lines, form);
      await store.putTree(node.ref.digest, node.text);
      refs.push(node.ref);
      continue;
    }
    open = await writeLeaves(store, { lines: [...open, ...lines], isLast: next === undefined, form }, refs);
  }
  return refs;
}

/** Writes the leaves that these lines make and answers the lines left over: none behind the last leaf of all. */
async function writeLeaves(
  store: Store,
  { lines, isLast, form }: { lines: readonly string[]; isLast: boolean; form: LineForm },
  refs: NodeRef[],
): Promise<string[]> {
  const { ends, open } = cutPoints(lines.map((line) => form.keyOf(line)));
  let start = 0;
  for (const end of open && !isLast ? ends.slice(0, -1) : ends) {
    const leaf = makeLeaf(lines.slice(start, end), form);
    await store.putTree(leaf.ref.digest, leaf.text);
    refs.push(leaf.ref);
    start = end;
  }
  return lines.slice(start);
}

function mergeLines(lines: readonly string[], edits: SortedEdits, form: LineForm): string[] {
  const merged: string[] = [];
  let at = 0;
  for (const [key, line] of edits) {
    for (let old; (old = lines[at]) !== undefined; at++) {
      const order = compareBytes(form.keyOf(old), key);
      if (order === 0) at++;
      if (order >= 0) break;
      merged.push(old);
    }
    if (line !== undefined) merged.push(line);
  }
  for (; at < lines.length; at++) merged.push(lines[at] ?? '');
  return merged;
}
