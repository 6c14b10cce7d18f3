import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as rules see it. */
export interface FakeRequest {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What goes wrong with a request instead of its answer. */
export type Fault =
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly extra?: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection ends without an answer. */
  | { readonly kind: 'reset' }
  /** It is done, and the answer lost. */
  | { readonly kind: 'lost-answer' }
  /** No answer ever. */
  | { readonly kind: 'hang' }
  /** The body ends halfway. */
  | { readonly kind: 'truncate' }
  /** A byte of the body is another. */
  | { readonly kind: 'flip' };

/** Decides what goes wrong; undefined for nothing. */
export type Rule = (request: FakeRequest) => Fault | undefined;

/** How the server is. */
export interface FakeSettings {
  /** What `If-None-Match: *` does. */
  conditional: 'honoured' | 'ignored' | 'refused';
  /** Requests signed for another one are refused, and told which. */
  region: string | undefined;
  /** Milliseconds that its clock is ahead; signatures 15 minutes away are refused. */
  clockAhead: number;
  /** Keys of a page at most. */
  pageKeys: number;
  /** Milliseconds that each answer takes. */
  latency: number;
  /** Whether it knows ranges. */
  ranges: boolean;
  /** Session tokens that have expired. */
  expired: Set<string>;
}

interface Held {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly at: number;
}

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Held>;
}

/** An S3 in memory that can be made to fail as real ones do but won't on demand. It checks no signatures: the real server does. */
export class FakeS3 {
  readonly settings: FakeSettings = {
    conditional: 'honoured',
    region: undefined,
    clockAhead: 0,
    pageKeys: 1000,
    latency: 0,
    ranges: true,
    expired: new Set(),
  };
  /** Those that came, newest last. */
  readonly requests: FakeRequest[] = [];
  readonly buckets = new Map<string, Map<string, Held>>([['test', new Map()]]);
  readonly uploads = new Map<string, Upload>();
  /** Most requests that were under way at once. */
  mostAtOnce = 0;
  #atOnce = 0;
  #rules: Rule[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  /** With a key and a certificate it speaks TLS. */
  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<FakeS3> {
    const server = tls === undefined ? createServer() : createSecureServer(tls);
    const fake = new FakeS3(server, tls === undefined ? 'http' : 'https');
    server.on('request', (request, response) => void fake.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Adds a rule; the first that has a fault for a request counts. */
  fault(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** A fault for the first `times` requests that fit. */
  failFirst(times: number, fault: Fault, fits: (request: FakeRequest) => boolean = () => true): void {
    let left = times;
    this.fault((request) => (fits(request) && left-- > 0 ? fault : undefined));
  }

  /** Everything as it was at the start, but for what is stored. */
  calm(): void {
    this.#rules = [];
    this.requests.length = 0;
    this.mostAtOnce = 0;
    Object.assign(this.settings, {
      conditional: 'honoured',
      region: undefined,
      clockAhead: 0,
      pageKeys: 1000,
      latency: 0,
      ranges: true,
    });
    this.settings.expired.clear();
  }

  /** Bytes under a key of the bucket `test`. */
  read(key: string): Buffer | undefined {
    return this.buckets.get('test')?.get(key)?.bytes;
  }

  write(key: string, bytes: Buffer): void {
    this.buckets.get('test')?.set(key, this.#held(bytes));
  }

  keys(prefix: string): string[] {
    return [...(this.buckets.get('test')?.keys() ?? [])].filter((key) => key.startsWith(prefix)).sort();
  }

  /** Connections that clients hold open. */
  connections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((_error, count) => {
        resolve(count);
      });
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    response.on('close', () => this.#atOnce--);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of incoming) pieces.push(piece as Buffer);
    } catch {
      return;
    }
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const request: FakeRequest = {
      method: incoming.method ?? '',
      bucket,
      key: rest.map(decodeURIComponent).join('/'),
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(pieces),
    };
    this.requests.push(request);
    if (this.settings.latency > 0) await sleep(this.settings.latency);
    response.setHeader('date', new Date(Date.now() + this.settings.clockAhead).toUTCString());
    const fault = this.#rules.map((rule) => rule(request)).find((found) => found !== undefined);
    this.#reply(request, response, fault);
  }

  #reply(request: FakeRequest, response: ServerResponse, fault: Fault | undefined): void {
    switch (fault?.kind) {
      case 'hang':
        return;
      case 'reset':
        response.destroy();
        return;
      case 'refuse': {
        for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
        this.#send(request, response, this.#error(fault.status, fault.code, fault));
        return;
      }
      default:
    }
    const answer = this.#checked(request) ?? this.#answer(request);
    if (fault?.kind === 'lost-answer') {
      response.destroy();
      return;
    }
    if (fault?.kind === 'truncate') {
      response.writeHead(answer.status, { 'content-length': answer.body.byteLength, ...answer.headers });
      response.write(answer.body.subarray(0, answer.body.byteLength >> 1));
      setTimeout(() => response.destroy(), 5);
      return;
    }
    if (fault?.kind === 'flip' && answer.body.byteLength > 0) {
      const body = Buffer.from(answer.body);
      body.writeUInt8(body.readUInt8(0) ^ 1, 0);
      this.#send(request, response, { ...answer, body });
      return;
    }
    this.#send(request, response, answer);
  }

  #send(request: FakeRequest, response: ServerResponse, answer: FakeAnswer): void {
    response.writeHead(answer.status, { 'content-length': answer.body.byteLength, ...answer.headers });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  /** What a server looks at before the request itself. */
  #checked({ method, headers, bucket, query }: FakeRequest): FakeAnswer | undefined {
    if (method === 'GET' && query.has('X-Amz-Signature')) return undefined;
    const signed = /Credential=[^/]+\/\d{8}\/([^/]+)\/s3\//.exec(headers.authorization ?? '')?.[1];
    if (signed === undefined) return this.#error(403, 'AccessDenied', { message: 'not signed' });
    const stamp = String(headers['x-amz-date']).replace(/^(.{4})(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
    if (Math.abs(Date.parse(stamp) - Date.now() - this.settings.clockAhead) > 15 * 60_000) {
      return this.#error(403, 'RequestTimeTooSkewed');
    }
    const token = headers['x-amz-security-token'];
    if (typeof token === 'string' && this.settings.expired.has(token))
      return this.#error(400, 'ExpiredToken');
    const { region } = this.settings;
    if (region !== undefined && signed !== region) {
      const answer = this.#error(400, 'AuthorizationHeaderMalformed', {
        extra: `<Region>${region}</Region>`,
      });
      return { ...answer, headers: { ...answer.headers, 'x-amz-bucket-region': region } };
    }
    return this.buckets.has(bucket) ? undefined : this.#error(404, 'NoSuchBucket');
  }

  #answer(request: FakeRequest): FakeAnswer {
    const { method, key, query } = request;
    const held = this.buckets.get(request.bucket) ?? new Map<string, Held>();
    if (key === '') return this.#list(held, query);
    if (query.has('uploads') || query.has('uploadId')) return this.#multipart(request, held);
    switch (method) {
      case 'PUT':
        return this.#put(request, held);
      case 'DELETE':
        held.delete(key);
        return { status: 204, headers: {}, body: NOTHING };
      default:
        return this.#get(request, held.get(key));
    }
  }

