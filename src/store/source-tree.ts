import { closeSync, lstatSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { copyHashed, writeAll } from '../disk/copy-hash.ts';
import { errnoOf, fsProblem } from '../disk/fs-problem.ts';
import { compareBytes } from '../model/repo-path.ts';
import { createHasher } from '../util/blake3.ts';
import type { S3Client } from './s3-client.ts';
import type { Head, Sink } from './s3-http.ts';
import { listKeys } from './s3-list.ts';

/** A file of somebody else's: `pin` says which version of it, as far as its place knows; a size alone isn't enough. */
export interface SourceFile {
  /** Below the source; empty for a source that is one file. */
  readonly path: string;
  readonly size: number;
  readonly pin: string;
}

/** What was read of one: its digest, and the version that it was. */
export interface SourceRead extends SourceFile {
  readonly digest: string;
}

/** Files that datawf doesn't keep: a folder, a prefix in a bucket, or one file. They are read and never written. */
export interface SourceTree {
  readonly url: string;
  readonly traffic: { readonly requests: number };
  /** Sorted by path. */
  list(signal: AbortSignal): Promise<readonly SourceFile[]>;
  /**
   * Reads a file as it is now, or that version of it where the place keeps versions, into `to` where one is given. undefined where it
   * is gone.
   */
  read(path: string, options: SourceOptions): Promise<SourceRead | undefined>;
}

export interface SourceOptions {
  readonly pin?: string;
  /** Absolute; a new file. */
  readonly to?: string;
  readonly signal: AbortSignal;
}

/** Files of a folder, or one file; symlinks to files count as those. A version is a size and a time. */
export class DiskSource implements SourceTree {
  readonly url: string;
  readonly traffic = { requests: 0 };

  constructor(folder: string) {
    this.url = folder;
  }

  async list(signal: AbortSignal): Promise<readonly SourceFile[]> {
    const top = lstatSync(this.url, { throwIfNoEntry: false });
    if (top === undefined) return [];
    if (!top.isDirectory()) return [this.#fileAt('')].filter((file) => file !== undefined);
    signal.throwIfAborted();
    const found = readdirSync(this.url, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.url.length + 1));
    return found.flatMap((path) => this.#fileAt(path) ?? []).sort((a, b) => compareBytes(a.path, b.path));
  }

  async read(path: string, { to, signal }: SourceOptions): Promise<SourceRead | undefined> {
    const file = this.#fileAt(path);
    if (file === undefined) return undefined;
    try {
      return { ...file, digest: await copyHashed(join(this.url, path), to, signal) };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fsProblem(error, 'read', join(this.url, path));
    }
  }

  #fileAt(path: string): SourceFile | undefined {
    const stat = statSync(join(this.url, path), { throwIfNoEntry: false });
    return stat?.isFile() === true ? { path, size: stat.size, pin: `time:${stat.mtimeMs}` } : undefined;
  }
}

/** Objects below a prefix of a bucket, or one object. A version is S3's where the bucket keeps versions, else the ETag. */
export class S3Source implements SourceTree {
  readonly url: string;
  readonly #client: S3Client;
  readonly #key: string;

  constructor(client: S3Client) {
    const { bucket, prefix } = client.address;
    this.#client = client;
    this.#key = prefix.replace(/\/$/, '');
    this.url = `s3://${bucket}/${this.#key}`.replace(/\/$/, '');
  }

  get traffic(): { readonly requests: number } {
    return this.#client.traffic;
  }

  async list(signal: AbortSignal): Promise<readonly SourceFile[]> {
    const files: SourceFile[] = [];
    for await (const { key, size, etag } of listKeys(this.#client, { prefix: this.#key, signal })) {
      const rest = this.#key === '' ? `/${key}` : key.slice(this.#key.length);
      // Names ending in / are what consoles make as folders.
      if ((rest !== '' && !rest.startsWith('/')) || rest.endsWith('/')) continue;
      files.push({ path: rest.slice(1), size, pin: `etag:${etag}` });
    }
    const below = files.filter(({ path }) => path !== '');
    return (below.length > 0 ? below : files).sort((a, b) => compareBytes(a.path, b.path));
  }

  async read(path: string, { pin, to, signal }: SourceOptions): Promise<SourceRead | undefined> {
    let hasher = createHasher();
    let fd: number | undefined;
    const close = (): void => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    };
    const sink = ({ status }: Head): Sink | undefined => {
      if (status !== 200) return undefined;
      hasher = createHasher();
      close();
      if (to !== undefined) {
        rmSync(to, { force: true });
        fd = openSync(to, 'wx');
      }
      return (piece) => {
        hasher.update(piece);
        if (fd !== undefined) writeAll(fd, piece);
      };
    };
    const version =
      pin?.startsWith('version:') === true ? pin.slice('version:'.length).split(' ')[0] : undefined;
    try {
      const answer = await this.#client.send({
        method: 'GET',
        action: version === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
        key: [this.#key, path].filter((part) => part !== '').join('/'),
        ...(version === undefined ? {} : { query: { versionId: version } }),
        sink,
        accept: [404, 405],
        signal,
      });
      if (answer.status !== 200) return undefined;
      const { headers } = answer;
      const [own, tag] = [headers['x-amz-version-id'], headers['etag']].map((value) => value?.toString());
      const etag = `etag:${tag ?? ''}`;
      const size = Number(headers['content-length'] ?? 0);
      const isVersion = own !== undefined && own !== 'null';
      return { path, size, pin: isVersion ? `version:${own} ${etag}` : etag, digest: hasher.digestHex() };
    } finally {
      close();
    }
  }
}
