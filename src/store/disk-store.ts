import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { TEMP_PREFIX, writeAtomic } from '../disk/atomic-file.ts';
import { copyHashed } from '../disk/copy-hash.ts';
import { errnoOf, fsProblem } from '../disk/fs-problem.ts';
import { syncFiles } from '../disk/sync-files.ts';
import { makeObjectFolder, objectFile, quarantine, sealFile, TempNames } from '../disk/object-file.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { digestHex } from '../util/blake3.ts';
import { missingObject, missingSegment, treeText, wrongBytes } from './faults.ts';
import { listBelow, listNames, removeQuietly } from './folder-list.ts';
import { checkFileName, checkPrefix, checkSegmentName, isSegmentName } from './names.ts';
import { checkFormat, codeHalvesIn, dropKey, explainStore } from './layout.ts';
import { rememberStore } from './mounts.ts';
import { NodeCache } from './node-cache.ts';
import type { HeldObject, HeldTree, Store, Traffic } from './store.ts';

/**
 * A store in a folder (docs/formats.md), made by its first write. Beside the layout that all stores share it has `tmp/`
 * (unfinished files) and `quarantine/` (damaged objects). Its methods use synchronous calls inside: `fs.promises` is 4–5
 * times slower (docs/performance.md).
 */
export class DiskStore implements Store {
  readonly url: string;
  readonly traffic: Traffic = { requests: 0, bytesUp: 0, bytesDown: 0 };
  /** Absolute. */
  readonly folder: string;
  readonly #nodes = new NodeCache();
  /** Written since the last `makeDurable`. */
  readonly #unsynced: string[] = [];
  #checked = false;
  #temps: TempNames | undefined;

  readonly #memory: string | undefined;

  /** `memory`: a file by which a store that was there is told from one that never was, so that an unmounted one isn't taken as empty. */
  constructor(folder: string, memory?: string) {
    this.folder = folder;
    this.url = folder;
    this.#memory = memory;
  }

  /**
   * Makes the folder ready for writing: call it before its path is given to disk's `ingestFiles`. Raises `store-format`
   * (exit 2) where a newer datawf made it.
   */
  prepare(): void {
    this.#check();
    if (this.#temps !== undefined) return;
    try {
      this.#temps = new TempNames(this.folder);
      explainStore(this.folder);
      if (this.#memory !== undefined) rememberStore(this.#memory);
    } catch (error) {
      throw fsProblem(error, 'write to the store', this.folder);
    }
  }

  /** Where an object is or would be. */
  objectPath(digest: Digest): string {
    return objectFile(this.folder, digest);
  }

  hasObjectSync(digest: Digest): boolean {
    return existsSync(this.objectPath(digest));
  }

  /** A folder on the store's file system for unfinished work; made where absent. */
  tempFolder(): string {
    this.prepare();
    return `${this.folder}/tmp`;
  }

  /** A file that is known to have this digest, and that nothing else writes to, becomes the object: no byte is read. */
  adopt(file: string, digest: Digest): void {
    this.prepare();
    try {
      if (this.hasObjectSync(digest)) {
        unlinkSync(file);
        return;
      }
      this.#store(file, digest);
    } catch (error) {
      throw fsProblem(error, 'store', file);
    }
  }

  async missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]> {
    this.#check();
    return digests.filter((digest) => {
      signal?.throwIfAborted();
      return !this.hasObjectSync(digest);
    });
  }

  async putObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    if (this.hasObjectSync(digest)) return;
    const temp = this.#temp();
    try {
      const found = await copyHashed(file, temp, signal);
      if (found !== digest) throw wrongBytes(this.url, digest, found);
      this.#store(temp, digest);
    } catch (error) {
      throw fsProblem(error, 'store', file);
    } finally {
      rmSync(temp, { force: true });
    }
  }

  async putBytes(digest: Digest, bytes: Uint8Array): Promise<void> {
    const found = digestHex(bytes);
    if (found !== digest) throw wrongBytes(this.url, digest, found);
    if (this.hasObjectSync(digest)) return;
    const temp = this.#temp();
    try {
      writeFileSync(temp, bytes, { flag: 'wx' });
      this.#store(temp, digest);
    } catch (error) {
      rmSync(temp, { force: true });
      throw fsProblem(error, 'store', this.objectPath(digest));
    }
  }

  async readObject(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#read(this.objectPath(digest));
    if (bytes === undefined) throw missingObject(this.url, digest);
    const found = digestHex(bytes);
    if (found !== digest) throw quarantine(this.folder, digest, `its bytes have the digest ${found}`);
    return bytes;
  }

