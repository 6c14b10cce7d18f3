import type { FileEntry } from '../model/file-entry.ts';

export interface DigestRequest {
  readonly root: string;
  /** Relative to the root; absent ones are left out of the answer. */
  readonly paths: readonly string[];
  /** The remembered digests: `<git dir>/datawf/index/files`. */
  readonly cacheFile: string;
  readonly signal?: AbortSignal;
}

export interface DigestAnswer {
  /** By path. Kind `l`: the digest of the target's text. */
  readonly entries: ReadonlyMap<string, FileEntry>;
  /** Something was hashed that `save` would remember. */
  readonly stale: boolean;
  /** Remembers it; best effort and atomic, last writer wins (each entry vouches for itself). Answers whether it wrote. */
  save(): boolean;
}

/** Digests of plain and git-tracked files, hashed only where the stat differs from the remembered one. Throws as `snapshotHome`. */
export function digestFiles(request: DigestRequest): Promise<DigestAnswer> {
  throw new Error(`not written yet: ${request.paths.length}`);
}
