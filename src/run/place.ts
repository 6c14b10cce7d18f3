import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { errnoOf } from '../disk/fs-problem.ts';
import { isSealed, objectFile, quarantine, vetObject } from '../disk/object-file.ts';
import { hashOpenFile, READ_SIZE } from '../disk/read-hash.ts';
import { parentOf } from '../model/repo-path.ts';
import { digestHex } from '../util/blake3.ts';
import type { SandboxFile } from './runner.ts';
import { SandboxFault } from './sandbox-fault.ts';

/** What a file in a sandbox looked like when it was put there. */
export interface Placed {
  readonly file: SandboxFile;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly mode: number;
  /** One inode with the store's object, so a write to it damages the object. */
  readonly shared: boolean;
}

export interface PlaceOptions {
  /** Absolute root of the working tree. */
  readonly root: string;
  readonly storeFolder: string;
  /** Bytes up to which inputs are copied instead of hard linked. */
  readonly copyBelow: number;
}

/** Puts files into sandboxes. */
export interface Placer {
  /**
   * Puts one file at an absolute path (its folder is there, it isn't), read-only and with the content that its digest says.
   * A SandboxFault where that can't be had; errors of the file system as they come. About 15 µs for a link, 40 µs for a copy
   * of a small file; bytes that are copied are hashed, those that are linked are trusted while their object is sealed.
   */
  place(file: SandboxFile, target: string): Placed;
  /** A symlink's target as its object or the working tree has it. A SandboxFault where it leaves the repository. */
  linkText(file: SandboxFile): string;
}

/** Workspace files up to this size are kept, so that an edit during a run doesn't reach the sandboxes that come later. */
const KEPT_FILE = 64 << 10;
const KEPT_TOTAL = 16 << 20;

export function createPlacer(options: PlaceOptions): Placer {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const kept = new Map<string, Buffer>();
  let keptBytes = 0;
  let canLink = true;

  const keep = (digest: string, bytes: Uint8Array): void => {
    if (bytes.length > KEPT_FILE || keptBytes + bytes.length > KEPT_TOTAL || kept.has(digest)) return;
    keptBytes += bytes.length;
    kept.set(digest, Buffer.from(bytes));
  };

  const fromStore = (file: SandboxFile, target: string): Placed => {
    const object = objectFile(options.storeFolder, file.digest);
    if (canLink && file.kind === 'f' && file.size > options.copyBelow) {
      const linked = linkObject(file, object, target);
      if (linked !== undefined) return linked;
    }
    vet(file);
    return copyIn(file, object, target);
  };

  const linkObject = (file: SandboxFile, object: string, target: string): Placed | undefined => {
    try {
      linkSync(object, target);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') throw missingObject(file);
      if (errno !== 'EMLINK' && errno !== 'EXDEV' && errno !== 'EPERM') throw error;
      canLink = errno === 'EMLINK';
      return undefined;
    }
    const stat = lstatSync(target);
    if (isSealed(stat, file.digest) && stat.size === file.size) return placed(file, stat, true);
    unlinkSync(target);
    vet(file);
    linkSync(object, target);
    return placed(file, lstatSync(target), true);
  };

  const vet = (file: SandboxFile): void => {
    const stat = vetObject({
      storeFolder: options.storeFolder,
      digest: file.digest,
      size: file.size,
      buffer,
    });
    if (stat === undefined) throw missingObject(file);
  };

  /** Copies a file and makes sure that the copy is what it must be, whatever happens to the original meanwhile. */
  const copyIn = (file: SandboxFile, source: string, target: string): Placed => {
    if (file.size <= buffer.length) {
      const bytes = readUpTo(source, buffer);
      if (bytes === undefined || digestHex(bytes) !== file.digest)
        throw otherContent(file, options.storeFolder);
      if (file.from === 'workspace') keep(file.digest, bytes);
      return writeFile(file, bytes, target);
    }
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    chmodSync(target, modeOf(file));
    const fd = openSync(target, 'r');
    try {
      const stat = fstatSync(fd);
      if (hashOpenFile(fd, stat.size, { buffer }) !== file.digest)
        throw otherContent(file, options.storeFolder);
      return placed(file, stat, false);
    } finally {
      closeSync(fd);
    }
  };

  const fromWorkspace = (file: SandboxFile, target: string): Placed => {
    const known = kept.get(file.digest);
    if (known !== undefined) return writeFile(file, known, target);
    try {
      return copyIn(file, `${options.root}/${file.path}`, target);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EISDIR')
        throw otherContent(file, options.storeFolder);
      throw error;
    }
  };

  const placeLink = (file: SandboxFile, target: string): Placed => {
    symlinkSync(linkText(file, options, buffer), target);
    return placed(file, lstatSync(target), false);
  };

  return {
    linkText: (file) => linkText(file, options, buffer),
    place: (file, target) => {
      if (file.kind === 'l') return placeLink(file, target);
      return file.from === 'store' ? fromStore(file, target) : fromWorkspace(file, target);
    },
  };
}

