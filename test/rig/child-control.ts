import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A controllable child that has connected back. */
export interface Child {
  readonly pid: number;
  /** Id of the process that started it. */
  readonly parent: number;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly argv: readonly string[];
  /** Resolves when the child has done it. */
  tell(step: ChildStep): Promise<void>;
  /** Tells it to end; resolves when the connection is gone. */
  end(step: { do: 'exit'; code: number } | { do: 'kill'; signal: string }): Promise<void>;
  /** Resolves when the process is gone, whoever ended it. */
  readonly gone: Promise<void>;
}

export type ChildStep =
  | { readonly do: 'write' | 'append'; readonly path: string; readonly text: string }
  | { readonly do: 'ignore'; readonly signal: string }
  | { readonly do: 'leave'; readonly detached: boolean }
  | { readonly do: 'print'; readonly stream: 'out' | 'err'; readonly base64: string };

/** Bytes for the child to print. */
export function print(bytes: string | Uint8Array, stream: 'out' | 'err' = 'out'): ChildStep {
  return { do: 'print', stream, base64: Buffer.from(bytes).toString('base64') };
}

export interface ChildControl {
  /** Program and arguments that start a child of this control. */
  readonly argv: readonly string[];
  /** The next child that connects. */
  next(): Promise<Child>;
  close(): void;
}

/** Listens for children. */
export async function controlChildren(): Promise<ChildControl> {
  const folder = mkdtempSync(`${tmpdir()}/dwf-`);
  const path = `${folder}/s`;
  const arrived: Child[] = [];
  const waiting: ((child: Child) => void)[] = [];
  const server = createServer((socket) => {
    void greet(socket).then((child) => {
      const wanted = waiting.shift();
      if (wanted === undefined) arrived.push(child);
      else wanted(child);
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    argv: [process.execPath, fileURLToPath(new URL('child.mjs', import.meta.url)), path],
    next: async () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    close: () => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function greet(socket: Socket): Promise<Child> {
  socket.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const read = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('the child is gone');
    return JSON.parse(line.value) as Record<string, unknown>;
  };
  const hello = await read();
  return {
    pid: hello['hello'] as number,
    parent: hello['parent'] as number,
    cwd: hello['cwd'] as string,
    env: hello['env'] as Record<string, string>,
    argv: hello['argv'] as string[],
    gone,
    tell: async (step) => {
      socket.write(`${JSON.stringify(step)}\n`);
      await read();
    },
    end: async (step) => {
      socket.write(`${JSON.stringify(step)}\n`);
      await gone;
    },
  };
}