  #put({ headers, key, body }: FakeRequest, held: Map<string, Held>): FakeAnswer {
    const refusal = this.#conditional(headers, held.has(key));
    if (refusal !== undefined) return refusal;
    const source = headers['x-amz-copy-source'];
    if (typeof source !== 'string') {
      held.set(key, this.#held(body));
      return { status: 200, headers: { etag: held.get(key)?.etag ?? '' }, body: NOTHING };
    }
    const from = this.#source(source);
    if (from === undefined) return this.#error(404, 'NoSuchKey');
    held.set(key, this.#held(from.bytes));
    return xmlAnswer(`<CopyObjectResult><ETag>${from.etag}</ETag></CopyObjectResult>`);
  }

  #source(header: string): Held | undefined {
    const [bucket = '', ...rest] = header.replace(/^\//, '').split('/').map(decodeURIComponent);
    return this.buckets.get(bucket)?.get(rest.join('/'));
  }

  #conditional(headers: FakeRequest['headers'], isThere: boolean): FakeAnswer | undefined {
    if (headers['if-none-match'] !== '*' || this.settings.conditional === 'ignored') return undefined;
    if (this.settings.conditional === 'refused') return this.#error(501, 'NotImplemented');
    return isThere ? this.#error(412, 'PreconditionFailed') : undefined;
  }

