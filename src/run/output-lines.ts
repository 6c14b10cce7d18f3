import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './mask.ts';
import type { LogLine } from './runner.ts';

/** Characters of a line before it is cut; a progress bar or a binary dump has no line ends. */
const LONGEST_LINE = 16_384;
const STDERR_TAIL = 2_048;

/** How much of one attempt's output is kept, in characters: its first part and its last lines. */
export interface OutputLimits {
  readonly head: number;
  readonly tail: number;
}

const OUTPUT_LIMITS: OutputLimits = { head: 8 << 20, tail: 256 << 10 };

/** The two output streams of one attempt as log lines. */
export interface OutputLines {
  readonly write: (stream: 'out' | 'err', chunk: Uint8Array) => void;
  /** Gives out what is left: unfinished lines, and the last lines of an output that was too long. */
  readonly end: () => void;
  /** The last 2 KiB of stderr, masked, beginning at a whole character. */
  readonly stderrTail: () => string;
}

export interface OutputOptions {
  readonly mask: Mask;
  readonly log: (line: LogLine) => void;
  readonly now: () => number;
  readonly limits?: OutputLimits;
}

/**
 * Turns chunks into lines with the time of their arrival: UTF-8 across chunks, `\r\n` as `\n`, secrets masked, lines cut at
 * 16,384 characters. Memory is bounded by the limits whatever the command prints; what falls between the first part and
 * the last lines is counted in a line of its own.
 */
export function createOutputLines(options: OutputOptions): OutputLines {
  const keep = boundedLog(options.log, options.limits ?? OUTPUT_LIMITS);
  let tail = '';
  const splitters = {
    out: lineSplitter(options.mask, (text) => keep.add({ time: options.now(), stream: 'out', text })),
    err: lineSplitter(options.mask, (text) => keep.add({ time: options.now(), stream: 'err', text })),
  };
  const noteTail = (masked: string): void => {
    tail = (tail + masked.slice(-STDERR_TAIL)).slice(-STDERR_TAIL);
  };
  return {
    write: (stream, chunk) => {
      const masked = splitters[stream].write(chunk);
      if (stream === 'err') noteTail(masked);
    },
    end: () => {
      splitters.out.end();
      noteTail(splitters.err.end());
      keep.end(options.now());
    },
    stderrTail: () => withoutSignatures(lastBytes(tail, STDERR_TAIL)),
  };
}

interface Splitter {
  /** Answers the masked text of the chunk. */
  readonly write: (chunk: Uint8Array) => string;
  readonly end: () => string;
}

function lineSplitter(mask: Mask, keep: (text: string) => void): Splitter {
  const decoder = new StringDecoder('utf8');
  const masking = mask.stream();
  let rest = '';
  const emit = (line: string): void => {
    keep(withoutSignatures(line));
  };
  const take = (text: string): string => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) emitCut(line.endsWith('\r') ? line.slice(0, -1) : line, emit);
    while (rest.length > LONGEST_LINE) {
      const cut = cutAt(rest, LONGEST_LINE);
      emit(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
    return text;
  };
  return {
    write: (chunk) =>
      take(masking.write(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))),
    end: () => {
      const text = take(masking.write(decoder.end()) + masking.end());
      if (rest !== '') emit(rest);
      rest = '';
      return text;
    },
  };
}

/** What makes a signed URL open its object: a command that reads by URL may print some. */
function withoutSignatures(text: string): string {
  if (!text.includes('X-Amz-')) return text;
  return text.replace(/(X-Amz-(?:Signature|Security-Token)=)[\w%.~-]+/g, '$1***');
}

function emitCut(line: string, emit: (text: string) => void): void {
  let rest = line;
  while (rest.length > LONGEST_LINE) {
    const cut = cutAt(rest, LONGEST_LINE);
    emit(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  emit(rest);
}

/** A place at or just before `length` that doesn't split a surrogate pair. */
function cutAt(text: string, length: number): number {
  const before = text.charCodeAt(length - 1);
  return before >= 0xd800 && before <= 0xdbff ? length - 1 : length;
}

function boundedLog(
  log: (line: LogLine) => void,
  limits: OutputLimits,
): { add: (line: LogLine) => void; end: (time: number) => void } {
  let kept = 0;
  let last: LogLine[] = [];
  let lastSize = 0;
  let dropped = 0;
  const trim = (): void => {
    let from = 0;
    while (lastSize > limits.tail && from < last.length - 1) lastSize -= (last[from++]?.text.length ?? 0) + 1;
    dropped += from;
    last = last.slice(from);
  };
  return {
    add: (line) => {
      const size = line.text.length + 1;
      if (last.length === 0 && kept + size <= limits.head) {
        kept += size;
        log(line);
        return;
      }
      last.push(line);
      lastSize += size;
      // Twice the limit before it is cut, so that a line costs no more than a push.
      if (lastSize > 2 * limits.tail) trim();
    },
    end: (time) => {
      trim();
      if (dropped > 0)
        log({ time: last[0]?.time ?? time, stream: 'err', text: `[datawf: ${dropped} lines left out]` });
      for (const line of last) log(line);
      last = [];
    },
  };
}

function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let from = bytes.length - limit;
  while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  return bytes.subarray(from).toString();
}
