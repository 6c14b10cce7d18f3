import type { Digest } from './digest.ts';

/** `f` a file, `x` an executable file, `l` a symlink that stays inside (its object is the text of its target). */
export type FileKind = 'f' | 'x' | 'l';

/** One file of a dataset. `path` is relative to what the listing belongs to (a home, or the repository's root). */
export interface FileEntry {
  readonly path: string;
  readonly kind: FileKind;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Files sorted by the UTF-8 bytes of their paths, no path twice, none of them a folder of another. */
export type Listing = readonly FileEntry[];

/** A version of a dataset: the digest of its tree's root with its totals. */
export interface TreeRef {
  readonly tree: Digest;
  readonly files: number;
  readonly bytes: number;
}

/** The two entries are the same file as to kind and content (size follows from the digest). */
export function sameContent(a: FileEntry, b: FileEntry): boolean {
  return a.digest === b.digest && a.kind === b.kind;
}
