import type { Digest } from '../model/digest.ts';
import type { Store } from './store.ts';

/** What differs between two tables, as lines, each list sorted by captures. */
export interface TableDiff {
  readonly added: readonly string[];
  readonly changed: readonly { readonly before: string; readonly after: string }[];
  readonly deleted: readonly string[];
}

/**
 * Stores the lines of a datum table (formats 2.4, no newlines, sorted by captures, unique): split like trees, by the
 * captures. Lines that aren't of the grammar are a bug of the caller.
 */
export function writeTable(
  store: Store,
  lines: readonly string[],
): Promise<{ readonly table: Digest; readonly count: number }> {
  throw new Error(`not written yet: ${store.url} ${lines.length}`);
}

/** All lines of a table, sorted by captures. Raises `missing-tree`, `corrupt-tree`. */
export function readTable(store: Store, table: Digest): Promise<string[]> {
  throw new Error(`not written yet: ${store.url} ${table}`);
}

/** Difference of two tables (undefined: empty); reads only nodes that differ. */
export function diffTables(
  store: Store,
  before: Digest | undefined,
  after: Digest | undefined,
): Promise<TableDiff> {
  throw new Error(`not written yet: ${store.url} ${before ?? ''} ${after ?? ''}`);
}
