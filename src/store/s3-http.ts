import type * as http from 'node:http';
import type * as https from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { BrokenExchange, onAbort } from './s3-abort.ts';
import { loadNode, type NodeNetwork } from './s3-network.ts';
import { RawWire } from './s3-raw-http.ts';

/** One request, signed, and what to do with its answer. */
export interface Exchange {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** Asked once the headers are here: who takes the body's pieces as they come; undefined gathers them. */
  readonly sink: ((head: Head) => Sink | undefined) | undefined;
  /** Gets the body of a 206 of just this length; other answers come as without it. */
  readonly into: Uint8Array | undefined;
  /** For a request whose answer takes long by nature. */
  readonly idleMs: number | undefined;
}

export interface Head {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

/** Takes a piece of a body; it must be used up before this returns. May throw to end the request. */
export type Sink = (piece: Uint8Array) => void;

export interface Answer extends Head {
  /** Empty where a sink took it. */
  readonly body: Buffer;
  /** Of the body. */
  readonly received: number;
}

export interface WireOptions {
  /** At once, at most. */
  readonly sockets: number;
  /** Milliseconds that a connection may take. */
  readonly connectMs: number;
  /** Milliseconds without a byte in either direction. */
  readonly idleMs: number;
  /** Certificates to trust besides the usual ones, as PEM. */
  readonly ca: string | undefined;
}

/** Sends requests over connections that are kept open; nothing of S3 is known here. */
export class Wire {
  readonly #options: WireOptions;
  readonly #node: NodeNetwork = loadNode();
  readonly #plain: http.Agent;
  readonly #raw: RawWire;
  #secure: https.Agent | undefined;
  #context: SecureContext | undefined;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#plain = new this.#node.http.Agent(this.#agentOptions());
    this.#raw = new RawWire({ ...options, secureContext: () => this.#secureContext() });
  }

  /** Resolves with the whole answer whatever its status; raises `BrokenExchange`, or the signal's reason. */
  async send(exchange: Exchange, signals: readonly AbortSignal[]): Promise<Answer> {
    const { into } = exchange;
    if (into !== undefined && (await this.#raw.get({ ...exchange, into }, signals))) {
      return { status: 206, headers: {}, body: Buffer.alloc(0), received: into.byteLength };
    }
    return this.#sendPlainly(exchange, signals);
  }

  /** Ends the connections; requests under way break. */
  close(): void {
    this.#raw.close();
    this.#plain.destroy();
    this.#secure?.destroy();
  }

  #sendPlainly(exchange: Exchange, signals: readonly AbortSignal[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      for (const signal of signals) signal.throwIfAborted();
      const { method, path, hostname, port, headers, body } = exchange;
      const client = exchange.secure ? this.#node.https : this.#node.http;
      const agent = exchange.secure ? this.#secureAgent() : this.#plain;
      const fail = (error: unknown): void => {
        forget();
        reject(asError(error));
        request.destroy();
      };
      const stop = (): void => {
        fail(signals.find((signal) => signal.aborted)?.reason);
      };
      const forget = onAbort(signals, stop);
      const idleMs = exchange.idleMs === undefined ? {} : { timeout: exchange.idleMs };
      const request = client.request({ agent, method, path, hostname, port, headers, ...idleMs });
      request.on('error', (error) => {
        fail(new BrokenExchange(codeOf(error), error));
      });
      request.on('timeout', () => {
        fail(new BrokenExchange('timeout'));
      });
      request.on('socket', (socket) => {
        this.#limitConnecting(socket, () => {
          fail(new BrokenExchange('connect-timeout'));
        });
      });
      request.on('response', (response) => {
        const done = (answer: Answer): void => {
          forget();
          resolve(answer);
        };
        receive(response, exchange, { done, fail });
      });
      if (body === undefined) request.end();
      else request.end(body);
    });
  }

  #agentOptions(): https.AgentOptions {
    const { sockets, idleMs } = this.#options;
    return {
      keepAlive: true,
      maxSockets: sockets,
      maxFreeSockets: sockets,
      scheduling: 'lifo',
      timeout: idleMs,
    };
  }

  #secureAgent(): https.Agent {
    const secureContext = this.#secureContext();
    return (this.#secure ??= new this.#node.https.Agent({
      ...this.#agentOptions(),
      ...(secureContext === undefined ? {} : { secureContext }),
    }));
  }

  /** One for all connections, since each would read the certificates again; and none where nothing is encrypted. */
  #secureContext(): SecureContext | undefined {
    const { ca } = this.#options;
    if (ca === undefined) return undefined;
    const { createSecureContext, rootCertificates } = this.#node.tls;
    return (this.#context ??= createSecureContext({ ca: [...rootCertificates, ca] }));
  }

  #limitConnecting(socket: Socket, give: () => void): void {
    if (!socket.connecting) return;
    const timer = setTimeout(give, this.#options.connectMs);
    const clear = (): void => {
      clearTimeout(timer);
    };
    socket.once('connect', clear);
    socket.once('close', clear);
  }
}

interface Outcome {
  readonly done: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

function receive(response: http.IncomingMessage, exchange: Exchange, { done, fail }: Outcome): void {
  const { headers } = response;
  const status = response.statusCode ?? 0;
  let sink: Sink | undefined;
  try {
    sink = exchange.sink?.({ status, headers });
  } catch (error) {
    fail(error);
    return;
  }
  const pieces: Buffer[] = [];
  let received = 0;
  response.on('data', (piece: Buffer) => {
    received += piece.byteLength;
    if (sink === undefined) {
      pieces.push(piece);
      return;
    }
    try {
      sink(piece);
    } catch (error) {
      fail(error);
    }
  });
  response.on('end', () => {
    if (!response.complete) fail(new BrokenExchange('truncated'));
    else {
      const [only] = pieces;
      const body = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
      done({ status, headers, body, received });
    }
  });
  response.on('error', (error) => {
    fail(new BrokenExchange(codeOf(error), error));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('stopped', { cause: reason });
}
