import { ListingChecker } from '../formats/tree-text.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { sameContent } from '../model/file-entry.ts';
import { compareBytes } from '../model/repo-path.ts';
import { sideToTake, type Side, type Sides } from './merge.ts';

/** What brings ours' tree to the merged one. */
export interface MergedFiles {
  readonly put: readonly FileEntry[];
  readonly remove: readonly string[];
  /** What can't be decided, each naming its path; with any, the rest is worthless. */
  readonly conflicts: readonly string[];
}

/** A file of a stage that the two sides have otherwise. */
export interface FileChange {
  /** In the repository, for patterns and messages. */
  readonly path: string;
  /** Entries with paths as the tree has them. */
  readonly ours: FileEntry | undefined;
  readonly theirs: FileEntry | undefined;
}

/** Which row a file belongs to on each side, and whose files of a row count (undefined: no side changed that row). */
export interface RowRules {
  readonly rowOf: (side: 'ours' | 'theirs', path: string) => string | undefined;
  readonly sideOf: (row: string) => Side | undefined;
}

/**
 * The files of merged rows: every file goes with its row. `changes` are those that differ between ours and theirs, sorted
 * by path. A file whose row no side changed, and one path of two rows, are conflicts: then the lock isn't what it says.
 */
export function mergeRowFiles(changes: Iterable<FileChange>, rules: RowRules): MergedFiles {
  const put: FileEntry[] = [];
  const remove: string[] = [];
  const conflicts: string[] = [];
  const kept: Kept[] = [];
  const isKept = (side: 'ours' | 'theirs', path: string): boolean => {
    const row = rules.rowOf(side, path);
    const from = row === undefined ? undefined : rules.sideOf(row);
    if (from === undefined || from === 'both')
      conflicts.push(`${path} differs, and no datum that made it does`);
    return from === side;
  };
  for (const { path, ours, theirs } of changes) {
    const fromOurs = ours !== undefined && isKept('ours', path);
    const fromTheirs = theirs !== undefined && isKept('theirs', path);
    if (fromOurs && fromTheirs) conflicts.push(`${path} belongs to two datums`);
    else if (fromTheirs) put.push(theirs);
    else if (!fromOurs && ours !== undefined) remove.push(ours.path);
    if (fromOurs) kept.push({ path, entry: ours });
    else if (fromTheirs) kept.push({ path, entry: theirs });
  }
  return { put, remove, conflicts: [...conflicts, ...nestedFiles(kept)] };
}

/** A file of data added by hand that some side changed; entries with paths as the tree has them. */
export interface AddedChange extends Sides<FileEntry> {
  /** In the repository, for messages. */
  readonly path: string;
}

/**
 * Merges the files of data added by hand, by path. `changes` are those that either side changed. With `prefer` that side
 * wins where both changed a path; without, it is a conflict.
 */
export function mergeAddedFiles(
  changes: Iterable<AddedChange>,
  prefer: 'ours' | 'theirs' | undefined,
): MergedFiles {
  const put: FileEntry[] = [];
  const remove: string[] = [];
  const conflicts: string[] = [];
  const kept: Kept[] = [];
  for (const { path, ...sides } of changes) {
    const side = sideToTake(sides, sameContent) ?? prefer;
    if (side === undefined) conflicts.push(twice(path, sides));
    const entry = side === 'theirs' ? sides.theirs : sides.ours;
    if (side === 'theirs' && entry !== undefined) put.push(entry);
    if (side === 'theirs' && entry === undefined && sides.ours !== undefined) remove.push(sides.ours.path);
    if (entry !== undefined) kept.push({ path, entry });
  }
  return { put, remove, conflicts: [...conflicts, ...nestedFiles(kept)] };
}

function twice(path: string, { base, ours, theirs }: Sides<FileEntry>): string {
  if (ours === undefined) return `${path} was deleted by ours and changed by theirs`;
  if (theirs === undefined) return `${path} was changed by ours and deleted by theirs`;
  return base === undefined
    ? `${path} was added by both sides, each with other content`
    : `${path} was changed by both sides, each otherwise`;
}

interface Kept {
  readonly path: string;
  readonly entry: FileEntry;
}

/** One side may have a file where the other has a folder. */
function nestedFiles(kept: readonly Kept[]): string[] {
  const checker = new ListingChecker();
  return [...kept]
    .sort((a, b) => compareBytes(a.entry.path, b.entry.path))
    .flatMap(({ path, entry }) => {
      const fault = checker.faultOf(entry.path);
      return fault === undefined ? [] : [`${path} ${fault}`];
    });
}
