import { ROW_LINES } from '../formats/tree-split.ts';
import type { Sides } from '../graph/merge.ts';
import type { Digest } from '../model/digest.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Store } from './store.ts';
import {
  diffNodes,
  findLeaves,
  patchNodes,
  readDiffering,
  readLeaf,
  writeLines,
  type LineEdits,
} from './tree-nodes.ts';

/** What differs between two tables, as lines, each list sorted by captures. */
export interface TableDiff {
  readonly added: readonly string[];
  readonly changed: readonly { readonly before: string; readonly after: string }[];
  readonly deleted: readonly string[];
}

/**
 * Stores the lines of a datum table (formats 2.4; no newlines, sorted by the bytes of their captures, unique): split like
 * trees, by the captures. What the fields of a line mean is its format's to check.
 */
export async function writeTable(
  store: Store,
  lines: readonly string[],
): Promise<{ readonly table: Digest; readonly count: number }> {
  const root = await writeLines(store, lines, ROW_LINES);
  return { table: root.digest, count: root.count };
}

/** All lines of a table, sorted by captures. Raises `missing-tree`, `corrupt-tree`. */
export async function readTable(store: Store, table: Digest): Promise<string[]> {
  const all: string[] = [];
  for (const leaf of await findLeaves(store, table)) {
    for (const line of await readLeaf(store, leaf, ROW_LINES)) all.push(line);
  }
  return all;
}

/** Lines of one datum that three tables (a base may be undefined: empty) don't all have alike; undefined where one has none. */
export interface TableChange extends Sides<string> {
  readonly captures: string;
}

/** Difference of three tables, in order by captures; reads only nodes that not all of them have, each once. */
export async function diffThreeTables(store: Store, tables: Sides<Digest>): Promise<Iterable<TableChange>> {
  const [base = [], ours = [], theirs = []] = await readDiffering(store, [
    tables.base,
    tables.ours,
    tables.theirs,
  ]);
  return changesOf(new Lines(base), new Lines(ours), new Lines(theirs));
}

/** One after the other, since many thousand at once are dear to keep. */
function* changesOf(base: Lines, ours: Lines, theirs: Lines): Generator<TableChange> {
  for (;;) {
    // Nearly all lines of a leaf are alike in all three, and their keys needn't be cut out.
    if (ours.line === base.line && theirs.line === base.line) {
      if (base.line === undefined) return;
      for (const lines of [base, ours, theirs]) lines.next();
      continue;
    }
    const captures = lower(lower(base.key, ours.key), theirs.key);
    if (captures === undefined) return;
    yield {
      captures,
      base: base.take(captures),
      ours: ours.take(captures),
      theirs: theirs.take(captures),
    };
  }
}

function lower(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareBytes(a, b) <= 0 ? a : b;
}

/** The lines of a table, to be taken in order. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;
  #key: string | undefined;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** The next one; undefined behind the last. */
  get line(): string | undefined {
    return this.#lines[this.#at];
  }

  /** Its captures. */
  get key(): string | undefined {
    return (this.#key ??= this.line === undefined ? undefined : ROW_LINES.keyOf(this.line));
  }

  next(): void {
    this.#at += 1;
    this.#key = undefined;
  }

  /** The next line, where it has this key. */
  take(key: string): string | undefined {
    if (this.key !== key) return undefined;
    const { line } = this;
    this.next();
    return line;
  }
}

/** A table with lines put and removed, by captures; rewrites only the nodes concerned. Equal to writing all its lines. */
export async function patchTable(
  store: Store,
  table: Digest,
  edits: LineEdits,
): Promise<{ readonly table: Digest; readonly count: number }> {
  const root = await patchNodes(store, table, { edits, form: ROW_LINES });
  return { table: root.digest, count: root.count };
}

/** Difference of two tables (undefined: empty); reads only nodes that differ. */
export async function diffTables(
  store: Store,
  before: Digest | undefined,
  after: Digest | undefined,
): Promise<TableDiff> {
  const added: string[] = [];
  const changed: { before: string; after: string }[] = [];
  const deleted: string[] = [];
  for (const change of await diffNodes(store, { before, after }, ROW_LINES)) {
    if (change.before !== undefined && change.after !== undefined)
      changed.push({ before: change.before, after: change.after });
    else if (change.after !== undefined) added.push(change.after);
    else if (change.before !== undefined) deleted.push(change.before);
  }
  return { added, changed, deleted };
}
