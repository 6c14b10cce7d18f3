import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../model/problem.ts';
import { BrokenExchange } from './s3-abort.ts';
import { encodeKey, encodeQuery, endpointOf, type S3Address, type S3Endpoint } from './s3-address.ts';
import type { CredentialSource } from './s3-credentials.ts';
import {
  answerProblem,
  brokenProblem,
  codeOfAnswer,
  EXPIRED,
  isPassing,
  isTransient,
  type Errand,
} from './s3-faults.ts';
import { Wire, type Answer, type Head, type Sink, type WireOptions } from './s3-http.ts';
import { EMPTY_PAYLOAD, Signer, UNSIGNED_PAYLOAD, type Credentials } from './s3-sign.ts';
import { Slots } from './s3-slots.ts';
import { whoAmI } from './s3-whoami.ts';
import { textOf } from './s3-xml.ts';

/** A request of S3's API. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The right it takes, for messages: `s3:GetObject`. */
  readonly action: string;
  /** Whole key in the bucket; undefined for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The body isn't hashed for the signature: for large ones, whose digest is checked otherwise. */
  readonly unsigned?: boolean;
  /** Answers other than 2xx that the caller understands; all others raise a Problem. */
  readonly accept?: readonly number[];
  /** See `Exchange.sink`; asked anew for each attempt. */
  readonly sink?: (head: Head) => Sink | undefined;
  /** See `Exchange.into`. */
  readonly into?: Uint8Array;
  readonly idleMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and how many tries came before. */
export interface Reply extends Answer {
  readonly retries: number;
}

export interface ClientOptions {
  readonly address: S3Address;
  /** Undefined where nobody said: the bucket tells when asked in the wrong one. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Of STS, which is asked who was refused; else it is asked at AWS's own where `endpoint` is AWS's own. */
  readonly stsEndpoint: string | undefined;
  readonly credentials: CredentialSource;
  readonly wire: WireOptions;
  /** Tries of one request, the first included. */
  readonly attempts: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal | undefined;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 20_000;
/** Nobody there, no name service, or a minute of silence: asked again, but not for long. */
const NO_SERVER: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'timeout']);
/** S3 takes 15 minutes; what HEAD is refused for isn't told, so a clock this far off is mended at once. */
const SKEW_MS = 4 * 60_000;

/**
 * Signed requests to one bucket, over connections that are kept: retried with full jitter where that may help, and
 * mended where the server says what is wrong (region, clock, expired credentials).
 */
