import {
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import { TEMP_PREFIX } from './atomic-file.ts';
import { KIND, WAY } from './file-columns.ts';
import { errnoOf, fsProblem } from './fs-problem.ts';
import { REFLINK_MIN, saysUnable, WayMemory, type LinkWay } from './link-way.ts';
import {
  hasSealedTime,
  makeObjectFolder,
  objectFile,
  sealedSeconds,
  sealFile,
  TempNames,
  vetObject,
} from './object-file.ts';

/** See `IngestOptions.mode`. */
export type IngestMode = 'link' | 'move' | 'copy';

export interface IngesterOptions {
  readonly storeFolder: string;
  readonly mode: IngestMode;
  readonly links: readonly LinkWay[];
  /** The read buffer: holds the whole of a file just hashed that is smaller than it. */
  readonly buffer: Uint8Array;
}

/** A file just hashed: open, and unchanged since. */
export interface HashedFile {
  readonly file: string;
  readonly fd: number;
  readonly kind: number;
  readonly digest: Digest;
  readonly stat: Stats;
}

/** What was learnt of one file; without `stat` there was none. */
export interface FileFacts {
  /** A `KIND` code. */
  readonly kind: number;
  readonly digest: string;
  readonly size: number;
  readonly stat: Stats | undefined;
  /** A `WAY` code. */
  readonly way: number;
}

/** Turns hashed files into objects of a store; one per thread. */
export class Ingester {
  readonly #options: IngesterOptions;
  readonly #temps: TempNames;
  readonly #memory = new WayMemory();

  constructor(options: IngesterOptions) {
    this.#options = options;
    this.#temps = new TempNames(options.storeFolder);
  }

  /** Stores a file by the mode; undefined where it changed meanwhile and is to be hashed again. */
  storeFile(hashed: HashedFile): FileFacts | undefined {
    try {
      switch (this.#options.mode) {
        case 'link':
          return this.#shareFile(hashed);
        case 'move':
          return this.#moveFile(hashed);
        case 'copy':
          return this.#copyFile(hashed);
      }
    } catch (error) {
      if (error instanceof ChangedMeanwhile) return undefined;
      throw fsProblem(error, 'store', hashed.file);
    }
  }

  /** Stores bytes held in memory. */
  storeBytes(digest: Digest, bytes: Uint8Array): void {
    if (this.#vet(digest, bytes.byteLength) !== undefined) return;
    const temp = this.#temps.next();
    writeFileSync(temp, bytes, { flag: 'wx' });
    this.#finish(temp, digest, lstatSync(temp).mtimeMs);
  }

  #shareFile(hashed: HashedFile): FileFacts | undefined {
    const { stat, kind } = hashed;
    for (const way of this.#options.links) {
      if (!this.#memory.isAble(way, stat.dev)) continue;
      if (way === 'reflink') {
        if (stat.size >= REFLINK_MIN && this.#reflink(hashed)) return this.#keepReadOnly(hashed, WAY.reflink);
      } else if (way === 'hardlink') {
        if (kind !== KIND.file) continue;
        const shared = this.#hardlink(hashed);
        if (shared !== 'unable') return shared;
      } else if (way === 'symlink') {
        if (kind === KIND.file) return this.#replaceBySymlink(hashed);
      } else break;
    }
    this.#copyIn(hashed);
    return this.#keepReadOnly(hashed, WAY.copy);
  }

  /** One inode for the file and the object. 8 µs a file: seal, link and look again, all on what is open already. */
  #hardlink(hashed: HashedFile): FileFacts | 'unable' | undefined {
    const { file, fd, digest, stat } = hashed;
    const object = objectFile(this.#options.storeFolder, digest);
    try {
      sealOpen(fd, stat, digest);
      linkMakingFolder(file, object, () => makeObjectFolder(this.#options.storeFolder, digest));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EEXIST') return this.#joinExisting(hashed, object);
      if (errno === 'EMLINK') return this.#keepOwn(hashed);
      if (!saysUnable(errno)) throw error;
      if (errno === 'EXDEV' || errno === 'ENOTSUP' || errno === 'ENOSYS')
        this.#memory.forget('hardlink', stat.dev);
      return 'unable';
    }
    const after = fstatSync(fd);
    const isObject = after.nlink === stat.nlink + 1 || lstatSync(object).ino === after.ino;
    if (isObject && after.size === stat.size && hasSealedTime(after.mtimeMs, digest)) {
      return { kind: KIND.file, digest, size: after.size, stat: after, way: WAY.hardlink };
    }
    unlinkSync(object);
    return undefined;
  }

  /** The object was there before: the file becomes a link to it. */
  #joinExisting(hashed: HashedFile, object: string): FileFacts | undefined {
    const { file, digest, stat } = hashed;
    const held = this.#vet(digest, stat.size);
    if (held === undefined) return undefined;
    if (held.ino !== stat.ino || held.dev !== stat.dev) {
      const temp = this.#temps.next();
      try {
        linkSync(object, temp);
        if (lstatSync(file).ino !== stat.ino) return undefined;
        renameSync(temp, file);
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'EMLINK' || saysUnable(errno)) return this.#keepReadOnly(hashed, WAY.copy);
        throw error;
      } finally {
        rmSync(temp, { force: true });
      }
    }
    return { kind: KIND.file, digest, size: stat.size, stat: lstatSync(file), way: WAY.hardlink };
  }

  #keepOwn(hashed: HashedFile): FileFacts {
    this.#copyIn(hashed);
    return this.#keepReadOnly(hashed, WAY.copy);
  }

  /** The file keeps its own inode and loses its write bits. */
  #keepReadOnly(hashed: HashedFile, way: number): FileFacts {
    const { file, fd, kind, digest } = hashed;
    try {
      fchmodSync(fd, kind === KIND.executable ? 0o555 : 0o444);
    } catch (error) {
      if (errnoOf(error) !== 'EPERM') throw fsProblem(error, 'make read-only', file);
    }
    const stat = fstatSync(fd);
    return { kind, digest, size: stat.size, stat, way };
  }

  #replaceBySymlink(hashed: HashedFile): FileFacts {
    const { file, digest, stat } = hashed;
    this.#copyIn(hashed);
    const temp = `${dirname(file)}/${TEMP_PREFIX}${randomUUID()}`;
    symlinkSync(objectFile(this.#options.storeFolder, digest), temp);
    renameSync(temp, file);
    return { kind: KIND.file, digest, size: stat.size, stat: lstatSync(file), way: WAY.symlink };
  }

  #moveFile(hashed: HashedFile): FileFacts | undefined {
    const { file, fd, kind, digest, stat } = hashed;
    const object = objectFile(this.#options.storeFolder, digest);
    const held = this.#vet(digest, stat.size);
    if (held !== undefined) {
      if (held.ino !== stat.ino) unlinkSync(file);
      return { kind, digest, size: stat.size, stat: held, way: WAY.own };
    }
    try {
      sealOpen(fd, stat, digest);
      makeObjectFolder(this.#options.storeFolder, digest);
      renameSync(file, object);
    } catch (error) {
      if (!saysUnable(errnoOf(error))) throw error;
      this.#copyIn(hashed);
      unlinkSync(file);
    }
    const after = lstatSync(object);
    if (after.size !== stat.size || !hasSealedTime(after.mtimeMs, digest)) {
      renameSync(object, file);
      return undefined;
    }
    return { kind, digest, size: stat.size, stat: after, way: WAY.own };
  }

  #copyFile(hashed: HashedFile): FileFacts {
    this.#copyIn(hashed);
    const { kind, digest, stat } = hashed;
    return { kind, digest, size: stat.size, stat, way: WAY.own };
  }

  #reflink(hashed: HashedFile): boolean {
    const { file, digest, stat } = hashed;
    if (this.#vet(digest, stat.size) !== undefined) return true;
    const temp = this.#temps.next();
    try {
      copyFileSync(file, temp, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    } catch (error) {
      rmSync(temp, { force: true });
      if (!saysUnable(errnoOf(error))) throw error;
      this.#memory.forget('reflink', stat.dev);
      return false;
    }
    this.#finishCopy(temp, hashed);
    return true;
  }

  /** Bytes of a file into an object of its own: from memory where the file was small enough to be there whole. */
  #copyIn(hashed: HashedFile): void {
    const { file, digest, stat } = hashed;
    if (this.#vet(digest, stat.size) !== undefined) return;
    const temp = this.#temps.next();
    if (stat.size < this.#options.buffer.byteLength) {
      writeFileSync(temp, this.#options.buffer.subarray(0, stat.size), { flag: 'wx' });
      this.#finish(temp, digest, stat.mtimeMs);
      return;
    }
    copyFileSync(file, temp, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    this.#finishCopy(temp, hashed);
  }

  /** The copy counts only where its source is still what was hashed. */
  #finishCopy(temp: string, hashed: HashedFile): void {
    const after = lstatSync(hashed.file);
    const { stat } = hashed;
    if (after.ino !== stat.ino || after.size !== stat.size || after.mtimeMs !== stat.mtimeMs) {
      rmSync(temp, { force: true });
      throw new ChangedMeanwhile();
    }
    this.#finish(temp, hashed.digest, stat.mtimeMs);
  }

  #finish(temp: string, digest: Digest, mtimeMs: number): void {
    sealFile(temp, digest, mtimeMs);
    makeObjectFolder(this.#options.storeFolder, digest);
    renameSync(temp, objectFile(this.#options.storeFolder, digest));
  }

  /** A damaged object is put aside; the file at hand takes its place. */
  #vet(digest: Digest, size: number): Stats | undefined {
    const { storeFolder, buffer } = this.#options;
    try {
      return vetObject({ storeFolder, digest, size, buffer });
    } catch (error) {
      if (error instanceof Problem && error.code === 'corrupt-object') return undefined;
      throw error;
    }
  }
}

/** The source of a copy is no longer what was hashed. */
class ChangedMeanwhile extends Error {}

/** Read-only and sealed, through what is open; nothing where it is that already. */
function sealOpen(fd: number, stat: Stats, digest: string): void {
  if ((stat.mode & 0o777) !== 0o444) fchmodSync(fd, 0o444);
  if (!hasSealedTime(stat.mtimeMs, digest)) {
    futimesSync(fd, stat.atimeMs / 1000, sealedSeconds(stat.mtimeMs, digest));
  }
}

function linkMakingFolder(from: string, to: string, makeFolder: () => void): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder();
    linkSync(from, to);
  }
}
