import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';

/** What was brought to or recorded at one root home; paths relative to the repository's root. */
export interface IndexView {
  /** Owner → tree of the version last brought here or recorded; their union is the content. */
  readonly trees: ReadonlyMap<string, Digest>;
  readonly files: number;
  /** One entry, by binary search (about 5 µs). */
  entry(path: string): FileEntry | undefined;
  /** All entries sorted by the bytes of their paths. Makes them anew: about 1 µs a file. */
  listing(): readonly FileEntry[];
}
