import { fsProblem } from '../disk/fs-problem.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { compareBytes, pathFault } from '../model/repo-path.ts';
import { digestHex } from '../util/blake3.ts';
import { missingObject, missingSegment, treeText, wrongBytes } from './faults.ts';
import { checkFileName, checkPrefix, checkSegmentName, isSegmentName } from './names.ts';
import { NodeCache } from './node-cache.ts';
import type { S3Client } from './s3-client.ts';
import { copyWithin, type CopyRequest } from './s3-copy.ts';
import { downloadFile } from './s3-download.ts';
import { damagedDownload } from './s3-faults.ts';
import { S3Guard } from './s3-guard.ts';
import { listFolders, listKeys } from './s3-list.ts';
import { isThere, listDigests, missingOf } from './s3-presence.ts';
import { createKey, replaceKey } from './s3-put.ts';
import type { PartsCopy } from './s3-sdk.ts';
import { Buffers } from './s3-slots.ts';
import type { S3Tuning } from './s3-tuning.ts';
import { uploadFile } from './s3-upload.ts';
import type { CopyOptions, HeldObject, HeldTree, Store, StoreFacts, Traffic } from './store.ts';

/** What a store needs besides its client. */
export interface Workshop {
  readonly tuning: S3Tuning;
  readonly now: () => number;
  readonly tempFolder: string;
  /** See s3-sdk.ts. */
  readonly copyInParts: (copy: PartsCopy) => Promise<boolean>;
}

/** A store below a prefix of a bucket, as the port has it; what it does beyond one request is in the files beside this one. */
export class S3Bucket implements Store {
  readonly url: string;
  readonly #client: S3Client;
  readonly #guard: S3Guard;
  readonly #workshop: Workshop;
  readonly #buffers: Buffers;
  readonly #nodes = new NodeCache();
  /** Empty, or ending in `/`. */
  readonly #prefix: string;

  constructor(client: S3Client, workshop: Workshop) {
    const { bucket, prefix } = client.address;
    this.url = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#prefix = prefix;
    this.#client = client;
    this.#guard = new S3Guard(client, workshop.tempFolder);
    this.#workshop = workshop;
    this.#buffers = new Buffers(workshop.tuning.memoryBytes);
  }

  get traffic(): Traffic {
    return this.#client.traffic;
  }

  get notices(): readonly string[] {
    return this.#client.notices;
  }

