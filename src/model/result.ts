import { isDigest, type Digest } from './digest.ts';
import type { FileEntry } from './file-entry.ts';

/**
 * One line of a result segment: what a datum's command produced under its key. The code half is the folder that the
 * segment lies in.
 */
export interface ResultRecord {
  /** Digest of the input half. */
  readonly input: Digest;
  /** Digest of the output listing's text: the name of the result in a lock row. */
  readonly result: Digest;
  /** Output files by repository path, sorted. */
  readonly outs: readonly FileEntry[];
  readonly made: {
    readonly host?: string;
    readonly image?: string;
    readonly sandbox: boolean;
    /** Of the environment that it was made under: the URL of the store that it writes, or else its name. Absent without environments. */
    readonly scope?: string;
  };
  /** The run that made it. */
  readonly run: string;
  /** Wall seconds of the command. */
  readonly seconds: number;
  /** The input half, readable: per dep the lines of its files below the dep's home, or of many the tree; for `blame`. */
  readonly deps?: Readonly<Record<string, string>>;
}

/** Trees that a result's `deps` name, for those who want to know what it was made from. */
export function treesOfDeps({ deps = {} }: ResultRecord): readonly Digest[] {
  return Object.values(deps).filter(isDigest);
}
