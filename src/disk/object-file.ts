import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  utimesSync,
  type Stats,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { damaged, type Problem } from '../model/problem.ts';
import { hashOpenFile } from './read-hash.ts';

/*
 * How a store keeps a file on disk, and how it knows without reading that nobody has touched it since.
 *
 * An object is read-only (0444) and *sealed*: the part of its mtime below the second is derived from its digest, in units
 * of 2 µs. Whoever writes to it, also through a hard link in the work tree and also as root, gets a fresh mtime, which
 * fits the seal once in 500,000 times. So the record of an object's stat lies in the object itself: nothing to keep, to
 * lose or to load, and one `lstat`, which linking needs anyway, checks it. An object that isn't sealed (copied here by
 * other tools) is hashed before it is used, and sealed then. A file system that keeps whole seconds only costs a hash
 * each time and stays right. Sealing moves a time backwards by less than a second; it costs 2 µs a file.
 */

/** Where an object lies in a store's folder: the last segment is what `b3sum` prints. */
export function objectFile(storeFolder: string, digest: string): string {
  return `${storeFolder}/objects/${digest.slice(0, 2)}/${digest}`;
}

/** Makes the folder that an object goes to. */
export function makeObjectFolder(storeFolder: string, digest: string): void {
  mkdirSync(`${storeFolder}/objects/${digest.slice(0, 2)}`, { recursive: true });
}

/** Names for unfinished files in a store, unique among processes and threads. */
export class TempNames {
  readonly #stem: string;
  #made = 0;

  constructor(storeFolder: string) {
    mkdirSync(`${storeFolder}/tmp`, { recursive: true });
    this.#stem = `${storeFolder}/tmp/${randomUUID()}`;
  }

  next(): string {
    return `${this.#stem}-${this.#made++}`;
  }
}

const SEAL_UNIT_MS = 0.002;
const SEALS = 499_999;

/** The seal of a digest, 1 … 499,999: never 0, so that a time cut to whole seconds isn't sealed. */
function sealOf(digest: string): number {
  return (Number.parseInt(digest.slice(0, 8), 16) % SEALS) + 1;
}

/** The latest sealed time not after `mtimeMs`, in seconds as `utimes` takes them: the middle of the seal's 2 µs. */
export function sealedSeconds(mtimeMs: number, digest: string): number {
  const fraction = ((sealOf(digest) + 0.5) * SEAL_UNIT_MS) / 1000;
  const second = Math.floor(mtimeMs / 1000);
  return second + fraction > mtimeMs / 1000 ? second - 1 + fraction : second + fraction;
}

/**
 * Whether a time carries the seal of a digest. Node's `utimes` cuts to whole microseconds or keeps a double's 0.24 µs,
 * by its version: rounded to a microsecond, both stay within the seal's two.
 */
export function hasSealedTime(mtimeMs: number, digest: string): boolean {
  const belowSecond = ((mtimeMs % 1000) + 1000) % 1000;
  return Math.floor(Math.round(belowSecond * 1000) / 2) === sealOf(digest);
}

/** Whether the stat of an object says that it is as it was stored. */
export function isSealed(stat: Stats, digest: string): boolean {
  return (stat.mode & 0o222) === 0 && hasSealedTime(stat.mtimeMs, digest);
}

/** Makes a file read-only and seals it. */
export function sealFile(file: string, digest: string, mtimeMs: number): void {
  chmodSync(file, 0o444);
  const seconds = sealedSeconds(mtimeMs, digest);
  utimesSync(file, seconds, seconds);
}

/** The stat of an object that is as it was stored, undefined for every other: then `vetObject` knows more. One lstat. */
export function sealedStat(file: string, digest: string, size: number | undefined): Stats | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !isSealed(stat, digest)) return undefined;
  return size === undefined || stat.size === size ? stat : undefined;
}

/** An object asked for and its stat. */
export interface VetRequest {
  readonly storeFolder: string;
  readonly digest: Digest;
  /** Bytes it must have; undefined where nobody said. */
  readonly size: number | undefined;
  readonly buffer: Uint8Array;
}

/**
 * The stat of an object that may be used, undefined where there is none. One that isn't sealed is hashed first; one whose
 * bytes aren't its name's goes to `quarantine/` and raises `corrupt-object` (exit 7). Cost when sealed: one lstat.
 */
export function vetObject(request: VetRequest): Stats | undefined {
  const { storeFolder, digest, size } = request;
  const file = objectFile(storeFolder, digest);
  const sealed = sealedStat(file, digest, size);
  if (sealed !== undefined) return sealed;
  return existsSync(file) ? vetByHash(request, file) : undefined;
}

function vetByHash(request: VetRequest, file: string): Stats {
  const { storeFolder, digest, size } = request;
  const fd = openSync(file, 'r');
  let stat: Stats;
  let found: string;
  try {
    stat = fstatSync(fd);
    found = stat.isFile() ? hashOpenFile(fd, stat.size, { buffer: request.buffer }) : '';
  } finally {
    closeSync(fd);
  }
  if (found !== digest) throw quarantine(storeFolder, digest, `its bytes have the digest ${found}`);
  if (size !== undefined && size !== stat.size) throw wrongSize(request, stat.size);
  try {
    sealFile(file, digest, stat.mtimeMs);
  } catch {
    // Not ours to change (a shared store): it is hashed each time.
  }
  return lstatSync(file);
}

/** Moves an object that isn't what its name says out of the way, and answers the problem to throw. */
export function quarantine(storeFolder: string, digest: string, fact: string): Problem {
  mkdirSync(`${storeFolder}/quarantine`, { recursive: true });
  const aside = `${storeFolder}/quarantine/${digest}-${randomUUID().slice(0, 8)}`;
  renameSync(objectFile(storeFolder, digest), aside);
  return damaged(
    'corrupt-object',
    `object ${digest} in ${storeFolder} is damaged: ${fact}`,
    `It was moved to ${aside}. Get it again with \`datawf pull\`, or run the stage that makes it again.`,
  );
}

function wrongSize(request: VetRequest, found: number): Problem {
  return damaged(
    'wrong-size',
    `object ${request.digest} in ${request.storeFolder} has ${found} bytes where the tree says ${request.size ?? '?'}`,
    'The tree that names it is wrong: `datawf verify` finds which.',
  );
}
