import { ListingChecker } from '../formats/tree-text.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { sameContent } from '../model/file-entry.ts';
import { sideToTake, type Side, type Sides } from './merge.ts';

/** Which files bring ours' tree to that of the merged rows: those of theirs to put, and those to remove. */
export interface MergedPaths<Change> {
  readonly put: readonly Change[];
  readonly remove: readonly Change[];
  /** What can't be decided, each naming its path; with any, the rest is worthless. */
  readonly conflicts: readonly string[];
}

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
  /** As the tree has it. */
  readonly treePath: string;
  /** Whether that side has it. */
  readonly ours: boolean;
  readonly theirs: boolean;
}

/** Of the row that a side's file belongs to: whose files count. undefined where no changed row of that side claims it. */
export type SideOf = (side: 'ours' | 'theirs', path: string) => Side | undefined;

/**
 * The files of merged rows: every file goes with its row. `changes` are those that differ between ours and theirs, sorted
 * by path. A file whose row no side changed, and one path of two rows, are conflicts: then the lock isn't what it says.
 */
export function mergeRowFiles<Change extends FileChange>(
  changes: Iterable<Change>,
  sideOf: SideOf,
): MergedPaths<Change> {
  const put: Change[] = [];
  const remove: Change[] = [];
  const conflicts: string[] = [];
  const nested: string[] = [];
  const checker = new ListingChecker();
  const isKept = (side: 'ours' | 'theirs', path: string): boolean => {
    const from = sideOf(side, path);
    if (from === undefined || from === 'both')
      conflicts.push(`${path} differs, and no datum that made it does`);
    return from === side;
  };
  for (const change of changes) {
    const { path } = change;
    const fromOurs = change.ours && isKept('ours', path);
    const fromTheirs = change.theirs && isKept('theirs', path);
    if (fromOurs && fromTheirs) conflicts.push(`${path} belongs to two datums`);
    else if (fromTheirs) put.push(change);
    else if (!fromOurs && change.ours) remove.push(change);
    if (fromOurs || fromTheirs) nested.push(...nestedFile(checker, change));
  }
  return { put, remove, conflicts: [...conflicts, ...nested] };
}

/** A file of data added by hand that some side changed; entries with paths as the tree has them. */
export interface AddedChange extends Sides<FileEntry> {
  /** In the repository, for messages. */
  readonly path: string;
}

/**
 * Merges the files of data added by hand, by path. `changes` are those that either side changed, sorted. With `prefer` that side
 * wins where both changed a path; without, it is a conflict.
 */
export function mergeAddedFiles(
  changes: Iterable<AddedChange>,
  prefer: 'ours' | 'theirs' | undefined,
): MergedFiles {
  const put: FileEntry[] = [];
  const remove: string[] = [];
  const conflicts: string[] = [];
  const nested: string[] = [];
  const checker = new ListingChecker();
  for (const { path, ...sides } of changes) {
    const side = sideToTake(sides, sameContent) ?? prefer;
    if (side === undefined) conflicts.push(twice(path, sides));
    const entry = side === 'theirs' ? sides.theirs : sides.ours;
    if (side === 'theirs' && entry !== undefined) put.push(entry);
    if (side === 'theirs' && entry === undefined && sides.ours !== undefined) remove.push(sides.ours.path);
    if (entry !== undefined) nested.push(...nestedFile(checker, { path, treePath: entry.path }));
  }
  return { put, remove, conflicts: [...conflicts, ...nested] };
}

function twice(path: string, { base, ours, theirs }: Sides<FileEntry>): string {
  if (ours === undefined) return `${path} was deleted by ours and changed by theirs`;
  if (theirs === undefined) return `${path} was changed by ours and deleted by theirs`;
  return base === undefined
    ? `${path} was added by both sides, each with other content`
    : `${path} was changed by both sides, each otherwise`;
}

/** One side may have a file where the other has a folder. The files that are kept come sorted. */
function nestedFile(
  checker: ListingChecker,
  { path, treePath }: { readonly path: string; readonly treePath: string },
): string[] {
  const fault = checker.faultOf(treePath);
  return fault === undefined ? [] : [`${path} ${fault}`];
}
