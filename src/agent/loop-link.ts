import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { frameBytes, frameReader, type Frame } from '../run/command-frames.ts';
import type { CommandEnded, CommandRun, Commands } from '../run/hosted-commands.ts';
import { LINK, readHello, readLoopEnd, readTexts, type Hello, type Leave, type LoopCommand } from './link.ts';

/** What of a stage the loop is told with each command. */
export type LinkStage = Pick<LoopCommand, 'cmd' | 'secretNames'>;

/** How long after its grace the loop's silence about a cancelled command counts as its end. */
const CANCEL_MS = 5_000;

interface Waiting {
  readonly run: CommandRun;
  readonly resolve: (ended: CommandEnded) => void;
}

/** A frame larger than any that the loop sends is somebody else's. */
const LARGEST_FRAME = 16 << 20;
const HEADER = 9;

/**
 * The stager's end of the socket: takes the first who calls, and runs commands there. Whatever ends the loop ends the
 * connection, in milliseconds; its command then counts as not started, and `isLost` is true.
 */
export class LoopLink {
  readonly #server: Server;
  readonly #terminating = new AbortController();
  readonly #gone = new AbortController();
  readonly #hello: Promise<Hello>;
  #greet: (hello: Hello) => void = () => undefined;
  #takeMasked: (texts: readonly string[]) => void = () => undefined;
  #socket: Socket | undefined;
  #waiting: Waiting | undefined;
  #commands = 0;
  #peak = 0;
  #isLeaving = false;

  private constructor(server: Server) {
    this.#server = server;
    this.#hello = new Promise((resolve) => (this.#greet = resolve));
  }

  /** Listens at an absolute path; a socket that an earlier stager of this pod left there is replaced. */
  static async listen(path: string): Promise<LoopLink> {
    rmSync(path, { force: true });
    const server = createServer();
    const link = new LoopLink(server);
    server.on('connection', (socket) => link.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o770);
    return link;
  }

  /** Aborted when main was told to end. */
  get terminating(): AbortSignal {
    return this.#terminating.signal;
  }

  /** Aborted when the loop is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether the loop went without having been told to. */
  get isLost(): boolean {
    return this.#gone.signal.aborted && !this.#isLeaving;
  }

  /** Largest memory that the running command was seen with, bytes; 0 before the first sample. */
  get peakMemory(): number {
    return this.#peak;
  }

  /** What the loop says first; it waits as long as the user's image takes to come. */
  hello(): Promise<Hello> {
    return this.#hello;
  }

  /** As any other place that commands run in; one at a time. */
  commands(stage: LinkStage): Commands {
    return { run: (run) => this.#run(run, stage), prepare: () => undefined, close: () => undefined };
  }

  /** Hides secrets, whose values only the loop knows, in texts; undefined where it is gone. One call at a time. */
  async mask(texts: readonly string[]): Promise<readonly string[] | undefined> {
    if (this.#gone.signal.aborted) return undefined;
    return await new Promise((resolve) => {
      const lost = (): void => resolve(undefined);
      this.#gone.signal.addEventListener('abort', lost, { once: true });
      this.#takeMasked = (masked) => {
        this.#gone.signal.removeEventListener('abort', lost);
        resolve(masked.length === texts.length ? masked : undefined);
      };
      this.#send(LINK.mask, 0, JSON.stringify(texts));
    });
  }

  /** Tells the loop how to end, and waits until it has. */
  async leave(leave: Leave): Promise<void> {
    this.#isLeaving = true;
    if (this.#socket === undefined || this.#gone.signal.aborted) return;
    const gone = new Promise<void>((resolve) => {
      this.#gone.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#send(LINK.leave, 0, JSON.stringify(leave));
    await gone;
  }

  close(): void {
    this.#server.close();
    this.#socket?.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#socket !== undefined) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    this.#server.close();
    socket.on('error', () => undefined);
    socket.on('close', () => this.#lose());
    const read = frameReader((frame) => this.#take(frame));
    socket.on('data', (bytes: Buffer) => {
      try {
        read(bytes);
      } catch {
        // What comes isn't what the loop says.
        socket.destroy();
      }
    });
  }

  #run(run: CommandRun, { cmd, secretNames }: LinkStage): Promise<CommandEnded> {
    if (run.signal.aborted) return Promise.resolve({ end: { kind: 'cancelled' }, usage: NO_USAGE });
    if (this.#gone.signal.aborted) return Promise.resolve(lost());
    this.#peak = 0;
    const { cwd, env, timeoutMs, graceMs, own = '' } = run;
    const asked: LoopCommand = { cmd, cwd, env, secretNames, timeoutMs, graceMs, own };
    return new Promise((resolve) => {
      let late: NodeJS.Timeout | undefined;
      const cancel = (): void => {
        this.#send(LINK.cancel, this.#commands, '');
        late = setTimeout(() => this.#socket?.destroy(), CANCEL_MS + graceMs);
      };
      run.signal.addEventListener('abort', cancel, { once: true });
      this.#waiting = {
        run,
        resolve: (ended) => {
          clearTimeout(late);
          run.signal.removeEventListener('abort', cancel);
          this.#waiting = undefined;
          resolve(ended);
        },
      };
      this.#send(LINK.start, ++this.#commands, JSON.stringify(asked));
    });
  }

  #take({ type, command, payload }: Frame): void {
    if (payload.length + HEADER > LARGEST_FRAME) throw new Error('a frame is too large');
    if (type === LINK.hello) this.#greet(readHello(payload.toString()));
    else if (type === LINK.terminating) this.#terminating.abort();
    else if (type === LINK.masked) this.#takeMasked(readTexts(payload.toString()));
    else if (command === this.#commands && this.#waiting !== undefined) {
      if (type === LINK.out) this.#waiting.run.write('out', payload);
      else if (type === LINK.err) this.#waiting.run.write('err', payload);
      else if (type === LINK.sample) this.#peak = Math.max(this.#peak, Number(payload.toString()) || 0);
      else if (type === LINK.end) this.#waiting.resolve(endedOf(payload.toString()));
    }
  }

  #lose(): void {
    this.#gone.abort();
    this.#waiting?.resolve(lost());
  }

  #send(type: number, command: number, payload: string): void {
    if (this.#socket?.writable === true) this.#socket.write(frameBytes(type, command, payload));
  }
}

const NO_USAGE = { cpuSeconds: undefined, peakMemory: undefined };

function lost(): CommandEnded {
  return {
    end: { kind: 'not-started', error: new Error('the container of the command is gone') },
    usage: NO_USAGE,
  };
}

function endedOf(text: string): CommandEnded {
  const { end, usage, memory } = readLoopEnd(text);
  const used = { ...NO_USAGE, ...usage };
  if (end.kind !== 'not-started') return { end, usage: used, memory };
  const error: NodeJS.ErrnoException = new Error(end.error.message ?? '');
  if (end.error.code !== undefined) error.code = end.error.code;
  return { end: { kind: 'not-started', error }, usage: used, memory };
}