  async missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]> {
    const missing = await missingOf(digests, {
      client: this.#client,
      prefix: `${this.#prefix}objects/`,
      signal,
    });
    if (missing.length > 0) await this.#guard.checkFormat();
    return missing;
  }

  async putObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    const { url } = this;
    const shared = { client: this.#client, guard: this.#guard, buffers: this.#buffers };
    const { tuning, ...rest } = this.#workshop;
    try {
      await uploadFile({
        ...shared,
        ...tuning,
        ...rest,
        url,
        digest,
        file,
        key: this.#objectKey(digest),
        signal,
      });
    } catch (error) {
      throw fsProblem(error, 'store', file);
    }
  }

  async putBytes(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#putContent(this.#objectKey(digest), digest, bytes);
  }

  async readObject(digest: Digest): Promise<Uint8Array> {
    const bytes = await this.#read(this.#objectKey(digest));
    if (bytes === undefined) throw missingObject(this.url, digest);
    const found = digestHex(bytes);
    if (found !== digest) throw damagedDownload(this.url, digest, found);
    return bytes;
  }

  async fetchObject(digest: Digest, file: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { rangeBytes } = this.#workshop.tuning;
    const shared = { client: this.#client, buffers: this.#buffers, rangeBytes };
    const found = await downloadFile({ ...shared, key: this.#objectKey(digest), digest, file, signal });
    if (found === undefined) {
      await this.#guard.checkFormat();
      throw missingObject(this.url, digest);
    }
    if (found !== digest) throw damagedDownload(this.url, digest, found);
  }

  listObjects(): AsyncIterable<HeldObject> {
    return listDigests({ client: this.#client, prefix: `${this.#prefix}objects/` });
  }

  async removeObject(digest: Digest): Promise<void> {
    await this.#remove(this.#objectKey(digest));
  }

  async hasTree(digest: Digest): Promise<boolean> {
    if (this.#nodes.get(digest) !== undefined || (await isThere(this.#client, this.#treeKey(digest))))
      return true;
    await this.#guard.checkFormat();
    return false;
  }

  async readTree(digest: Digest): Promise<string> {
    const known = this.#nodes.get(digest);
    if (known !== undefined) return known;
    const text = treeText(this.url, digest, await this.#read(this.#treeKey(digest)));
    this.#nodes.put(digest, text);
    return text;
  }

  async putTree(digest: Digest, text: string): Promise<void> {
    await this.#putContent(this.#treeKey(digest), digest, Buffer.from(text));
    this.#nodes.put(digest, text);
  }

  async *listTrees(): AsyncIterable<HeldTree> {
    const prefix = `${this.#prefix}trees/`;
    for await (const { digest, since } of listDigests({ client: this.#client, prefix }))
      yield { digest, since };
  }

  async removeTree(digest: Digest): Promise<void> {
    this.#nodes.remove(digest);
    await this.#remove(this.#treeKey(digest));
  }

  async readKey(codeHalf: Digest): Promise<string | undefined> {
    return (await this.#read(`${this.#prefix}keys/${codeHalf}.json`))?.toString();
  }

  async putKey(codeHalf: Digest, json: string): Promise<void> {
    await this.#create(`keys/${codeHalf}.json`, Buffer.from(json));
  }

  async removeKey(codeHalf: Digest): Promise<void> {
    await this.#remove(`${this.#prefix}keys/${codeHalf}.json`);
  }

  async listCodeHalves(): Promise<readonly Digest[]> {
    const found = new Set<string>();
    for (const folder of await listFolders(this.#client, `${this.#prefix}results/`)) {
      found.add(folder.slice(this.#prefix.length + 'results/'.length, -1));
    }
    for (const name of await this.#names('keys/')) found.add(name.replace(/^keys\/(.*)[.]json$/, '$1'));
    return [...found].filter(isDigest).sort();
  }

  async listSegments(codeHalf: Digest): Promise<readonly string[]> {
    const folder = `results/${codeHalf}/`;
    const names = await this.#names(folder);
    return names
      .map((name) => name.slice(folder.length))
      .filter(isSegmentName)
      .sort();
  }

  async readSegment(codeHalf: Digest, name: string): Promise<string> {
    const bytes = await this.#read(this.#segmentKey(codeHalf, name));
    if (bytes === undefined) throw missingSegment(this.url, `${codeHalf}/${name}`);
    return bytes.toString();
  }

  async putSegment(codeHalf: Digest, name: string, ndjson: string): Promise<void> {
    checkSegmentName(name);
    await this.#create(`results/${codeHalf}/${name}`, Buffer.from(ndjson));
  }

  async removeSegment(codeHalf: Digest, name: string): Promise<void> {
    await this.#remove(this.#segmentKey(codeHalf, name));
  }

  async makeDurable(): Promise<void> {
    // S3 answers a write when it is durable.
  }

  async readFile(name: string): Promise<Uint8Array | undefined> {
    checkFileName(name);
    return this.#read(`${this.#prefix}${name}`);
  }

  async writeFile(
    name: string,
    bytes: Uint8Array,
    options: { readonly replace?: boolean } = {},
  ): Promise<boolean> {
    checkFileName(name);
    if (options.replace !== true) return this.#create(name, bytes);
    await this.#guard.prepare();
    await replaceKey(this.#client, `${this.#prefix}${name}`, bytes);
    return true;
  }

  async listFiles(prefix: string, limit = Infinity): Promise<readonly string[]> {
    checkPrefix(prefix);
    const names = await this.#names(prefix, limit);
    return names.filter((name) => pathFault(name) === undefined).sort(compareBytes);
  }

  async removeFile(name: string): Promise<void> {
    checkFileName(name);
    await this.#remove(`${this.#prefix}${name}`);
  }

  async copyObject(digest: Digest, from: Store, { signal, check }: CopyOptions = {}): Promise<boolean> {
    if (!(from instanceof S3Bucket) || from.#client.service !== this.#client.service) return false;
    return this.#copyFrom(from, digest, {
      key: this.#objectKey(digest),
      createOnly: await this.#guard.prepare(),
      check,
      signal,
    });
  }

  /** Copies an object to any key of the bucket in place of what is there; false where the server can't. */
  async copyOut(digest: Digest, key: string, signal?: AbortSignal): Promise<boolean> {
    return this.#copyFrom(this, digest, { key, createOnly: false, replaces: true, signal });
  }

  async #copyFrom(
    from: S3Bucket,
    digest: Digest,
    rest: Pick<CopyRequest, 'key' | 'createOnly' | 'replaces' | 'check' | 'signal'>,
  ): Promise<boolean> {
    const { tuning, copyInParts } = this.#workshop;
    const copied = await copyWithin({
      ...rest,
      client: this.#client,
      source: { client: from.#client, key: from.#objectKey(digest) },
      partBytes: tuning.copyBytes,
      copyInParts,
    });
    if (copied === undefined) throw missingObject(from.url, digest);
    return copied;
  }

  async presign(digest: Digest, seconds: number): Promise<string> {
    const most = 7 * 86_400;
    return this.#client.presign(this.#objectKey(digest), Math.max(1, Math.min(most, Math.floor(seconds))));
  }

  async describe(): Promise<StoreFacts> {
    const isThere = await this.#guard.checkFormat();
    return {
      endpoint: this.#client.endpointUrl,
      region: this.#client.region,
      identity: await this.#client.identity(),
      isThere,
      createOnly: this.#guard.remembered(),
      clockAheadSeconds: Math.round(this.#client.clockAheadMs / 1000),
    };
  }

  async mayWrite(): Promise<boolean | undefined> {
    return this.#guard.mayWrite();
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #objectKey(digest: Digest): string {
    return `${this.#prefix}objects/${digest.slice(0, 2)}/${digest}`;
  }

  #treeKey(digest: Digest): string {
    return `${this.#prefix}trees/${digest.slice(0, 2)}/${digest}`;
  }

  #segmentKey(codeHalf: Digest, name: string): string {
    checkSegmentName(name);
    return `${this.#prefix}results/${codeHalf}/${name}`;
  }

  async #putContent(key: string, digest: Digest, bytes: Uint8Array): Promise<void> {
    const found = digestHex(bytes);
    if (found !== digest) throw wrongBytes(this.url, digest, found);
    await createKey({ client: this.#client, guard: this.#guard, key, bytes, isNamedByContent: true });
  }

  #create(name: string, bytes: Uint8Array): Promise<boolean> {
    const key = `${this.#prefix}${name}`;
    return createKey({ client: this.#client, guard: this.#guard, key, bytes, isNamedByContent: false });
  }

  async #read(key: string): Promise<Buffer | undefined> {
    const answer = await this.#client.send({ method: 'GET', action: 's3:GetObject', key, accept: [404] });
    if (answer.status !== 404) return answer.body;
    await this.#guard.checkFormat();
    return undefined;
  }

  async #remove(key: string): Promise<void> {
    await this.#client.send({ method: 'DELETE', action: 's3:DeleteObject', key, accept: [404] });
  }

  /** Names below a folder of the store, in the server's order. */
  async #names(folder: string, limit = Infinity): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of listKeys(this.#client, { prefix: `${this.#prefix}${folder}`, limit })) {
      names.push(key.slice(this.#prefix.length));
    }
    return names;
  }
}
