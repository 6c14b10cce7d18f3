import type { FileEntry } from '../model/file-entry.ts';
import { refused } from '../model/problem.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { S3Client } from './s3-client.ts';
import { listKeys } from './s3-list.ts';
import { isThere } from './s3-presence.ts';
import { inParallel } from './s3-slots.ts';
import type { Shelf } from './shelf.ts';

/** Paths that are asked for one by one; more are looked up in a listing. */
const FEW = 64;

/** A shelf below a prefix of a bucket; the server copies what is shown from the store below it. */
export class S3Shelf implements Shelf {
  readonly url: string;
  readonly store: S3Bucket;
  readonly #client: S3Client;
  /** Empty, or ending in `/`. */
  readonly #prefix: string;

  /** The store lies in `.datawf/` of the shelf. */
  constructor(store: S3Bucket, client: S3Client) {
    const { bucket, prefix } = client.address;
    this.store = store;
    this.#client = client;
    this.#prefix = prefix.slice(0, -'.datawf/'.length);
    this.url = `s3://${bucket}/${this.#prefix}`.replace(/\/$/, '');
  }

  async taken(paths: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const held = new Set<string>();
    if (paths.length > FEW) {
      const request = { prefix: this.#prefix, limit: Infinity, signal };
      for await (const { key } of listKeys(this.#client, request)) held.add(key.slice(this.#prefix.length));
    } else {
      await inParallel(paths, FEW, async (path) => {
        if (await isThere(this.#client, `${this.#prefix}${path}`, signal)) held.add(path);
      });
    }
    return paths.filter((path) => held.has(path));
  }

  async show({ kind, digest, path }: FileEntry, signal: AbortSignal): Promise<void> {
    // A bucket has no links: who follows the list finds its target there.
    if (kind === 'l') return;
    if (await this.store.copyOut(digest, `${this.#prefix}${path}`, signal)) return;
    throw refused(
      'no-copies',
      `the server of ${this.url} doesn't copy objects within the bucket`,
      'Publish to a server that does, or to a folder.',
    );
  }

  async hide(path: string): Promise<void> {
    const key = `${this.#prefix}${path}`;
    await this.#client.send({ method: 'DELETE', action: 's3:DeleteObject', key, accept: [404] });
  }
}
