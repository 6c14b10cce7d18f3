import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { invalid, Problem } from '../model/problem.ts';
import { FORMAT, README, RECOVER, RECOVER_VERSION, recoverVersion } from './recovery.ts';
import type { S3Client } from './s3-client.ts';

/**
 * What has to be known of a store before it is written to: whether this datawf knows its format, and whether the server
 * honours `If-None-Match: *`. The first costs a GET a process, the second a PUT once, and is remembered in a file.
 */
export class S3Guard {
  readonly #client: S3Client;
  readonly #memoryFile: string;
  #format: Promise<boolean> | undefined;
  #ready: Promise<boolean> | undefined;

  /** `tempFolder` is where what was learnt is kept. */
  constructor(client: S3Client, tempFolder: string) {
    const { bucket, prefix } = client.address;
    this.#client = client;
    const name = hash('sha256', `${client.endpointUrl}\n${bucket}\n${prefix}`, 'hex').slice(0, 16);
    this.#memoryFile = `${tempFolder}/s3-${name}.json`;
  }

  /**
   * Call it where something isn't there that was asked for, and before writing: raises `store-format` (exit 2) where a
   * newer datawf made the store, or says why the bucket can't be asked. Answers whether there is a store already.
   */
  checkFormat(): Promise<boolean> {
    return (this.#format ??= this.#readFormat().catch((error: unknown) => {
      this.#format = undefined;
      throw error;
    }));
  }

  /** Call it before writing: explains a new store, and answers whether create-only writes are honoured. */
  prepare(): Promise<boolean> {
    return (this.#ready ??= this.#makeReady().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    }));
  }

  /** What `prepare` once found; undefined where nobody has written from here. */
  remembered(): boolean | undefined {
    const { createOnly } = this.#memory();
    return typeof createOnly === 'boolean' ? createOnly : undefined;
  }

  #memory(): { readonly createOnly?: unknown; readonly recover?: unknown } {
    try {
      return JSON.parse(readFileSync(this.#memoryFile, 'utf8')) as object;
    } catch {
      return {};
    }
  }

  /** As the port has it: FORMAT is asked to be created with the bytes that it has. */
  async mayWrite(): Promise<boolean | undefined> {
    if (!(await this.checkFormat())) return undefined;
    try {
      await this.#put('FORMAT', FORMAT, { 'if-none-match': '*' });
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'access-denied') return false;
      throw error;
    }
  }

  async #readFormat(): Promise<boolean> {
    const answer = await this.#client.send({
      method: 'GET',
      action: 's3:GetObject',
      key: this.#key('FORMAT'),
      accept: [404],
    });
    if (answer.status === 404) return false;
    const format = answer.body.toString();
    if (format === FORMAT) return true;
    throw invalid(
      'store-format',
      `s3://${this.#client.address.bucket}/${this.#client.address.prefix} says it is ${JSON.stringify(format.trim().slice(0, 60))}, which this version of datawf doesn't know`,
      'Install a newer datawf, or use another prefix.',
    );
  }

  async #makeReady(): Promise<boolean> {
    const isThere = await this.checkFormat();
    if (!isThere) {
      await Promise.all([this.#put('README.txt', README), this.#put('recover.sh', RECOVER)]);
      await this.#put('FORMAT', FORMAT);
      this.#format = Promise.resolve(true);
    } else if (this.#memory().recover !== RECOVER_VERSION) await this.#refresh();
    return this.remembered() ?? (await this.#probe());
  }

  /** A store of an older datawf gets the script of this one; looked at once from each clone. */
  async #refresh(): Promise<void> {
    const key = this.#key('recover.sh');
    const answer = await this.#client.send({ method: 'GET', action: 's3:GetObject', key, accept: [404] });
    if (recoverVersion(answer.status === 404 ? '' : answer.body.toString()) < RECOVER_VERSION)
      await Promise.all([this.#put('README.txt', README), this.#put('recover.sh', RECOVER)]);
    const createOnly = this.remembered();
    if (createOnly !== undefined) this.#remember(createOnly);
  }

  #remember(createOnly: boolean): void {
    writeAtomic(this.#memoryFile, `${JSON.stringify({ createOnly, recover: RECOVER_VERSION })}\n`);
  }

  /** FORMAT is there with these very bytes: a create-only PUT of it is refused where such writes are honoured. */
  async #probe(): Promise<boolean> {
    const answer = await this.#put('FORMAT', FORMAT, { 'if-none-match': '*' });
    const createOnly = answer === 412;
    this.#remember(createOnly);
    return createOnly;
  }

  async #put(name: string, text: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const accept = [400, 412, 501];
    const call = { method: 'PUT', action: 's3:PutObject', key: this.#key(name), headers } as const;
    const conditional = 'if-none-match' in headers;
    const answer = await this.#client.send({
      ...call,
      body: Buffer.from(text),
      ...(conditional ? { accept } : {}),
    });
    return answer.status;
  }

  #key(name: string): string {
    return `${this.#client.address.prefix}${name}`;
  }
}
