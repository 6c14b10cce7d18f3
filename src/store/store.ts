import type { Digest } from '../model/digest.ts';

/** What a store was asked and what moved, since it was opened. A folder counts no requests. */
export interface Traffic {
  readonly requests: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** An object as a listing shows it. */
export interface HeldObject {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** When it came, or was last looked at as a link: epoch milliseconds, never too early. */
  readonly since: number;
}

/** A node of a tree as a listing shows it; `since` as for objects. */
export interface HeldTree {
  readonly digest: Digest;
  readonly since: number;
}

/** Where whoever has no datawf can read an object, or ranges of it. */
export interface ObjectPlace {
  /** `https:`, signed for this object and some time, or `file:`. */
  readonly url: string;
  /** `s3://bucket/key`, of an object in a bucket. */
  readonly s3?: string;
}

/** Answers places of objects, each of the first store that has it; those that none has are left out. */
export type FindPlaces = (
  digests: readonly Digest[],
  /** How long signed URLs hold; no longer than the session of who signs. */
  seconds: number,
  signal: AbortSignal,
) => Promise<ReadonlyMap<Digest, ObjectPlace>>;

/** What a store in a bucket says of itself, for `doctor`. */
export interface StoreFacts {
  /** Of the server, as a URL. */
  readonly endpoint: string;
  readonly region: string;
  /** Who asks, without secrets. */
  readonly identity: string;
  /** Whether there is a store already; without one the first write makes it. */
  readonly isThere: boolean;
  /** Whether a write that must not replace anything is honoured; undefined until somebody has written from here. */
  readonly createOnly: boolean | undefined;
  /** How far the server's clock is ahead of this machine's, where that is minutes; else 0. */
  readonly clockAheadSeconds: number;
}

/** How an object is copied within a server. */
export interface CopyOptions {
  readonly signal?: AbortSignal;
  /** Throws where the bytes to copy aren't right. */
  readonly check?: () => Promise<void>;
}

/**
 * Bytes by digest, listings by digest, results by code half, and named small files: one layout on disk and on S3
 * (docs/formats.md). This comment and the suite test/contract/store.ts are the specification of every implementer.
 *
 * - Objects, trees, keys and result segments are create-only; "already there" is success and costs no upload.
 * - A write is all or nothing: readers see the whole or none, also after `kill -9`.
 * - Every read verifies: wrong bytes raise a Problem `corrupt-object` / `corrupt-tree` (exit 7) that names the digest and
 *   the store; an absent one raises `missing-object` / `missing-tree` (exit 4).
 * - Names of files are untrusted: only the names of the layout are accepted.
 */
export interface Store {
  /** How messages name it: a folder or a URL. */
  readonly url: string;
  readonly traffic: Traffic;
  /** Absolute, of a store that is a folder of this machine. */
  readonly folder?: string;

  /** Those of the digests that the store doesn't have, in the order given. Looks at presence, not at bytes. */
  missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]>;
  /** Stores a file's bytes under their digest; the bytes are hashed on the way and refused when they differ (`corrupt-object`). */
  putObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void>;
  /** Stores bytes held in memory. */
  putBytes(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Whole object, verified; for small ones. */
  readObject(digest: Digest): Promise<Uint8Array>;
  /** Writes an object to a new file (absolute path, parent exists) by temp + rename, verified while it is written. */
  fetchObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void>;
  /** Objects held, in no order. */
  listObjects(): AsyncIterable<HeldObject>;
  removeObject(digest: Digest): Promise<void>;

  hasTree(digest: Digest): Promise<boolean>;
  /** Text of one node of a tree (docs/formats.md), verified. */
  readTree(digest: Digest): Promise<string>;
  putTree(digest: Digest, text: string): Promise<void>;
  listTrees(): AsyncIterable<HeldTree>;
  removeTree(digest: Digest): Promise<void>;

  /** Readable code half (canonical JSON) or undefined. */
  readKey(codeHalf: Digest): Promise<string | undefined>;
  putKey(codeHalf: Digest, json: string): Promise<void>;
  /** Absent ones are fine. */
  removeKey(codeHalf: Digest): Promise<void>;
  /** Code halves that have results or a key, sorted. */
  listCodeHalves(): Promise<readonly Digest[]>;

  /** Names of the result segments of a code half, sorted. */
  listSegments(codeHalf: Digest): Promise<readonly string[]>;
  /** NDJSON of one segment. A line cut short at its end (power loss) is the reader's to ignore. */
  readSegment(codeHalf: Digest, name: string): Promise<string>;
  putSegment(codeHalf: Digest, name: string, ndjson: string): Promise<void>;
  /** For segments that were merged into another; absent ones are fine. */
  removeSegment(codeHalf: Digest, name: string): Promise<void>;

  /** When it resolves, what was put before survives the loss of power too. */
  makeDurable(): Promise<void>;

  /** Small named files below `refs/`, `runs/`, `logs/`: undefined where absent. */
  readFile(name: string): Promise<Uint8Array | undefined>;
  /** Creates; with `replace` overwrites. Without it an existing file stays and the answer is false. */
  writeFile(name: string, bytes: Uint8Array, options?: { readonly replace?: boolean }): Promise<boolean>;
  /** Names below a prefix ending in `/`, sorted by bytes; at most `limit`. */
  listFiles(prefix: string, limit?: number): Promise<readonly string[]>;
  removeFile(name: string): Promise<void>;

  /**
   * Copies an object that another store has without moving its bytes through here; true where it is here then, false
   * where the two can't do that. What is copied isn't verified, unless `check` does: it reads the other's object, and only the
   * version that was there before it is copied. Raises `missing-object` where the other doesn't have it.
   */
  copyObject?(digest: Digest, from: Store, options?: CopyOptions): Promise<boolean>;
  /** An https URL that lets whoever has it read this one object, for so many seconds and no longer than the session that signed it. */
  presign?(digest: Digest, seconds: number): Promise<string>;
  /** Asks the server about itself: one or two requests; raises what any other request would. */
  describe?(): Promise<StoreFacts>;
  /** Whether whoever asks may write here, found out without changing a byte; undefined where there is no store to try it on. */
  mayWrite?(): Promise<boolean | undefined>;
  /** What a user should know although it stopped nothing, such as a wrong clock; grows while the store is used. */
  readonly notices?: readonly string[];

  close(): Promise<void>;
}
