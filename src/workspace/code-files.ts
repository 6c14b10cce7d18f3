import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes, isSystemFile, isWithin } from '../model/repo-path.ts';
import type { CodePath } from '../model/stage.ts';
import { digestFiles, type DigestRequest } from './file-digests.ts';
import type { Git } from './git.ts';

export interface CodeRequest extends Omit<DigestRequest, 'paths'> {
  readonly git: Git;
  /** Every `code` entry of the pipeline, asked at once: git runs at most once, and not at all without folders. */
  readonly code: readonly CodePath[];
}

export interface CodeFiles {
  /** The files of one entry, sorted by bytes; a folder's are those git tracks or would add. Empty where nothing is there. */
  of(code: CodePath): readonly FileEntry[];
  readonly stale: boolean;
  readonly save: () => boolean;
}

/** Files of `code` entries with their digests. Throws as `digestFiles`. */
export async function codeFiles(request: CodeRequest): Promise<CodeFiles> {
  const folders = request.code.filter((code) => code.folder).map((code) => code.path);
  const inFolders = await request.git.addableFiles([...new Set(folders)]);
  const listed = inFolders.filter((path) => !isSystemFile(path));
  const single = request.code.filter((code) => !code.folder).map((code) => code.path);
  const { entries, stale, save } = await digestFiles({
    ...request,
    paths: [...new Set([...single, ...listed])],
  });
  const sorted = listed.filter((path) => entries.has(path)).sort(compareBytes);
  return {
    of: ({ path, folder }) => {
      const paths = folder ? sorted.filter((file) => isWithin(file, path)) : [path];
      return paths.flatMap((file) => entries.get(file) ?? []);
    },
    stale,
    save,
  };
}
