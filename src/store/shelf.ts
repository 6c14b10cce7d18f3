import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fsProblem } from '../disk/fs-problem.ts';
import { checkLinkText } from '../disk/link-text.ts';
import { TempNames } from '../disk/object-file.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { DiskStore } from './disk-store.ts';
import type { Store } from './store.ts';

/**
 * A folder, or a prefix in a bucket, whose files lie under readable names for everybody; below `.datawf/` it has a store with their
 * bytes. Files are put and taken away one by one, each whole.
 */
export interface Shelf {
  /** How messages name it. */
  readonly url: string;
  /** The bytes of all versions, and what says which they are. */
  readonly store: Store;
  /** Those of the paths at which something lies. */
  taken(paths: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /** Puts a file in place of what lies there; its object is in the store. Throws `outside-link` (exit 2). */
  show(entry: FileEntry, signal: AbortSignal): Promise<void>;
  /** Takes a file away, with the folders that are empty then; an absent one is fine. */
  hide(path: string): Promise<void>;
}

/** A shelf in a folder. Files share their bytes with the store below it where the file system can, and are read-only. */
export class DiskShelf implements Shelf {
  readonly url: string;
  readonly store: DiskStore;
  #temps: TempNames | undefined;

  constructor(folder: string) {
    this.url = folder;
    this.store = new DiskStore(join(folder, '.datawf'));
  }

  async taken(paths: readonly string[]): Promise<readonly string[]> {
    return paths.filter((path) => lstatSync(join(this.url, path), { throwIfNoEntry: false }) !== undefined);
  }

  async show(entry: FileEntry): Promise<void> {
    const file = join(this.url, entry.path);
    const temp = (this.#temps ??= new TempNames(this.store.folder)).next();
    try {
      mkdirSync(dirname(file), { recursive: true });
      if (entry.kind === 'l') {
        const text = Buffer.from(await this.store.readObject(entry.digest)).toString();
        checkLinkText(file, text, this.url);
        symlinkSync(text, temp);
      } else this.#link(entry, temp);
      renameSync(temp, file);
    } catch (error) {
      throw fsProblem(error, 'write', file);
    } finally {
      // A rename of a file onto another name of itself leaves both.
      rmSync(temp, { force: true });
    }
  }

  async hide(path: string): Promise<void> {
    const file = join(this.url, path);
    try {
      rmSync(file, { force: true });
    } catch (error) {
      throw fsProblem(error, 'remove', file);
    }
    for (let folder = dirname(file); folder.length > this.url.length; folder = dirname(folder)) {
      try {
        rmdirSync(folder);
      } catch {
        return;
      }
    }
  }

  #link({ kind, digest }: FileEntry, temp: string): void {
    const object = this.store.objectPath(digest);
    if (kind === 'x') {
      copyFileSync(object, temp);
      chmodSync(temp, 0o755);
      return;
    }
    try {
      linkSync(object, temp);
    } catch {
      // File systems without hard links, or too many of one file.
      copyFileSync(object, temp);
    }
  }
}
