import type { IncomingMessage } from 'node:http';
import type * as http from 'node:http';
import type * as https from 'node:https';
import { StringDecoder } from 'node:string_decoder';

/** What proves to the API server who asks. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<https.AgentOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> & {
    readonly servername?: string;
  };
  /** Of a proxy; without it connections are kept open here. */
  readonly agent?: https.Agent;
}

/** An API server as a kubeconfig names it. */
export interface KubeTarget {
  readonly server: URL;
  /** For messages. */
  readonly context: string;
  /** The context's own namespace. */
  readonly namespace: string | undefined;
  /** Credentials as they are now: files are read and plug-ins run again where what they gave has expired. */
  readonly credentials: () => Promise<Credentials>;
}

/** One request as it goes out. */
export interface WireRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Milliseconds without a byte after which the connection counts as dead. */
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
  /** Takes whole lines of a 200 as they come; the answer's text is empty then. */
  readonly onLine?: (line: string) => void;
}

export interface WireAnswer {
  readonly status: number;
  readonly text: string;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
  /** `Retry-After` in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** A request that ended without a whole answer. */
export class BrokenRequest extends Error {
  /** `timeout` for a server that fell silent, or what Node calls the fault (`ECONNRESET`). */
  readonly kind: string;

  constructor(kind: string, cause?: unknown) {
    super(`request broke: ${kind}`, { cause });
    this.kind = kind;
  }
}

/** Credentials are asked for again after this time, and at once where they are refused. */
const CREDENTIALS_MS = 30_000;
const USER_AGENT = 'datawf';

/** Requests over connections that are kept open. Node's own fetch takes no certificate authority, hence `https`. */
export class KubeWire {
  readonly target: KubeTarget;
  readonly #now: () => number;
  #known: { readonly credentials: Credentials; readonly at: number } | undefined;
  #agent: http.Agent | undefined;
  #agentKey = '';

  constructor(target: KubeTarget, now: () => number) {
    this.target = target;
    this.#now = now;
  }

  /** The credentials that were used were refused: the next request asks for new ones. */
  renew(): void {
    this.#known = undefined;
  }

  /** Ends the connections that are kept open. */
  close(): void {
    this.#agent?.destroy();
  }

  /** Resolves with the whole answer whatever its status; raises `BrokenRequest`, or the signal's reason. */
  async send(request: WireRequest): Promise<WireAnswer> {
    const credentials = await this.#credentials();
    request.signal?.throwIfAborted();
    const { server } = this.target;
    const network = server.protocol === 'http:' ? loadHttp() : loadHttps();
    const agent = credentials.agent ?? this.#agentFor(credentials);
    return await new Promise((resolve, reject) => {
      const { method, body, idleMs, signal } = request;
      const done = (settle: () => void): void => {
        signal?.removeEventListener('abort', stop);
        settle();
      };
      const outgoing = network.request({
        agent,
        method,
        hostname: server.hostname.replace(/^\[|\]$/g, ''),
        port: server.port === '' ? (server.protocol === 'http:' ? 80 : 443) : Number(server.port),
        path: `${server.pathname.replace(/\/$/, '')}${request.path}`,
        headers: {
          'User-Agent': USER_AGENT,
          Accept: 'application/json',
          ...credentials.headers,
          ...request.headers,
          // Of a DELETE Node would send the body without its length.
          ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
        },
        timeout: idleMs,
      });
      const fail = (error: Error): void => {
        done(() => {
          reject(error);
        });
        outgoing.destroy();
      };
      const stop = (): void => {
        fail(signal?.reason as Error);
      };
      signal?.addEventListener('abort', stop, { once: true });
      outgoing.on('timeout', () => {
        fail(new BrokenRequest('timeout'));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        fail(new BrokenRequest(error.code ?? error.message, error));
      });
      outgoing.on('response', (response) => {
        receive(response, request.onLine, {
          done: (answer) => {
            done(() => {
              resolve(answer);
            });
          },
          fail,
        });
      });
      outgoing.end(body);
    });
  }

  async #credentials(): Promise<Credentials> {
    if (this.#known !== undefined && this.#now() - this.#known.at < CREDENTIALS_MS)
      return this.#known.credentials;
    const credentials = await this.target.credentials();
    this.#known = { credentials, at: this.#now() };
    return credentials;
  }

  #agentFor({ tls }: Credentials): http.Agent {
    const key = JSON.stringify(tls);
    if (this.#agent === undefined || key !== this.#agentKey) {
      this.#agent?.destroy();
      const options = { keepAlive: true, maxSockets: 16, ...tls };
      this.#agent =
        this.target.server.protocol === 'http:'
          ? new (loadHttp().Agent)({ keepAlive: true, maxSockets: 16 })
          : new (loadHttps().Agent)(options);
      this.#agentKey = key;
    }
    return this.#agent;
  }
}

function receive(
  response: IncomingMessage,
  onLine: WireRequest['onLine'],
  { done, fail }: { readonly done: (answer: WireAnswer) => void; readonly fail: (error: Error) => void },
): void {
  const status = response.statusCode ?? 0;
  const decoder = new StringDecoder('utf8');
  let text = '';
  const takeLines = (piece: string): void => {
    text += piece;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      onLine?.(line);
    }
  };
  const take = onLine === undefined || status !== 200 ? (piece: string) => void (text += piece) : takeLines;
  response.on('data', (piece: Buffer) => {
    try {
      take(decoder.write(piece));
    } catch (error) {
      fail(error as Error);
    }
  });
  response.on('error', (error: NodeJS.ErrnoException) => {
    fail(new BrokenRequest(error.code ?? error.message, error));
  });
  response.on('end', () => {
    if (!response.complete) {
      fail(new BrokenRequest('truncated'));
      return;
    }
    const after = Number(response.headers['retry-after']);
    done({
      status,
      text: onLine !== undefined && status === 200 ? '' : text,
      warnings: warningsOf(response),
      retryAfterMs:
        Number.isFinite(after) && response.headers['retry-after'] !== undefined ? after * 1000 : undefined,
    });
  });
}

/** `299 - "text"`, several of which Node joins by commas or keeps apart in the raw headers. */
function warningsOf(response: IncomingMessage): string[] {
  const warnings: string[] = [];
  const raw = response.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'warning') continue;
    for (const [, text = ''] of (raw[index + 1] ?? '').matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g))
      warnings.push(text.replace(/\\(.)/g, '$1'));
  }
  return warnings;
}

function loadHttp(): typeof http {
  return process.getBuiltinModule('node:http');
}

function loadHttps(): typeof https {
  return process.getBuiltinModule('node:https');
}
