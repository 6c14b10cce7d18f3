import { readFileSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import type { Digest } from '../model/digest.ts';
import { digestHex } from '../util/blake3.ts';
import {
  corruptObject,
  corruptTree,
  missingObject,
  missingSegment,
  missingTree,
  wrongBytes,
} from './faults.ts';
import { checkFileName, checkPrefix, checkSegmentName } from './names.ts';
import type { HeldObject, HeldTree, Store, Traffic } from './store.ts';

/** A store that is gone with the process: for tests, and to plan on what isn't stored yet. */
export class MemoryStore implements Store {
  readonly url = 'memory';
  readonly traffic: Traffic = { requests: 0, bytesUp: 0, bytesDown: 0 };
  readonly #objects = new Map<Digest, Uint8Array>();
  readonly #trees = new Map<Digest, string>();
  readonly #keys = new Map<Digest, string>();
  readonly #segments = new Map<Digest, Map<string, string>>();
  readonly #files = new Map<string, Uint8Array>();

  async missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]> {
    signal?.throwIfAborted();
    return digests.filter((digest) => !this.#objects.has(digest));
  }

  async putObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#objects.has(digest)) return;
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      throw fsProblem(error, 'store', file);
    }
    await this.putBytes(digest, bytes);
  }

  async putBytes(digest: Digest, bytes: Uint8Array): Promise<void> {
    const found = digestHex(bytes);
    if (found !== digest) throw wrongBytes(this.url, digest, found);
    if (!this.#objects.has(digest)) this.#objects.set(digest, bytes.slice());
  }

  async readObject(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#objects.get(digest);
    if (bytes === undefined) throw missingObject(this.url, digest);
    const found = digestHex(bytes);
    if (found !== digest) throw corruptObject(this.url, digest, found);
    return bytes;
  }

  async fetchObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    writeAtomic(file, await this.readObject(digest));
  }

  async *listObjects(): AsyncIterable<HeldObject> {
    for (const [digest, bytes] of this.#objects) yield { digest, size: bytes.byteLength, since: 0 };
  }

  async removeObject(digest: Digest): Promise<void> {
    this.#objects.delete(digest);
  }

  async hasTree(digest: Digest): Promise<boolean> {
    return this.#trees.has(digest);
  }

  async readTree(digest: Digest): Promise<string> {
    const text = this.#trees.get(digest);
    if (text === undefined) throw missingTree(this.url, digest);
    const found = digestHex(text);
    if (found !== digest) throw corruptTree(this.url, digest, `its bytes have the digest ${found}`);
    return text;
  }

  async putTree(digest: Digest, text: string): Promise<void> {
    const found = digestHex(text);
    if (found !== digest) throw wrongBytes(this.url, digest, found);
    this.#trees.set(digest, text);
  }

  async *listTrees(): AsyncIterable<HeldTree> {
    for (const digest of this.#trees.keys()) yield { digest, since: 0 };
  }

  async removeTree(digest: Digest): Promise<void> {
    this.#trees.delete(digest);
  }

  async readKey(codeHalf: Digest): Promise<string | undefined> {
    return this.#keys.get(codeHalf);
  }

  async putKey(codeHalf: Digest, json: string): Promise<void> {
    if (!this.#keys.has(codeHalf)) this.#keys.set(codeHalf, json);
  }

  async removeKey(codeHalf: Digest): Promise<void> {
    this.#keys.delete(codeHalf);
  }

  async listCodeHalves(): Promise<readonly Digest[]> {
    const withResults = [...this.#segments].flatMap(([half, names]) => (names.size > 0 ? [half] : []));
    return [...new Set([...this.#keys.keys(), ...withResults])].sort();
  }

  async listSegments(codeHalf: Digest): Promise<readonly string[]> {
    return [...(this.#segments.get(codeHalf)?.keys() ?? [])].sort();
  }

  async readSegment(codeHalf: Digest, name: string): Promise<string> {
    checkSegmentName(name);
    const text = this.#segments.get(codeHalf)?.get(name);
    if (text === undefined) throw missingSegment(this.url, `${codeHalf}/${name}`);
    return text;
  }

  async makeDurable(): Promise<void> {}

  async putSegment(codeHalf: Digest, name: string, ndjson: string): Promise<void> {
    checkSegmentName(name);
    const segments = this.#segments.get(codeHalf) ?? new Map<string, string>();
    this.#segments.set(codeHalf, segments);
    if (!segments.has(name)) segments.set(name, ndjson);
  }

  async removeSegment(codeHalf: Digest, name: string): Promise<void> {
    checkSegmentName(name);
    this.#segments.get(codeHalf)?.delete(name);
  }

  async readFile(name: string): Promise<Uint8Array | undefined> {
    checkFileName(name);
    return this.#files.get(name);
  }

  async writeFile(
    name: string,
    bytes: Uint8Array,
    options: { readonly replace?: boolean } = {},
  ): Promise<boolean> {
    checkFileName(name);
    if (options.replace !== true && this.#files.has(name)) return false;
    this.#files.set(name, bytes.slice());
    return true;
  }

  async listFiles(prefix: string, limit = Infinity): Promise<readonly string[]> {
    checkPrefix(prefix);
    const names = [...this.#files.keys()].filter((name) => name.startsWith(prefix));
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, limit);
  }

  async removeFile(name: string): Promise<void> {
    checkFileName(name);
    this.#files.delete(name);
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }
}
