import type { Digest } from '../model/digest.ts';
import { hexOf } from '../util/blake3.ts';

/**
 * What is known of many files, one array per field: a million of them cost 100 bytes each beside their paths, and threads
 * fill them without a message per file. All arrays have the length of `paths` (`digests` 32 times that) and may lie in
 * shared memory. The stat fields are `lstat`'s: times in milliseconds with their fraction, `sizes` in bytes.
 */
export interface FileColumns {
  readonly paths: readonly string[];
  /** Character codes: `f`, `x` (executable), `l` (symlink); 0 where there was no file. */
  readonly kinds: Uint8Array;
  readonly sizes: Float64Array;
  readonly mtimes: Float64Array;
  readonly inos: Float64Array;
  readonly devs: Float64Array;
  /** Not comparable for files linked into a store: another name that comes or goes changes it. */
  readonly ctimes: Float64Array;
  /** 32 bytes per file. */
  readonly digests: Uint8Array;
  /** How the file shares bytes with the store, a `WAY` code. */
  readonly ways: Uint8Array;
}

/** What a file in place is to the store: its own bytes, or a link of some kind. */
export const WAY = { own: 0, reflink: 1, hardlink: 2, symlink: 3, copy: 4 } as const;

export const KIND = { none: 0, file: 102, executable: 120, link: 108 } as const;

/** Columns of zeros in shared memory, so that worker threads can fill them. */
export function makeColumns(paths: readonly string[]): FileColumns {
  const count = paths.length;
  return {
    paths,
    kinds: new Uint8Array(new SharedArrayBuffer(count)),
    sizes: new Float64Array(new SharedArrayBuffer(count * 8)),
    mtimes: new Float64Array(new SharedArrayBuffer(count * 8)),
    inos: new Float64Array(new SharedArrayBuffer(count * 8)),
    devs: new Float64Array(new SharedArrayBuffer(count * 8)),
    ctimes: new Float64Array(new SharedArrayBuffer(count * 8)),
    digests: new Uint8Array(new SharedArrayBuffer(count * 32)),
    ways: new Uint8Array(new SharedArrayBuffer(count)),
  };
}

/** The digest of one file of the columns. */
export function digestAt(columns: FileColumns, index: number): Digest {
  return hexOf(columns.digests.subarray(index * 32, index * 32 + 32)) as Digest;
}

/** The kind of one file of the columns, undefined where there was no file. */
export function kindAt(columns: FileColumns, index: number): 'f' | 'x' | 'l' | undefined {
  const code = columns.kinds[index];
  return code === KIND.file ? 'f' : code === KIND.executable ? 'x' : code === KIND.link ? 'l' : undefined;
}