  #get({ headers, method }: FakeRequest, held: Held | undefined): FakeAnswer {
    if (held === undefined) return this.#error(404, 'NoSuchKey');
    const own = { etag: held.etag, 'last-modified': new Date(held.at).toUTCString() };
    const range = this.settings.ranges ? /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') : null;
    if (range === null || method === 'HEAD') return { status: 200, headers: own, body: held.bytes };
    const size = held.bytes.byteLength;
    const from = Number(range[1]);
    const to = Math.min(Number(range[2]), size - 1);
    if (from >= size) return this.#error(416, 'InvalidRange');
    const body = held.bytes.subarray(from, to + 1);
    return { status: 206, headers: { ...own, 'content-range': `bytes ${from}-${to}/${size}` }, body };
  }

  #multipart(request: FakeRequest, held: Map<string, Held>): FakeAnswer {
    const { method, query, body, key, headers } = request;
    if (query.has('uploads')) {
      const id = `upload-${this.uploads.size + 1}`;
      this.uploads.set(id, { key, parts: new Map() });
      return xmlAnswer(
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const id = query.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== key) return this.#error(404, 'NoSuchUpload');
    if (method === 'DELETE') {
      this.uploads.delete(id);
      return { status: 204, headers: {}, body: NOTHING };
    }
    if (method === 'PUT') {
      const number = Number(query.get('partNumber'));
      const source = headers['x-amz-copy-source'];
      if (typeof source === 'string') {
        const [from, to] = String(headers['x-amz-copy-source-range']).match(/\d+/g)?.map(Number) ?? [];
        const copied = this.#source(source)?.bytes.subarray(from, (to ?? 0) + 1);
        if (copied === undefined) return this.#error(404, 'NoSuchKey');
        upload.parts.set(number, this.#held(copied));
        return xmlAnswer(`<CopyPartResult><ETag>${this.#held(copied).etag}</ETag></CopyPartResult>`);
      }
      const part = this.#held(body);
      upload.parts.set(number, part);
      return { status: 200, headers: { etag: part.etag }, body: NOTHING };
    }
    if (method === 'GET') return this.#listParts(upload, Number(query.get('part-number-marker')));
    const refusal = this.#conditional(headers, held.has(key));
    if (refusal !== undefined) return refusal;
    const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map((match) => Number(match[1]));
    const whole = Buffer.concat(numbers.map((number) => upload.parts.get(number)?.bytes ?? NOTHING));
    held.set(key, { ...this.#held(whole), etag: `"many-${numbers.length}"` });
    this.uploads.delete(id);
    return xmlAnswer('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }

  #listParts(upload: Upload, after: number): FakeAnswer {
    const parts = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
    const page = parts.slice(0, this.settings.pageKeys);
    const entries = page.map(
      ([number, { etag, bytes }]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${escape(etag)}</ETag><Size>${bytes.byteLength}</Size></Part>`,
    );
    const next = `<NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker>`;
    return xmlAnswer(
      `<ListPartsResult>${entries.join('')}${next}<IsTruncated>${page.length < parts.length}</IsTruncated></ListPartsResult>`,
    );
  }

  #list(held: Map<string, Held>, query: URLSearchParams): FakeAnswer {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...held.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
    const isFolder = (key: string): boolean =>
      query.has('delimiter') && key.slice(prefix.length).includes('/');
    const nameOf = (key: string): string =>
      isFolder(key) ? key.slice(0, key.indexOf('/', prefix.length) + 1) : key;
    const names = [...new Set(keys.map(nameOf))].filter((name) => byBytes(name, after) > 0);
    const page = names.slice(0, Math.min(Number(query.get('max-keys') ?? 1000), this.settings.pageKeys));
    const entries = page.map((name) => {
      const found = held.get(name);
      if (found === undefined)
        return `<CommonPrefixes><Prefix>${encodeURIComponent(name)}</Prefix></CommonPrefixes>`;
      const at = new Date(found.at - (found.at % 1000)).toISOString();
      return `<Contents><Key>${encodeURIComponent(name)}</Key><LastModified>${at}</LastModified><ETag>${escape(found.etag)}</ETag><Size>${found.bytes.byteLength}</Size></Contents>`;
    });
    const more = page.length < names.length;
    const token = more ? `<NextContinuationToken>${escape(page.at(-1) ?? '')}</NextContinuationToken>` : '';
    return xmlAnswer(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${token}${entries.join('')}</ListBucketResult>`,
    );
  }

  #held(bytes: Buffer): Held {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    return { bytes, etag, at: Date.now() + this.settings.clockAhead };
  }

  #error(status: number, code: string, more: { message?: string; extra?: string } = {}): FakeAnswer {
    const message = `<Message>${escape(more.message ?? 'no')}</Message>`;
    return { ...xmlAnswer(`<Error><Code>${code}</Code>${message}${more.extra ?? ''}</Error>`), status };
  }
}

interface FakeAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const NOTHING = Buffer.alloc(0);

function xmlAnswer(xml: string): FakeAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`),
  };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
