import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes, isWithin } from '../model/repo-path.ts';
import type { Digest } from '../model/digest.ts';
import type { DatumPlan } from './datum-plan.ts';

/** Where a file of a sandbox comes from. */
export type FileSource = 'store' | 'workspace';

/**
 * Files as a dep's candidates, in three columns sorted by path. A file whose datum isn't settled has no entry yet; a file
 * whose datum isn't settled, failed or is blocked names that datum as its origin.
 */
export interface FileView {
  readonly paths: string[];
  readonly entries: (FileEntry | undefined)[];
  readonly origins: (DatumPlan | undefined)[];
  readonly sources: FileSource[];
}

interface ViewRow {
  readonly path: string;
  readonly entry: FileEntry | undefined;
  readonly origin: DatumPlan | undefined;
  readonly source: FileSource;
}

/** A view of settled files. */
export function settledView(files: readonly FileEntry[], source: FileSource): FileView {
  return {
    paths: files.map((file) => file.path),
    entries: [...files],
    origins: new Array<undefined>(files.length).fill(undefined),
    sources: new Array<FileSource>(files.length).fill(source),
  };
}

/** A view of files that no datum can see; they only count. */
export function strayView(paths: readonly string[]): FileView {
  return {
    paths: [...paths],
    entries: new Array<undefined>(paths.length).fill(undefined),
    origins: new Array<undefined>(paths.length).fill(undefined),
    sources: new Array<FileSource>(paths.length).fill('workspace'),
  };
}

/** A view of rows in any order. */
export function viewOfRows(rows: ViewRow[]): FileView {
  rows.sort((a, b) => compareBytes(a.path, b.path));
  return {
    paths: rows.map((row) => row.path),
    entries: rows.map((row) => row.entry),
    origins: rows.map((row) => row.origin),
    sources: rows.map((row) => row.source),
  };
}

/** Several views as one; a path in two of them is taken from the first. */
export function mergeViews(views: readonly FileView[]): FileView {
  const filled = views.filter((view) => view.paths.length > 0);
  const [only, ...others] = filled;
  if (only === undefined) return settledView([], 'store');
  if (others.length === 0) return only;
  const seen = new Set<string>();
  const rows: ViewRow[] = [];
  for (const view of filled) {
    view.paths.forEach((path, index) => {
      if (seen.has(path)) return;
      seen.add(path);
      rows.push({
        path,
        entry: view.entries[index],
        origin: view.origins[index],
        source: view.sources[index] ?? 'store',
      });
    });
  }
  return viewOfRows(rows);
}

/** A dep that is exactly one settled dataset: its tree stands for its files, which needn't be read. */
export interface WholeDataset {
  readonly tree: Digest;
  readonly files: number;
  readonly load: () => Promise<readonly FileEntry[]>;
}

/** Stands in for the files of a whole dataset: one path below it. */
export function wholeView(home: string, files: number): FileView {
  if (files === 0) return settledView([], 'store');
  return { paths: [`${home}/-`], entries: [undefined], origins: [undefined], sources: ['store'] };
}

/** The files of a view that lie in a folder. */
export function viewBelow(view: FileView, home: string): FileView {
  if (view.paths.every((path) => isWithin(path, home))) return view;
  const keep = view.paths.flatMap((path, index) => (isWithin(path, home) ? [index] : []));
  return {
    paths: keep.map((index) => view.paths[index] ?? ''),
    entries: keep.map((index) => view.entries[index]),
    origins: keep.map((index) => view.origins[index]),
    sources: keep.map((index) => view.sources[index] ?? 'store'),
  };
}
