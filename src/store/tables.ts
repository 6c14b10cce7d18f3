import { ROW_LINES } from '../formats/tree-split.ts';
import type { Sides } from '../graph/merge.ts';
import type { Digest } from '../model/digest.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Store } from './store.ts';
import {
  diffNodes,
  findLeaves,
  patchNodes,
  readLeaf,
  writeLines,
  type LineChange,
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

/** Difference of three tables, in order by captures; reads only nodes that differ. */
export async function diffThreeTables(store: Store, tables: Sides<Digest>): Promise<readonly TableChange[]> {
  const { base, ours, theirs } = tables;
  const mine = await diffNodes(store, { before: base, after: ours }, ROW_LINES);
  const other = await diffNodes(store, { before: base, after: theirs }, ROW_LINES);
  const keyOf = (change: LineChange): string => ROW_LINES.keyOf(change.after ?? change.before ?? '');
  const changes: TableChange[] = [];
  for (let i = 0, j = 0; i < mine.length || j < other.length;) {
    const [one, two] = [mine[i], other[j]];
    const [here, there] = [one && keyOf(one), two && keyOf(two)];
    const order = here === undefined ? 1 : there === undefined ? -1 : compareBytes(here, there);
    const old = (order <= 0 ? one : two)?.before;
    changes.push({
      captures: (order <= 0 ? here : there) ?? '',
      base: old,
      ours: order <= 0 ? one?.after : old,
      theirs: order >= 0 ? two?.after : old,
    });
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return changes;
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