  async fetchObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    this.#check();
    const temp = `${dirname(file)}/${TEMP_PREFIX}${digest}-${this.#temp().slice(-12)}`;
    try {
      const found = await copyHashed(this.objectPath(digest), temp, signal);
      if (found !== digest) throw quarantine(this.folder, digest, `its bytes have the digest ${found}`);
      renameSync(temp, file);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && !this.hasObjectSync(digest)) throw missingObject(this.url, digest);
      throw fsProblem(error, 'write', file);
    } finally {
      rmSync(temp, { force: true });
    }
  }

  async *listObjects(): AsyncIterable<HeldObject> {
    for (const digest of this.#listDigests('objects')) {
      const stat = lstatSync(this.objectPath(digest), { throwIfNoEntry: false });
      if (stat !== undefined) yield { digest, size: stat.size, since: stat.ctimeMs };
    }
  }

  async removeObject(digest: Digest): Promise<void> {
    removeQuietly(this.objectPath(digest));
  }

  async hasTree(digest: Digest): Promise<boolean> {
    this.#check();
    return this.#nodes.get(digest) !== undefined || existsSync(this.#treePath(digest));
  }

  async readTree(digest: Digest): Promise<string> {
    const known = this.#nodes.get(digest);
    if (known !== undefined) return known;
    const text = treeText(this.url, digest, this.#read(this.#treePath(digest)));
    this.#nodes.put(digest, text);
    return text;
  }

  async putTree(digest: Digest, text: string): Promise<void> {
    const file = this.#treePath(digest);
    // One that is damaged is written anew: a tree costs less to compare than to explain.
    if (existsSync(file) && this.#read(file)?.equals(Buffer.from(text)) === true) return;
    const found = digestHex(text);
    if (found !== digest) throw wrongBytes(this.url, digest, found);
    writeAtomic(file, text, { tempFolder: this.tempFolder(), mode: 0o444 });
    this.#nodes.put(digest, text);
  }

  async *listTrees(): AsyncIterable<HeldTree> {
    for (const digest of this.#listDigests('trees')) {
      const stat = lstatSync(this.#treePath(digest), { throwIfNoEntry: false });
      if (stat !== undefined) yield { digest, since: stat.ctimeMs };
    }
  }

  async removeTree(digest: Digest): Promise<void> {
    this.#nodes.remove(digest);
    removeQuietly(this.#treePath(digest));
  }

  async readKey(codeHalf: Digest): Promise<string | undefined> {
    return this.#read(`${this.folder}/keys/${codeHalf}.json`)?.toString();
  }

  async putKey(codeHalf: Digest, json: string): Promise<void> {
    const file = `${this.folder}/keys/${codeHalf}.json`;
    if (!existsSync(file)) writeAtomic(file, json, { tempFolder: this.tempFolder() });
  }

  async removeKey(codeHalf: Digest): Promise<void> {
    dropKey(this.folder, codeHalf);
  }

  async listCodeHalves(): Promise<readonly Digest[]> {
    this.#check();
    return codeHalvesIn(this.folder);
  }

  async listSegments(codeHalf: Digest): Promise<readonly string[]> {
    this.#check();
    return listNames(`${this.folder}/results/${codeHalf}`).filter(isSegmentName).sort();
  }

  async readSegment(codeHalf: Digest, name: string): Promise<string> {
    const bytes = this.#read(this.#segmentPath(codeHalf, name));
    if (bytes === undefined) throw missingSegment(this.url, `${codeHalf}/${name}`);
    return bytes.toString();
  }

  async putSegment(codeHalf: Digest, name: string, ndjson: string): Promise<void> {
    const file = this.#segmentPath(codeHalf, name);
    if (!existsSync(file)) {
      writeAtomic(file, ndjson, { tempFolder: this.tempFolder() });
      this.#unsynced.push(file);
    }
  }

  async makeDurable(): Promise<void> {
    const files = this.#unsynced.splice(0);
    await syncFiles(files, this.folder);
  }

  async removeSegment(codeHalf: Digest, name: string): Promise<void> {
    removeQuietly(this.#segmentPath(codeHalf, name));
  }

  async readFile(name: string): Promise<Uint8Array | undefined> {
    checkFileName(name);
    return this.#read(`${this.folder}/${name}`);
  }

  async writeFile(
    name: string,
    bytes: Uint8Array,
    options: { readonly replace?: boolean } = {},
  ): Promise<boolean> {
    checkFileName(name);
    const file = `${this.folder}/${name}`;
    if (options.replace === true) {
      writeAtomic(file, bytes, { tempFolder: this.tempFolder() });
      return true;
    }
    const temp = this.#temp();
    try {
      writeFileSync(temp, bytes, { flag: 'wx' });
      mkdirSync(dirname(file), { recursive: true });
      linkSync(temp, file);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw fsProblem(error, 'write', file);
    } finally {
      rmSync(temp, { force: true });
    }
  }

  async listFiles(prefix: string, limit = Infinity): Promise<readonly string[]> {
    checkPrefix(prefix);
    this.#check();
    return listBelow(this.folder, prefix, limit);
  }

  async removeFile(name: string): Promise<void> {
    checkFileName(name);
    removeQuietly(`${this.folder}/${name}`);
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  /** Once per store: whether this datawf knows its format. A folder without the file is new. */
  #check(): void {
    if (this.#checked) return;
    this.#checked = true;
    const format = this.#read(`${this.folder}/FORMAT`)?.toString();
    try {
      checkFormat(this.folder, format, this.#memory);
    } catch (error) {
      this.#checked = false;
      throw error;
    }
  }

  #temp(): string {
    this.prepare();
    return (this.#temps ??= new TempNames(this.folder)).next();
  }

  #store(temp: string, digest: Digest): void {
    sealFile(temp, digest, lstatSync(temp).mtimeMs);
    makeObjectFolder(this.folder, digest);
    renameSync(temp, this.objectPath(digest));
  }

  #treePath(digest: Digest): string {
    return `${this.folder}/trees/${digest.slice(0, 2)}/${digest}`;
  }

  #segmentPath(codeHalf: Digest, name: string): string {
    checkSegmentName(name);
    return `${this.folder}/results/${codeHalf}/${name}`;
  }

  #read(file: string): Buffer | undefined {
    this.#check();
    try {
      return readFileSync(file);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
      throw fsProblem(error, 'read', file);
    }
  }

  *#listDigests(top: 'objects' | 'trees'): Iterable<Digest> {
    this.#check();
    for (const pair of listNames(`${this.folder}/${top}`)) {
      for (const name of listNames(`${this.folder}/${top}/${pair}`)) {
        if (isDigest(name) && name.startsWith(pair)) yield name;
      }
    }
  }
}
