export interface WalkOptions {
  /** Absolute folder that answered paths are relative to. */
  readonly root: string;
  /** Folder below it to list, '' for the root itself. */
  readonly folder: string;
  /** Leave out a file or, with everything below it, a folder; gets its path relative to `root` and its name. */
  readonly skip?: (path: string, name: string, isFolder: boolean) => boolean;
  readonly signal?: AbortSignal;
}

/** A name that can't be data, with the reason in words ("is not valid UTF-8", "is a socket"). */
export interface WalkFault {
  /** Printable; not always the exact name. */
  readonly path: string;
  readonly fault: string;
}

export interface Walk {
  /** Files and symlinks, sorted by the bytes of their paths. Symlinks aren't followed. */
  readonly files: readonly string[];
  /** Folders with anything in them or not, in the same order, the listed one included. */
  readonly folders: readonly string[];
  readonly faults: readonly WalkFault[];
}

/** Everything below a folder; an absent folder has nothing. */
export function walkFolder(options: WalkOptions): Walk {
  throw new Error(`not written yet: ${options.root}`);
}
