/** Hides exact values in text that is kept. */
export interface Mask {
  /** The text with every value replaced by `***`. */
  text(text: string): string;
  /** A masker for text that comes in pieces: a value across a border is hidden too. */
  stream(): MaskStream;
}

/** `write` answers what is sure by now and holds back what may be the beginning of a value; `end` answers the rest. */
export interface MaskStream {
  write(piece: string): string;
  end(): string;
}

const REPLACEMENT = '***';
const SHORTEST_LINE = 8;

/**
 * A mask for these values, for each also without surrounding white space (`$(cat secret)` loses it) and, of one with
 * several lines, each line of at least 8 characters (tools print keys line by line). Empty values hide nothing.
 */
export function createMask(values: Iterable<string>): Mask {
  const hidden = hiddenTexts(values);
  if (hidden.length === 0) return { text: (text) => text, stream: plainStream };
  const pattern = new RegExp(
    hidden.map((value) => value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'),
    'g',
  );
  return {
    text: (text) => text.replace(pattern, REPLACEMENT),
    stream: () => maskingStream(pattern, hidden),
  };
}

function plainStream(): MaskStream {
  return { write: (piece) => piece, end: () => '' };
}

/** Longest first, so that a value that begins with another is hidden whole. */
function hiddenTexts(values: Iterable<string>): string[] {
  const texts = new Set<string>();
  for (const value of values) {
    texts.add(value).add(value.trim());
    if (!value.includes('\n')) continue;
    for (const line of value.split('\n')) if (line.trim().length >= SHORTEST_LINE) texts.add(line.trim());
  }
  texts.delete('');
  return [...texts].sort((a, b) => b.length - a.length);
}

function maskingStream(pattern: RegExp, hidden: readonly string[]): MaskStream {
  let held = '';
  return {
    write: (piece) => {
      const text = held + piece;
      const sure = sureLength(text, pattern, hidden);
      held = text.slice(sure);
      return text.slice(0, sure).replace(pattern, REPLACEMENT);
    },
    end: () => {
      const rest = held.replace(pattern, REPLACEMENT);
      held = '';
      return rest;
    },
  };
}

/** How much of the text no later piece can make part of a value that isn't found yet; a value found may lie within a longer one that has begun before it. */
function sureLength(text: string, pattern: RegExp, hidden: readonly string[]): number {
  const firstOpen = text.length - (hidden[0]?.length ?? 0) + 1;
  const beginsAt = (from: number): boolean => {
    const length = text.length - from;
    return hidden.some((value) => value.length > length && text.startsWith(value.slice(0, length), from));
  };
  const openFrom = (start: number, end: number): number | undefined => {
    for (let from = Math.max(start, firstOpen); from < end; from++) if (beginsAt(from)) return from;
    return undefined;
  };
  let settled = 0;
  for (const match of text.matchAll(pattern)) {
    const open = openFrom(settled, match.index + 1);
    if (open !== undefined) return open;
    settled = match.index + match[0].length;
  }
  return openFrom(settled, text.length) ?? text.length;
}
