import { isDigest, type Digest } from '../model/digest.ts';
import type { FileEntry, FileKind } from '../model/file-entry.ts';
import { damaged, type Problem } from '../model/problem.ts';
import { compareBytes, dataFault } from '../model/repo-path.ts';

/**
 * Trees as text (docs/formats.md): one line per file, sorted by the bytes of the paths, each ending in a newline. This file
 * has the lines; tree-split has how many of them become several nodes. All parsers are strict: what they accept is what
 * the formatters write, byte for byte.
 */

/** `<kind> <64hex> <size> <path>`, without a newline. */
export function formatLine(entry: FileEntry): string {
  return `${entry.kind} ${entry.digest} ${entry.size} ${entry.path}`;
}

/** A listing that isn't split, such as a row's result. */
export function formatListing(listing: readonly FileEntry[]): string {
  return joinLines(listing.map(formatLine));
}

/** Reads a listing that isn't split. Raises `corrupt-tree` (exit 7) with the line; `name` is how the message calls it. */
export function parseListing(text: string, name = 'a tree'): FileEntry[] {
  const lines = cutLines(text, name);
  const checker = new ListingChecker();
  return lines.map((line, index) => {
    const entry = parseLine(line);
    const fault = typeof entry === 'string' ? entry : checker.faultOf(entry.path);
    if (typeof entry === 'string' || fault !== undefined) throw corruptLine(name, index + 1, fault ?? '');
    return entry;
  });
}

/** Lines without their newlines. Raises `corrupt-tree` where the last has none. */
export function cutLines(text: string, name = 'a tree'): string[] {
  if (text === '') return [];
  if (!text.endsWith('\n')) throw damaged('corrupt-tree', `${name} is cut short: its last line has no end`);
  return text.slice(0, -1).split('\n');
}

export function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

const SIZE = /^(0|[1-9][0-9]{0,15})$/;

/** One line as an entry, or what is wrong with it, in words. Order among lines is `ListingChecker`'s to judge. */
export function parseLine(line: string): FileEntry | string {
  const kind = line[0];
  if (!isKind(kind) || line[1] !== ' ' || line[66] !== ' ') return 'does not begin with a kind and a digest';
  const digest = line.slice(2, 66);
  if (!isDigest(digest)) return 'has a digest that is not 64 hex digits';
  const space = line.indexOf(' ', 67);
  const digits = line.slice(67, Math.max(67, space));
  const size = Number(digits);
  if (!SIZE.test(digits) || !Number.isSafeInteger(size)) return 'has no proper size';
  const path = line.slice(space + 1);
  const fault = dataFault(path);
  if (fault !== undefined) return `has a path that ${fault}`;
  return { path, kind, digest, size };
}

function isKind(text: string | undefined): text is FileKind {
  return text === 'f' || text === 'x' || text === 'l';
}

/** Judges paths that come one after the other: sorted, none twice, no file that is the folder of another. */
export class ListingChecker {
  #last: string | undefined;
  /** Paths so far that the last one begins with: only those can be a folder of what comes. */
  readonly #above: string[] = [];

  /** What is wrong with the next path, undefined where nothing is. */
  faultOf(path: string): string | undefined {
    if (this.#last !== undefined && compareBytes(this.#last, path) >= 0) {
      return this.#last === path ? 'has the path of the line before' : 'is not in order';
    }
    this.#last = path;
    while (this.#above.length > 0 && !path.startsWith(this.#above.at(-1) ?? '')) this.#above.pop();
    const file = this.#above.find((above) => path.charCodeAt(above.length) === 47);
    this.#above.push(path);
    return file === undefined ? undefined : `lies in ${JSON.stringify(file)}, which is a file`;
  }
}

/** A node as its parent's line names it. */
export interface NodeRef {
  readonly digest: Digest;
  /** Files (rows of a table) in and below it. */
  readonly count: number;
  /** Their bytes; of a table the bytes of the text. */
  readonly bytes: number;
  /** Key of its first line: the path, or the captures of a table's row. */
  readonly first: string;
}

/** `n <64hex> <files> <bytes> <first path>`, without a newline. */
export function formatNodeRef(ref: NodeRef): string {
  return `n ${ref.digest} ${ref.count} ${ref.bytes} ${ref.first}`;
}

/** Whether a node holds references to nodes rather than files or rows. */
export function isInnerText(text: string): boolean {
  return text.startsWith('n ');
}

const NODE_LINE = /^n ([0-9a-f]{64}) ([1-9][0-9]{0,15}) (0|[1-9][0-9]{0,15}) (.+)$/;

/** Reads an inner node: sorted by first key, none empty. Raises `corrupt-tree` with the line. */
export function parseInner(text: string, name = 'a tree'): NodeRef[] {
  let last: string | undefined;
  return cutLines(text, name).map((line, index) => {
    const [, digest = '', count, bytes, first = ''] = NODE_LINE.exec(line) ?? [];
    if (!isDigest(digest)) throw corruptLine(name, index + 1, 'is no reference to a node');
    if (last !== undefined && compareBytes(last, first) >= 0)
      throw corruptLine(name, index + 1, 'is not in order');
    last = first;
    return { digest, count: Number(count), bytes: Number(bytes), first };
  });
}

/** The problem of a line that can't be (exit 7); `line` counts from 1. */
export function corruptLine(name: string, line: number, fault: string): Problem {
  return damaged(
    'corrupt-tree',
    `${name} is damaged: line ${line} ${fault}`,
    'Get it again with `datawf pull`, or run the stage that makes it again.',
  );
}
