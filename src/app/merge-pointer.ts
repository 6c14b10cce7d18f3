import { mergeAddedFiles, type AddedChange } from '../graph/merge-files.ts';
import { sideToTake, type Sides } from '../graph/merge.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Pointer, PointerFolder } from '../model/pointer.ts';
import { compareBytes, joinPath, type RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { diffTrees, patchTree, type TreeDiff } from '../store/trees.ts';

/** What both sides say of data added by hand, and what they come from. */
export interface PointerSides extends Sides<Pointer> {
  readonly ours: Pointer;
  readonly theirs: Pointer;
}

/**
 * Merges data added by hand, file by file. With `prefer` that side wins where both changed one path. Answers the merged
 * pointer, or what can't be decided, each naming its path. Writes the merged tree into the store; throws `missing-tree`
 * (exit 4).
 */
export async function mergePointer(
  store: Store,
  sides: PointerSides,
  prefer: 'ours' | 'theirs' | undefined,
): Promise<Pointer | readonly string[]> {
  const { base, ours, theirs } = sides;
  if (ours.path !== theirs.path) return [`ours records ${ours.path}, theirs ${theirs.path}`];
  const source =
    sideToTake({ base: base?.source, ours: ours.source, theirs: theirs.source }, Object.is) ?? prefer;
  const whole = { ...ours, source: source === 'theirs' ? theirs.source : ours.source };
  const contents = { base: base?.content, ours: ours.content, theirs: theirs.content };
  const side = sideToTake(contents, sameContent);
  if (side !== undefined) return { ...whole, content: side === 'theirs' ? theirs.content : ours.content };
  if (ours.content.type === 'folder' && theirs.content.type === 'folder') {
    const before = base?.content.type === 'folder' ? base.content.tree : undefined;
    const merged = await mergeTrees(store, {
      home: ours.path,
      trees: { base: before, ours: ours.content.tree, theirs: theirs.content.tree },
      prefer,
    });
    return 'type' in merged ? { ...whole, content: merged } : merged;
  }
  if (prefer !== undefined) return { ...whole, content: sides[prefer].content };
  return [`${ours.path} was changed by both sides, each otherwise`];
}

function sameContent(a: Pointer['content'], b: Pointer['content']): boolean {
  if (a.type === 'folder') return b.type === 'folder' && a.tree === b.tree;
  return b.type === 'file' && a.digest === b.digest && a.kind === b.kind;
}

interface TreeMerge {
  readonly home: RepoPath;
  readonly trees: Sides<Digest> & { readonly ours: Digest; readonly theirs: Digest };
  readonly prefer: 'ours' | 'theirs' | undefined;
}

async function mergeTrees(
  store: Store,
  { home, trees, prefer }: TreeMerge,
): Promise<PointerFolder | readonly string[]> {
  const mine = filePairs(await diffTrees(store, trees.base, trees.ours));
  const other = filePairs(await diffTrees(store, trees.base, trees.theirs));
  const changes: AddedChange[] = [...new Set([...mine.keys(), ...other.keys()])]
    .sort(compareBytes)
    .map((path) => {
      const [one, two] = [mine.get(path), other.get(path)];
      const base = (one ?? two)?.before;
      return {
        path: joinPath(home, path),
        base,
        ours: one === undefined ? base : one.after,
        theirs: two === undefined ? base : two.after,
      };
    });
  const { put, remove, conflicts } = mergeAddedFiles(changes, prefer);
  if (conflicts.length > 0) return conflicts;
  return { type: 'folder', ...(await patchTree(store, trees.ours, { put, remove })) };
}

interface FilePair {
  readonly before: FileEntry | undefined;
  readonly after: FileEntry | undefined;
}

function filePairs(diff: TreeDiff): Map<string, FilePair> {
  const pairs = new Map<string, FilePair>();
  for (const entry of diff.added) pairs.set(entry.path, { before: undefined, after: entry });
  for (const entry of diff.deleted) pairs.set(entry.path, { before: entry, after: undefined });
  for (const pair of diff.changed) pairs.set(pair.before.path, pair);
  return pairs;
}
