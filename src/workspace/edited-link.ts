import { chmodSync, constants, copyFileSync, renameSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { TEMP_PREFIX } from '../disk/atomic-file.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import { quarantine } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { parentOf } from '../model/repo-path.ts';

export interface DetachRequest {
  readonly root: string;
  readonly storeFolder: string;
  /** `editedLinks` of a snapshot with the digests that the index has for them. */
  readonly files: ReadonlyMap<string, Digest>;
}

/**
 * Saves edits that were made through hard links into the store: each file gets bytes of its own, and the object, which those
 * edits damaged, goes to the store's `quarantine/`, so that it is fetched or made again. Answers the digests that went.
 */
export function detachEditedLinks({ root, storeFolder, files }: DetachRequest): readonly Digest[] {
  for (const path of files.keys()) ownBytes(`${root}/${path}`, `${root}/${parentOf(path)}`);
  const gone: Digest[] = [];
  for (const digest of new Set(files.values())) {
    try {
      quarantine(storeFolder, digest, 'it was edited through a link in the workspace');
      gone.push(digest);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fsProblem(error, 'put aside', digest);
    }
  }
  return gone;
}

function ownBytes(file: string, folder: string): void {
  const aside = `${folder}/${TEMP_PREFIX}${randomUUID()}`;
  try {
    copyFileSync(file, aside, constants.COPYFILE_FICLONE);
    chmodSync(aside, 0o644);
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw fsProblem(error, 'copy', file);
  }
}
