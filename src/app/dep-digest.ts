import { FILE_LINES, splitLines } from '../formats/tree-split.ts';
import { formatLine } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Pattern } from '../model/pattern.ts';
import { compareBytes, parentOf } from '../model/repo-path.ts';
import { digestHex } from '../util/blake3.ts';

/** Root of the tree that a datum's files of a dep make, named relative to the pattern's home; null for none. No IO. */
export function depDigest(pattern: Pattern, files: readonly FileEntry[]): Digest | null {
  const [only] = files;
  if (only === undefined) return null;
  if (files.length === 1) return digestHex(`${formatLine(relativeTo(pattern, only))}\n`) as Digest;
  let root: Digest | null = null;
  for (const node of splitLines(depListing(pattern, files).map(formatLine), FILE_LINES))
    root = node.ref.digest;
  return root;
}

/** The listing behind `depDigest`, sorted. */
export function depListing(pattern: Pattern, files: readonly FileEntry[]): FileEntry[] {
  const listing = files.map((file) => relativeTo(pattern, file));
  return isSorted(listing) ? listing : listing.sort((a, b) => compareBytes(a.path, b.path));
}

/** A repository path as trees of this dep name it: relative to the home, a literal file by its last name. */
function relativeTo(pattern: Pattern, file: FileEntry): FileEntry {
  const { home } = pattern;
  const path =
    file.path === home
      ? home.slice(parentOf(home).length).replace(/^\//, '')
      : file.path.slice(home.length + 1);
  return { path, kind: file.kind, digest: file.digest, size: file.size };
}

function isSorted(listing: readonly FileEntry[]): boolean {
  for (let index = 1; index < listing.length; index++) {
    if (compareBytes((listing[index - 1] as FileEntry).path, (listing[index] as FileEntry).path) > 0)
      return false;
  }
  return true;
}
