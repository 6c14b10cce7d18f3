import type { Digest } from '../model/digest.ts';

/** What the local runner needs of the local store; the disk store has it. */
export interface LocalObjects {
  /** Folder for scratch on the device of the objects (absolute); sandboxes live in its `runs`. */
  readonly tempFolder: string;
  /** Absolute path of an object, whether there or not. */
  objectPath(digest: Digest): string;
}
