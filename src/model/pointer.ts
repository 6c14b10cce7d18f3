import type { Digest } from './digest.ts';
import type { FileKind, TreeRef } from './file-entry.ts';
import type { RepoPath } from './repo-path.ts';

/** Data added by hand or imported: what `<path>.datawf` says. */
export interface Pointer {
  /** The dataset, relative to the repository's root. */
  readonly path: RepoPath;
  readonly content: PointerFolder | PointerFile;
  /** Where it was imported from, a URL or path as typed. */
  readonly source: string | undefined;
  /** The object that lists which files of the source they are; only of data that was adopted, and isn't copied. */
  readonly pins?: Digest;
}

/** A folder, as one tree. */
export interface PointerFolder extends TreeRef {
  readonly type: 'folder';
}

/** One file. */
export interface PointerFile {
  readonly type: 'file';
  readonly digest: Digest;
  readonly kind: FileKind;
  readonly bytes: number;
}
