import { parsePointerFile } from '../formats/pointer-file.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { BlamedData } from '../model/history-report.ts';
import type { Pointer } from '../model/pointer.ts';
import { isWithin, repoPath } from '../model/repo-path.ts';
import { findInTree } from '../store/trees.ts';
import { pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { toTreePath, type Dataset } from './project.ts';
import { recordedListing } from './records.ts';

/** Added data that was asked for. */
export interface AskedData {
  readonly dataset: Dataset;
  readonly path: string;
  /** The very file, where it is one. */
  readonly file: FileEntry | undefined;
  readonly ref: string | undefined;
}

/**
 * The commit that recorded the version there is of a file, or of the dataset that a folder is of: the oldest of the newest ones
 * that all have it. Cost: three runs of git, and for a file a look into each version of the dataset since.
 */
export async function blameAdded(ctx: AppContext, asked: AskedData): Promise<readonly BlamedData[]> {
  const { dataset, path, file, ref } = asked;
  const files =
    file !== undefined
      ? 1
      : isWithin(dataset.home, path)
        ? dataset.files
        : (await recordedListing(ctx.store, dataset)).filter((entry) => isWithin(entry.path, path)).length;
  if (files === 0) return [];
  const name = pointerPath(dataset.home);
  const versions = await ctx.git.history.versionsOf(ref ?? 'HEAD', name);
  const texts = new Map<string, string>();
  const ids = new Set(versions.flatMap(({ id }) => id ?? []));
  for await (const { id, text } of ctx.git.history.texts(ids)) texts.set(id, text);
  let found: BlamedData['commit'] = null;
  for (const { id, commit, author, time, subject } of versions) {
    const text = id === undefined ? undefined : texts.get(id);
    if (text === undefined || !(await isThatVersion(ctx, asked, readPointer(text, name)))) break;
    found = { commit, author, time, subject };
  }
  return [{ dataset: dataset.home, files, commit: found }];
}

async function isThatVersion(
  ctx: AppContext,
  { dataset, path, file }: AskedData,
  pointer: Pointer | undefined,
): Promise<boolean> {
  if (pointer === undefined) return false;
  const { content } = pointer;
  if (content.type === 'file') return content.digest === dataset.recorded;
  if (file === undefined || content.tree === dataset.recorded) return content.tree === dataset.recorded;
  if (!(await ctx.store.hasTree(content.tree))) return false;
  const entry = await findInTree(ctx.store, content.tree, toTreePath(dataset, path));
  return entry?.digest === file.digest && entry.kind === file.kind;
}

/** Of a version that was never a valid pointer nothing is known. */
function readPointer(text: string, name: string): Pointer | undefined {
  try {
    return parsePointerFile(text, repoPath(name));
  } catch {
    return undefined;
  }
}
