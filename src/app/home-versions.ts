import { parseLockFile } from '../formats/lock-file.ts';
import { parsePointerFile } from '../formats/pointer-file.ts';
import { isInnerText } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { joinPath, parentOf, type RepoPath } from '../model/repo-path.ts';
import { childrenOf, filesOf, readNode } from '../store/mark.ts';
import type { Store } from '../store/store.ts';

/** A version of a dataset: its home, and the digest of its tree, or of the one file that it is. */
export interface HomeVersion {
  readonly home: RepoPath;
  readonly digest: Digest;
  readonly isObject: boolean;
  /** The stage that made it; undefined for added data. */
  readonly stage: string | undefined;
}

/** The datasets that a tracked text names, none where it can't be read. */
export function homesOfText(text: string, path: string): readonly HomeVersion[] {
  try {
    if (path.endsWith('.datawf')) {
      const { path: home, content } = parsePointerFile(text, path as RepoPath);
      return content.type === 'file'
        ? [{ home, digest: content.digest, isObject: true, stage: undefined }]
        : [{ home, digest: content.tree, isObject: false, stage: undefined }];
    }
    const folder = parentOf(path);
    return [...parseLockFile(text, path).stages].flatMap(([name, { outs }]) => {
      const stage = folder === '' ? name : `${folder}:${name}`;
      return [...outs].map(([home, { tree }]) => ({ home, digest: tree, isObject: false, stage }));
    });
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

/** Calls back for every file of a version as far as its lists can be read, by repository path. `seen`: nodes read before at this home. */
export async function walkVersion(
  store: Store,
  { home, digest: root, isObject }: HomeVersion,
  { seen, onFile }: { readonly seen: Set<string>; readonly onFile: (path: string, digest: Digest) => void },
): Promise<void> {
  if (isObject) onFile(home, root);
  const open = isObject ? [] : [root];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (seen.has(`${digest}${home}`)) continue;
    seen.add(`${digest}${home}`);
    const text = await readNode(store, digest);
    if (text === undefined) continue;
    if (isInnerText(text)) open.push(...childrenOf(text));
    const files = filesOf(text);
    // One file of the home's own name is the home itself.
    const isSingle =
      digest === root && files.length === 1 && joinPath(parentOf(home), files[0]?.path ?? '') === home;
    for (const file of files) onFile(isSingle ? home : joinPath(home, file.path), file.digest);
  }
}