function modeOf(file: SandboxFile): number {
  return file.kind === 'x' ? 0o555 : 0o444;
}

function placed(file: SandboxFile, stat: Stats, shared: boolean): Placed {
  return { file, ino: stat.ino, size: stat.size, mtimeMs: stat.mtimeMs, mode: stat.mode, shared };
}

function writeFile(file: SandboxFile, bytes: Uint8Array, target: string): Placed {
  const fd = openSync(target, 'wx', modeOf(file));
  try {
    for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from);
    return placed(file, fstatSync(fd), false);
  } finally {
    closeSync(fd);
  }
}

/** The file's bytes in the buffer, undefined where they don't fit. */
function readUpTo(source: string, buffer: Buffer): Uint8Array | undefined {
  const fd = openSync(source, 'r');
  try {
    let read = 0;
    for (let more = -1; more !== 0 && read < buffer.length; read += more) {
      more = readSync(fd, buffer, read, buffer.length - read, null);
    }
    if (read === buffer.length && fstatSync(fd).size !== read) return undefined;
    return buffer.subarray(0, read);
  } finally {
    closeSync(fd);
  }
}

/** A symlink's target as its object or the working tree has it; it must stay in the repository. */
function linkText(file: SandboxFile, options: PlaceOptions, buffer: Buffer): string {
  const source =
    file.from === 'store' ? objectFile(options.storeFolder, file.digest) : `${options.root}/${file.path}`;
  const bytes = file.from === 'store' ? readUpTo(source, buffer) : readlinkSync(source, 'buffer');
  if (bytes === undefined || digestHex(bytes) !== file.digest) throw otherContent(file, options.storeFolder);
  const text = Buffer.from(bytes).toString();
  const steps = `${parentOf(file.path)}/${text}`.split('/').filter((step) => step !== '' && step !== '.');
  let depth = 0;
  for (const step of steps) {
    depth += step === '..' ? -1 : 1;
    if (depth < 0) break;
  }
  if (depth >= 0 && !text.startsWith('/')) return text;
  throw new SandboxFault({
    class: 'user',
    code: 'outside-link',
    message: `the input ${file.path} is a symlink that leaves the repository (to ${text})`,
    hint: 'Add the file that it points to instead.',
    paths: [file.path],
    retry: false,
  });
}

function missingObject(file: SandboxFile): SandboxFault {
  return new SandboxFault({
    class: 'infra',
    code: 'missing-object',
    message: `the content of the input ${file.path} (${file.digest}) is not in the local store`,
    hint: 'Get it with `datawf pull`, or run the stage that makes it again.',
    paths: [file.path],
    retry: false,
  });
}

function otherContent(file: SandboxFile, storeFolder: string): Error {
  if (file.from === 'store') return quarantine(storeFolder, file.digest, 'its bytes have another digest');
  return new SandboxFault({
    class: 'user',
    code: 'input-edited',
    message: `${file.path} was changed or removed after this run had looked at it`,
    hint: 'Run the same command again: it works with what is there then.',
    paths: [file.path],
    retry: false,
  });
}
