import { createReadStream } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { invalid, Problem, refused } from '../model/problem.ts';
import { loadNode } from '../store/s3-network.ts';
import type { AppContext } from './ports.ts';
import { errorAnswer, QUIET, type Answer, type ErrorCode } from './serve-answer.ts';
import { ServedView } from './served-view.ts';

export interface ServeOptions {
  /** 0 for any that is free. */
  readonly port: number;
  /** Address or name to listen at. */
  readonly host: string;
}

/** A server that runs. */
export interface Serving {
  /** `http://host:port`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Resolves when the context's signal has ended it. */
  readonly closed: Promise<void>;
}

/** An idle connection is kept longer than by usual clients and proxies, so that none meets its end. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Serves all versions of the repository's data read-only, as S3 and as pages (docs/serve.md), until the context's signal.
 * Files that aren't here are fetched from the branch's stores, checked and kept. Throws `port-taken` (exit 6), `bad-host` (exit 2).
 */
export async function serve(ctx: AppContext, options: ServeOptions): Promise<Serving> {
  const view = new ServedView(ctx);
  const ownNames = isLoopback(options.host) ? [options.host] : undefined;
  const server = loadNode().http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void answerOne(ctx, { view, ownNames, request, response });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    };
    if (ctx.signal.aborted) end();
    else ctx.signal.addEventListener('abort', end, { once: true });
  });
  return { url: `http://${host}:${port}`, host: options.host, port, closed };
}

interface Exchange {
  readonly view: ServedView;
  /** Names by which it may be asked besides those of this machine; undefined where any will do. */
  readonly ownNames: readonly string[] | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function answerOne(ctx: AppContext, { view, ownNames, request, response }: Exchange): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const cut = url.indexOf('?');
  const path = cut < 0 ? url : url.slice(0, cut);
  const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1));
  request.resume();
  let answer: Answer;
  try {
    answer = isForUs(headers.host, ownNames)
      ? await view.answer({ method, path, query, headers })
      : errorAnswer('AccessDenied', `this server isn't ${headers.host ?? ''}`, path);
  } catch (error) {
    answer = failure(ctx, path, error);
  }
  try {
    await send(response, answer, method);
  } catch {
    // The client went away, or the file did: a body cut short tells.
    response.destroy();
  }
}

/** Pages of other sites mustn't read what is served to this machine alone, by a name that they let lead here. */
function isForUs(host: string | undefined, ownNames: readonly string[] | undefined): boolean {
  if (ownNames === undefined) return true;
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopback(name) || ownNames.includes(name);
}

function isLoopback(name: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(name);
}

/** What a client is told is little, since it may be anybody; the rest is for who serves. */
function failure(ctx: AppContext, path: string, error: unknown): Answer {
  const { code, message, hint, exit } =
    error instanceof Problem
      ? error
      : { code: 'serve-failed', message: String(error), hint: undefined, exit: 1 };
  if (!ctx.signal.aborted)
    ctx.emit({
      event: 'warning',
      code,
      message: `${path}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
  const known: Readonly<Record<number, readonly [ErrorCode, string]>> = {
    4: ['NoSuchKey', 'the file is recorded, and in none of the stores'],
    5: ['ServiceUnavailable', "a store can't be reached now"],
  };
  const [word, fact] = known[exit] ?? ['InternalError', `it can't be read (${code})`];
  return errorAnswer(word, fact, path);
}

/** Pages run nothing and ask nobody else. */
const SAFE = {
  'content-security-policy': QUIET,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  server: 'datawf',
};

async function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  method: string,
): Promise<void> {
  const isPart = typeof body === 'object' && 'file' in body;
  const length = isPart ? body.to - body.from + 1 : Buffer.byteLength(body);
  const sized = status === 304 ? {} : { 'content-length': String(length) };
  response.writeHead(status, { ...SAFE, ...sized, ...headers });
  if (method === 'HEAD' || !isPart) response.end(method === 'HEAD' ? undefined : body);
  else await pipeline(createReadStream(body.file, { start: body.from, end: body.to }), response);
}

async function listen(server: Server, { port, host }: ServeOptions): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw refused(
        'port-taken',
        `port ${port} of ${host} is taken`,
        'Choose another: --port 0 takes any that is free.',
      );
    if (code === 'EACCES')
      throw refused(
        'port-refused',
        `this user may not listen at port ${port}`,
        'Choose one from 1024 on with --port.',
      );
    if (/^(EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|EINVAL)$/.test(code))
      throw invalid(
        'bad-host',
        `${host} is no address of this machine`,
        'Try --host 127.0.0.1, or 0.0.0.0 for all.',
      );
    throw error;
  }
}
