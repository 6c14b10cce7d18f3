import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeTarget } from '../../src/run/kube-wire.ts';

/** A request as answers see it. */
export interface FakeCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly body: unknown;
}

/** One answer: what it writes, and whether it ends. */
export type FakeAnswer = (response: ServerResponse, call: FakeCall) => void | Promise<void>;

/** An API server that answers by a script, so that it does what a real one can't be made to do. */
export interface FakeKube {
  readonly url: string;
  /** Every request so far. */
  readonly calls: FakeCall[];
  /** The next requests get these answers, in order; then `otherwise`. */
  script(...answers: FakeAnswer[]): void;
  otherwise: FakeAnswer;
  /** A target with this token, asked for at each look. */
  target(token?: () => string): KubeTarget;
  close(): Promise<void>;
}

/** Starts on a free port of this machine. */
export async function startFakeKube(): Promise<FakeKube> {
  const calls: FakeCall[] = [];
  const queue: FakeAnswer[] = [];
  const fake: FakeKube = {
    url: '',
    calls,
    script: (...answers) => void queue.push(...answers),
    otherwise: status(404, 'NotFound', 'not found'),
    target: (token = () => 'good') => ({
      server: new URL(fake.url),
      context: 'fake',
      namespace: 'here',
      credentials: async () => ({ headers: { Authorization: `Bearer ${token()}` }, tls: {} }),
    }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server: Server = createServer((request, response) => {
    void (async () => {
      const call = await read(request);
      calls.push(call);
      await (queue.shift() ?? fake.otherwise)(response, call);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  return fake;
}

async function read(request: IncomingMessage): Promise<FakeCall> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  const url = new URL(request.url ?? '/', 'http://fake');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    token: request.headers.authorization?.replace('Bearer ', ''),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** A JSON answer. */
export function json(body: unknown, headers: Record<string, string> = {}): FakeAnswer {
  return (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A refusal as the API server words it. */
export function status(
  code: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): FakeAnswer {
  return (response) => {
    response.writeHead(code, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify({ kind: 'Status', code, reason, message }));
  };
}

/** A list of pods by name, as of a version. */
export function podList(version: string, names: readonly string[], next?: string): FakeAnswer {
  return json({
    metadata: { resourceVersion: version, ...(next === undefined ? {} : { continue: next }) },
    items: names.map((name) => pod(name, version)),
  });
}

export function pod(name: string, version: string): object {
  return { metadata: { name, uid: `uid-${name}`, resourceVersion: version }, status: { phase: 'Running' } };
}

/** A watch that writes pieces as they are and then ends, stays open, or is cut. */
export function watching(pieces: readonly string[], then: 'end' | 'stay' | 'cut'): FakeAnswer {
  return async (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (then === 'end') response.end();
    if (then === 'cut') response.destroy();
  };
}

/** A line of a watch. */
export function event(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** No answer, and the connection ends. */
export const cut: FakeAnswer = (response) => void response.destroy();
/** No answer ever. */
export const stall: FakeAnswer = () => undefined;
