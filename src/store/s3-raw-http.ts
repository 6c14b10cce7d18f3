import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { BrokenExchange, onAbort } from './s3-abort.ts';
import { loadNode } from './s3-network.ts';

/** A GET whose body has a known length and place in memory. */
export interface RawGet {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Gets the body, which must have exactly this length. */
  readonly into: Uint8Array;
}

export interface RawOptions {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly secureContext: () => SecureContext | undefined;
}

/** Longer heads than this aren't read; they are no S3 server's. */
const HEAD_BYTES = 64 * 1024;

/**
 * Ranges of large objects, read by the kernel straight into the memory where they are wanted. `node:http` allocates and copies each
 * 64 KiB of a body twice: a GiB costs 2.6 s of processor time with it, hashed and written, and 1.3 s this way, as with
 * curl (docs/performance.md). It understands a 206 of the right length and nothing else.
 */
export class RawWire {
  readonly #options: RawOptions;
  readonly #idle = new Map<string, Connection[]>();
  readonly #all = new Set<Connection>();

  constructor(options: RawOptions) {
    this.#options = options;
  }

  /** Resolves once the body is in place; false for any other answer, which is to be asked for by other means. Fails as `Wire.send`. */
  async get(request: RawGet, signals: readonly AbortSignal[]): Promise<boolean> {
    for (const signal of signals) signal.throwIfAborted();
    const origin = `${request.secure ? 's' : 'p'} ${request.hostname} ${request.port}`;
    const connection = this.#idle.get(origin)?.pop() ?? this.#open(request, origin);
    const forget = onAbort(signals, () => {
      connection.end(signals.find((signal) => signal.aborted)?.reason);
    });
    try {
      const isPlaced = await connection.get(request);
      if (connection.isReusable) {
        const idle = this.#idle.get(origin) ?? [];
        this.#idle.set(origin, idle);
        idle.push(connection);
      } else connection.end(undefined);
      return isPlaced;
    } finally {
      forget();
    }
  }

  close(): void {
    for (const connection of this.#all) connection.end(undefined);
  }

  #open(request: RawGet, origin: string): Connection {
    const connection = new Connection(request, this.#options, () => {
      this.#all.delete(connection);
      const idle = this.#idle.get(origin);
      if (idle?.includes(connection) === true) idle.splice(idle.indexOf(connection), 1);
    });
    this.#all.add(connection);
    return connection;
  }
}

interface Turn {
  readonly into: Uint8Array;
  readonly resolve: (isPlaced: boolean) => void;
  readonly reject: (error: unknown) => void;
  /** Bytes of the body so far; undefined before it begins. */
  at: number | undefined;
}

/** One connection; one request at a time. */
class Connection {
  /** Whether another request may follow. */
  isReusable = false;
  #isKept = false;
  readonly #socket: Socket;
  readonly #head = Buffer.allocUnsafe(HEAD_BYTES);
  #headLength = 0;
  #turn: Turn | undefined;

  constructor(target: RawGet, options: RawOptions, gone: () => void) {
    const { hostname, port } = target;
    const onread = {
      buffer: () => this.#target(),
      callback: (length: number) => {
        this.#received(length);
        return true;
      },
    };
    const context = target.secure ? options.secureContext() : undefined;
    const { net, tls } = loadNode();
    // Node's tls.connect takes onread, too; its types don't know.
    const where = { host: hostname, port, onread };
    const secure = { ...(net.isIP(hostname) === 0 ? { servername: hostname } : {}), secureContext: context };
    this.#socket = target.secure ? tls.connect({ ...where, ...secure }) : net.connect(where);
    const connecting = setTimeout(() => {
      this.end(new BrokenExchange('connect-timeout'));
    }, options.connectMs);
    this.#socket.once('connect', () => {
      clearTimeout(connecting);
    });
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(options.idleMs, () => {
      this.end(new BrokenExchange('timeout'));
    });
    this.#socket.on('error', (error) => {
      const kind = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
      this.end(new BrokenExchange(kind, error));
    });
    this.#socket.on('close', () => {
      clearTimeout(connecting);
      gone();
      this.end(new BrokenExchange('truncated'));
    });
  }

  get({ path, headers, into }: RawGet): Promise<boolean> {
    this.isReusable = false;
    this.#headLength = 0;
    this.#socket.ref();
    return new Promise((resolve, reject) => {
      this.#turn = { into, resolve, reject, at: undefined };
      let text = `GET ${path} HTTP/1.1\r\n`;
      for (const [name, value] of Object.entries(headers)) text += `${name}: ${value}\r\n`;
      this.#socket.write(`${text}\r\n`);
    });
  }

  /** Ends the connection, and the request that is under way with an error. */
  end(error: unknown): void {
    const turn = this.#turn;
    this.#turn = undefined;
    this.isReusable = false;
    this.#socket.destroy();
    turn?.reject(error ?? new BrokenExchange('closed'));
  }

  /** Where the next bytes go. */
  #target(): Uint8Array {
    const { at, into } = this.#turn ?? {};
    if (at === undefined || into === undefined || at >= into.byteLength)
      return this.#head.subarray(this.#headLength);
    return into.subarray(at);
  }

  #received(length: number): void {
    const turn = this.#turn;
    if (turn === undefined) {
      // Nobody asked for anything.
      this.end(undefined);
    } else if (turn.at === undefined) {
      this.#headLength += length;
      this.#readHead(turn);
    } else {
      turn.at += length;
      if (turn.at === turn.into.byteLength) this.#done(true, true);
    }
  }

  #readHead(turn: Turn): void {
    const held = this.#head.subarray(0, this.#headLength);
    const end = held.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#headLength === HEAD_BYTES) this.#done(false, false);
      return;
    }
    const head = held.toString('latin1', 0, end).toLowerCase();
    const first = held.subarray(end + 4);
    const isWhole =
      /^http\/1\.1 206\b/.test(head) &&
      !/\r\ntransfer-encoding:/.test(head) &&
      Number(/\r\ncontent-length: *(\d{1,15})/.exec(head)?.[1]) === turn.into.byteLength &&
      first.byteLength <= turn.into.byteLength;
    if (!isWhole) {
      this.#done(false, false);
      return;
    }
    turn.into.set(first);
    turn.at = first.byteLength;
    this.#headLength = 0;
    this.#isKept = !/\r\nconnection: *close/.test(head);
    if (turn.at === turn.into.byteLength) this.#done(true, true);
  }

  #done(isPlaced: boolean, isWhole: boolean): void {
    const turn = this.#turn;
    this.#turn = undefined;
    this.isReusable = isWhole && this.#isKept;
    this.#socket.unref();
    turn?.resolve(isPlaced);
  }
}
