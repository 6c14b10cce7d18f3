import type { FileEntry } from '../model/file-entry.ts';
import type { CodePath } from '../model/stage.ts';
import type { DigestRequest } from './file-digests.ts';
import type { Git } from './git.ts';

export interface CodeRequest extends Omit<DigestRequest, 'paths'> {
  readonly git: Git;
  /** Every `code` entry of the pipeline, asked at once: git runs at most once. */
  readonly code: readonly CodePath[];
}

export interface CodeFiles {
  /** The files of one entry, sorted by bytes; a folder's are those git tracks or would add. Empty where nothing is there. */
  of(code: CodePath): readonly FileEntry[];
  readonly stale: boolean;
  save(): boolean;
}

/** Files of `code` entries with their digests. */
export function codeFiles(request: CodeRequest): Promise<CodeFiles> {
  throw new Error(`not written yet: ${request.code.length}`);
}
