import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an archive does with one request instead of answering it. */
type Fault = 'reset' | 503;

/** A request as the archive saw it. */
interface Seen {
  readonly path: string;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly status: number | 'reset';
}

/** A small HTTP server that publishes texts, slowly and with faults. What isn't published is a 404. */
export interface HttpArchive {
  readonly url: string;
  /** Path to text; edit it to publish, change and withdraw. `/` lists them: a line `name length` each. */
  readonly published: Map<string, string>;
  /** What happens to the next requests of a path, one each; `reset` ends the connection in the middle of the body. */
  readonly faults: Map<string, Fault[]>;
  readonly seen: readonly Seen[];
  /** Most requests that were open at once. */
  readonly mostAtOnce: number;
  /** Paths asked for since the last call, sorted. */
  asked(): readonly string[];
  close(): Promise<void>;
}

export interface ArchiveOptions {
  /** How long an answer takes. */
  readonly slowMs?: number;
  /** Bearer token without which the answer is 401. */
  readonly token?: string;
}

/** Starts an archive on a free port of this machine. */
export async function openArchive({ slowMs = 0, token }: ArchiveOptions = {}): Promise<HttpArchive> {
  const published = new Map<string, string>();
  const faults = new Map<string, Fault[]>();
  const seen: Seen[] = [];
  let asked = 0;
  let open = 0;
  let mostAtOnce = 0;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').slice(1);
    const fault = faults.get(path)?.shift();
    const text =
      path === ''
        ? [...published].map(([name, body]) => `${name} ${body.length}\n`).join('')
        : published.get(path);
    const refused = token !== undefined && request.headers.authorization !== `Bearer ${token}`;
    const status = refused ? 401 : fault === 503 ? 503 : text === undefined ? 404 : 200;
    seen.push({ path, at: performance.now(), status: fault === 'reset' ? 'reset' : status });
    const body = Buffer.from(status === 200 ? (text ?? '') : 'no\n');
    response.writeHead(status, { 'content-length': body.length });
    if (fault !== 'reset') response.end(body);
    else response.write(body.subarray(0, body.length / 2), () => setTimeout(() => response.destroy(), 20));
  };

  const server = createServer((request, response) => {
    open += 1;
    mostAtOnce = Math.max(mostAtOnce, open);
    response.once('close', () => (open -= 1));
    setTimeout(() => answer(request, response), slowMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published,
    faults,
    seen,
    get mostAtOnce() {
      return mostAtOnce;
    },
    asked: () => {
      const paths = seen.slice(asked).map(({ path }) => path);
      asked = seen.length;
      return paths.sort();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
