/** Where everything printed goes: data to stdout, words to stderr. A reader that went away (`| head`) is not an error. */
export interface Output {
  /** Whether stdout's reader has gone, so that nobody waits for more. */
  readonly closed: boolean;
  /** Text or bytes to stdout, as they are. */
  data(chunk: string | Uint8Array): void;
  /** Bytes to stdout, waiting while the reader is slow. */
  stream(chunk: Uint8Array): Promise<void>;
  /** A document to stdout: indented, or one entry a line where it is a list. */
  json(document: unknown): void;
  /** Text to stderr, as it is. */
  words(text: string): void;
  /** Whether someone watches stderr. */
  readonly terminal: boolean;
  /** Columns of the terminal behind stderr, 80 where there is none. */
  readonly columns: number;
  /** Puts something between `words` and the stream, so that a live display can step aside; undefined takes it away. */
  around(wrap: ((write: () => void) => void) | undefined): void;
}

/** The output of a process. */
export function createOutput(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  let closed = false;
  let wrap: ((write: () => void) => void) | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed = true;
  });
  stderr.on('error', () => undefined);
  const data = (chunk: string | Uint8Array): void => {
    if (!closed && chunk.length > 0) stdout.write(chunk);
  };
  return {
    get closed() {
      return closed;
    },
    data,
    stream: async (chunk) => {
      if (closed || stdout.write(chunk)) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          stdout.off('drain', done).off('error', done).off('close', done);
          resolve();
        };
        stdout.on('drain', done).on('error', done).on('close', done);
      });
    },
    json: (document) => {
      for (const chunk of jsonChunks(document)) data(chunk);
    },
    words: (text) => {
      const write = (): void => void stderr.write(text);
      if (wrap === undefined) write();
      else wrap(write);
    },
    // Some pseudo-terminals have no size; nothing can be drawn in them.
    terminal: stderr.isTTY && stderr.columns > 0,
    get columns() {
      return stderr.isTTY ? stderr.columns : 80;
    },
    around: (next) => {
      wrap = next;
    },
  };
}

/** An output whose data is kept instead of printed; its words go where those of another go. */
export function memoryOutput(words: Output): { readonly output: Output; text(): string } {
  const chunks: string[] = [];
  const data = (chunk: string | Uint8Array): void => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
  };
  const output: Output = {
    closed: false,
    data,
    stream: async (chunk) => {
      data(chunk);
    },
    json: (document) => {
      for (const chunk of jsonChunks(document)) data(chunk);
    },
    words: (text) => {
      words.words(text);
    },
    terminal: false,
    columns: 80,
    around: () => undefined,
  };
  return { output, text: () => chunks.join('') };
}

/** Lists go out in pieces: one string of a million entries would not fit. */
function* jsonChunks(document: unknown): Iterable<string> {
  if (!Array.isArray(document)) {
    yield `${JSON.stringify(document, null, 2)}\n`;
    return;
  }
  let piece = '[';
  for (const [index, entry] of document.entries()) {
    piece += `${index === 0 ? '\n' : ',\n'}  ${JSON.stringify(entry)}`;
    if (piece.length < 65_536) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}${document.length === 0 ? ']' : '\n]'}\n`;
}
