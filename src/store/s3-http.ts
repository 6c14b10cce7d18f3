import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';

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

/** A request that ended without a whole answer. */
export class BrokenExchange extends Error {
  /** `timeout` for a server that fell silent, or what Node calls the fault (`ECONNRESET`). */
  readonly kind: string;

  constructor(kind: string, cause?: unknown) {
    super(`request broke: ${kind}`, { cause });
    this.kind = kind;
  }
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
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  constructor(options: WireOptions) {
    this.#options = options;
    const agent = {
      keepAlive: true,
      maxSockets: options.sockets,
      maxFreeSockets: options.sockets,
      scheduling: 'lifo',
      timeout: options.idleMs,
    } as const;
    this.#plain = new http.Agent(agent);
    // One for all connections: each would read the certificates again.
    const secureContext =
      options.ca === undefined ? undefined : createSecureContext({ ca: [...rootCertificates, options.ca] });
    this.#secure = new https.Agent({ ...agent, ...(secureContext === undefined ? {} : { secureContext }) });
  }

  /** Resolves with the whole answer whatever its status; raises `BrokenExchange`, or the signal's reason. */
  send(exchange: Exchange, signals: readonly AbortSignal[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      for (const signal of signals) signal.throwIfAborted();
      const { method, path, hostname, port, headers, body } = exchange;
      const client = exchange.secure ? https : http;
      const agent = exchange.secure ? this.#secure : this.#plain;
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

  /** Ends the connections; requests under way break. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
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

/** Those to stop when a signal fires: one listener a signal, since a signal with thousands of them is slow. */
const stops = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `stop` once any of the signals fires, until the answer is called. */
export function onAbort(signals: readonly AbortSignal[], stop: () => void): () => void {
  for (const signal of signals) stopsOf(signal).add(stop);
  return () => {
    for (const signal of signals) stops.get(signal)?.delete(stop);
  };
}

function stopsOf(signal: AbortSignal): Set<() => void> {
  const known = stops.get(signal);
  if (known !== undefined) return known;
  const made = new Set<() => void>();
  stops.set(signal, made);
  signal.addEventListener(
    'abort',
    () => {
      for (const stop of [...made]) stop();
    },
    { once: true },
  );
  return made;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('stopped', { cause: reason });
}
