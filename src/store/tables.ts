import { ROW_LINES } from '../formats/tree-split.ts';
import type { Digest } from '../model/digest.ts';
import type { Store } from './store.ts';
import { diffNodes, findLeaves, patchNodes, readLeaf, writeLines, type LineEdits } from './tree-nodes.ts';

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