export class S3Client {
  readonly traffic = { requests: 0, bytesUp: 0, bytesDown: 0 };
  readonly address: S3Address;
  /** What a user should know that didn't stop the work. */
  readonly notices: string[] = [];
  readonly #options: ClientOptions;
  readonly #wire: Wire;
  readonly #signer = new Signer();
  readonly #slots: Slots;
  #region: string;
  #endpoint: S3Endpoint;
  /** Milliseconds that the server's clock is ahead. */
  #ahead = 0;
  #who: Promise<string | undefined> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.address = options.address;
    this.#wire = new Wire(options.wire);
    this.#slots = new Slots(options.wire.sockets);
    this.#region = options.region ?? 'us-east-1';
    this.#endpoint = this.#endpointIn(this.#region);
  }

  get region(): string {
    return this.#region;
  }

  /** Milliseconds that the server's clock is ahead of this machine's, as far as that matters for signing. */
  get clockAheadMs(): number {
    return this.#ahead;
  }

  /** How far the clock of whoever answered is behind this machine's, at most; 0 where it is ahead. */
  behindMs(answer: Head): number {
    const there = Date.parse(answer.headers.date ?? '');
    return Number.isNaN(there) ? 0 : Math.max(0, this.#options.now() - there);
  }

  /** Which service it is, whatever the bucket: two clients of one can copy between their buckets. */
  get service(): string {
    return this.#options.endpoint ?? 'aws';
  }

  /** The endpoint as a URL; with the bucket in the host's name, unless it stands in the path. */
  get endpointUrl(): string {
    const { secure, host } = this.#endpoint;
    return `${secure ? 'https' : 'http'}://${host}`;
  }

  /** Raises a Problem (exit 4, 5 or 6) where the answer isn't one that the call accepts, or a signal's reason. */
  async send(call: Call): Promise<Reply> {
    const signals = [call.signal, this.#options.signal].filter((signal) => signal !== undefined);
    for (const signal of signals) signal.throwIfAborted();
    const give = await this.#slots.take(1, signals);
    try {
      return await this.#sendInTurn(call, signals);
    } finally {
      give();
    }
  }

  /** A URL that GETs a key for some seconds. */
  async presign(key: string, seconds: number): Promise<string> {
    const credentials = await this.#options.credentials.get();
    const path = `${this.#endpoint.base}/${encodeKey(key)}`;
    const { host } = this.#endpoint;
    const request = { host, path, seconds, time: this.#time() };
    return `${this.endpointUrl}${path}?${this.#signer.presign(request, credentials, this.#region)}`;
  }

  /** Who signs, as messages name it. */
  async identity(): Promise<string> {
    return this.#options.credentials.describe(await this.#options.credentials.get());
  }

  close(): void {
    this.#wire.close();
  }

  async #sendInTurn(call: Call, signals: readonly AbortSignal[]): Promise<Reply> {
    const mended = new Set<string>();
    for (let retries = 0; ;) {
      const credentials = await this.#options.credentials.get();
      const signed = { ahead: this.#ahead, region: this.#region, credentials };
      let answer: Answer;
      try {
        answer = await this.#attempt(call, credentials, signals);
      } catch (error) {
        if (!(error instanceof BrokenExchange)) throw error;
        const limit = NO_SERVER.has(error.kind)
          ? Math.min(3, this.#options.attempts)
          : this.#options.attempts;
        if (!isPassing(error.kind) || ++retries >= limit) {
          throw brokenProblem(error.kind, this.#errand(call, credentials), error.cause);
        }
        await this.#pause(retries, undefined, signals);
        continue;
      }
      if (answer.status >= 200 && answer.status < 300) return { ...answer, retries };
      const full = await this.#withWords(call, answer, { credentials, signals });
      const code = codeOfAnswer(full);
      if (call.accept?.includes(answer.status) === true && code !== 'NoSuchBucket')
        return { ...full, retries };
      const mending = await this.#mend(full, code, signed);
      if (mending !== undefined && !mended.has(mending)) {
        mended.add(mending);
        continue;
      }
      if (!isTransient(full, code) || ++retries >= this.#options.attempts) {
        const arn = code === 'AccessDenied' ? await this.#askWho(credentials) : undefined;
        throw answerProblem(full, this.#errand(call, credentials, arn));
      }
      await this.#pause(retries, answer.headers['retry-after'], signals);
    }
  }

  async #attempt(call: Call, credentials: Credentials, signals: readonly AbortSignal[]): Promise<Answer> {
    const { method, key, body } = call;
    const { base, host, hostname, port, secure } = this.#endpoint;
    const path = `${base}/${key === undefined ? '' : encodeKey(key)}`;
    const query = call.query === undefined ? '' : encodeQuery(call.query);
    const payload =
      body === undefined
        ? EMPTY_PAYLOAD
        : call.unsigned === true
          ? UNSIGNED_PAYLOAD
          : hash('sha256', body, 'hex');
    const signable = { method, host, path, query, headers: call.headers ?? {}, payload, time: this.#time() };
    const headers = this.#signer.sign(signable, credentials, this.#region);
    if (body !== undefined) headers['content-length'] = String(body.byteLength);
    else if (method === 'PUT' || method === 'POST') headers['content-length'] = '0';
    this.traffic.requests++;
    const answer = await this.#wire.send(
      {
        secure,
        hostname,
        port,
        method,
        path: query === '' ? path : `${path}?${query}`,
        headers,
        body,
        sink: call.sink,
        into: call.into,
        idleMs: call.idleMs,
      },
      signals,
    );
    if (body !== undefined) this.traffic.bytesUp += body.byteLength;
    this.traffic.bytesDown += answer.received;
    return answer;
  }

  /** A refused HEAD doesn't say why: a GET of one byte does. */
  async #withWords(call: Call, answer: Answer, turn: Turn): Promise<Answer> {
    const told = call.method !== 'HEAD' || ![400, 403].includes(answer.status);
    if (told || answer.headers['x-amz-bucket-region'] !== undefined || this.#skewOf(answer) !== undefined)
      return answer;
    const ask: Call = { ...call, method: 'GET', headers: { range: 'bytes=0-0' } };
    const asked = await this.#attempt(ask, turn.credentials, turn.signals).catch((error: unknown) => {
      if (error instanceof BrokenExchange) return answer;
      throw error;
    });
    return asked.status >= 400 && asked.status !== 404 ? asked : answer;
  }

  /** Puts right what a refusal says is wrong, and answers what that was; undefined where nothing could be done. */
  async #mend(answer: Answer, code: string, signed: Signed): Promise<string | undefined> {
    const isSkew = code === 'RequestTimeTooSkewed' || code === 'HTTP 403';
    if (isSkew && signed.ahead !== this.#ahead) return 'clock';
    const skew = this.#skewOf(answer);
    if (isSkew && skew !== undefined) {
      this.#ahead = skew;
      const minutes = Math.round(Math.abs(skew) / 60_000);
      this.notices.push(
        `this machine's clock is ${minutes} min ${skew > 0 ? 'behind' : 'ahead of'} ${this.endpointUrl}: requests are signed by the server's time`,
      );
      return 'clock';
    }
    const region = regionTold(answer);
    if (region !== undefined && region !== signed.region) {
      this.#region = region;
      this.#endpoint = this.#endpointIn(region);
      return 'region';
    }
    if (!EXPIRED.has(code)) return undefined;
    return (await this.#options.credentials.renew(signed.credentials)) === undefined
      ? undefined
      : 'credentials';
  }

  /** How far the server's clock is from what was signed with; undefined where that isn't far. */
  #skewOf(answer: Answer): number | undefined {
    const there = Date.parse(answer.headers.date ?? '');
    if (Number.isNaN(there) || Math.abs(there - this.#time()) < SKEW_MS) return undefined;
    return there - this.#options.now();
  }

  async #pause(
    retry: number,
    retryAfter: string | undefined,
    signals: readonly AbortSignal[],
  ): Promise<void> {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retry);
    const least = /^\d{1,3}$/.test(retryAfter ?? '')
      ? Math.min(LONGEST_PAUSE_MS, Number(retryAfter) * 1000)
      : 0;
    const ms = Math.max(least, this.#options.random() * most);
    const signal = signals.length === 0 ? undefined : AbortSignal.any([...signals]);
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  #errand(call: Call, credentials: Credentials, arn?: string): Errand {
    const { bucket } = this.address;
    return {
      action: call.action,
      bucket,
      target: `s3://${bucket}${call.key === undefined ? '' : `/${call.key}`}`,
      endpoint: this.endpointUrl,
      region: this.#region,
      identity: `${arn === undefined ? '' : `${arn}, `}${this.#options.credentials.describe(credentials)}`,
    };
  }

  async #askWho(credentials: Credentials): Promise<string | undefined> {
    const { endpoint, stsEndpoint } = this.#options;
    if (endpoint !== undefined && stsEndpoint === undefined) return undefined;
    const shared = { wire: this.#wire, region: this.#region, time: this.#time() };
    return (this.#who ??= whoAmI({ ...shared, endpoint: stsEndpoint, credentials }));
  }

  #endpointIn(region: string): S3Endpoint {
    const { endpoint, pathStyle } = this.#options;
    return endpointOf({ bucket: this.address.bucket, region, endpoint, pathStyle });
  }

  #time(): number {
    return this.#options.now() + this.#ahead;
  }
}

/** What a request was signed with; another may have changed it meanwhile. */
interface Signed {
  readonly ahead: number;
  readonly region: string;
  readonly credentials: Credentials;
}

interface Turn {
  readonly credentials: Credentials;
  readonly signals: readonly AbortSignal[];
}

/** The bucket's region, where an answer names it. */
function regionTold(answer: Answer): string | undefined {
  if (![301, 307, 400, 403].includes(answer.status)) return undefined;
  const header = answer.headers['x-amz-bucket-region'];
  const told = typeof header === 'string' ? header : textOf(answer.body.toString(), 'Region');
  return told !== undefined && /^[a-z0-9-]{1,40}$/.test(told) ? told : undefined;
}

/** Whether a problem is one that going on later could finish: what was sent so far is worth keeping. */
export function isForLater(error: unknown): boolean {
  return !(error instanceof Problem) || error.exit === 5;
}
