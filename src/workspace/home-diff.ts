import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { fsProblem } from '../disk/fs-problem.ts';
import { walkFolder, type WalkFault } from '../disk/walk.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { compareBytes, joinPath, pathFault } from '../model/repo-path.ts';
import { isNeverData } from './data-names.ts';
import { fileSystemTime } from './fs-time.ts';
import { fileRange, STATE, type Check } from './stat-check.ts';
import { readTable, type OpenTable } from './stat-file.ts';
import type { FolderRow } from './stat-merge.ts';
import { scanTable } from './stat-scan.ts';
import {
  fileName,
  fileNames,
  firstFile,
  FOLDER,
  folderName,
  folderOfFile,
  type StatTable,
} from './stat-table.ts';

export interface HomeRequest {
  /** Absolute top of the work tree. */
  readonly root: string;
  /** The root home, a folder or a file, relative to the root. */
  readonly home: string;
  /** `indexFileOf(workspace, home)`. */
  readonly indexFile: string;
  /** The local store: a symlink to one of its objects counts as that file. */
  readonly storeFolder?: string;
  /** `fileSystemTime` of a moment before the look, taken when first asked: for looks at many homes, which share it. */
  readonly startTime?: () => number;
  /** Worker threads besides this one; undefined chooses by work and cores. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where a home and its index differ by what stats say; nothing is read yet. */
export interface HomeDiff {
  readonly open: OpenTable | undefined;
  /** Files to be read: not in the index (row -1), or their stat isn't the recorded one. Sorted by bytes. */
  readonly candidates: readonly Candidate[];
  /** In the index and not there. Sorted by bytes. */
  readonly deleted: readonly string[];
  /** What was learnt of folders that differed from their row. */
  readonly folders: ReadonlyMap<string, FolderRow | undefined>;
  /** File system time before the folders and candidates were looked at; Infinity where nothing differed. */
  readonly time: number;
}

export interface Candidate {
  readonly path: string;
  readonly row: number;
}

/** Compares a home with its index, a stat per file. */
export async function diffHome(request: HomeRequest): Promise<HomeDiff> {
  request.signal?.throwIfAborted();
  const open = readTable(request.indexFile);
  const finder = new Finder(request);
  if (open === undefined) {
    finder.lookAtHome();
    return finder.result(open);
  }
  const check = await scanTable(open.table, {
    top: `${request.root}/`,
    workers: request.workers,
    signal: request.signal,
    onProgress: request.onProgress,
  });
  finder.compareFiles(check);
  if (!covers(check, request.home)) finder.lookAtHome();
  finder.compareFolders(check);
  return finder.result(open);
}

/** Whether the table has a row for the home that is there, so that the comparison of rows finds all that is in it. */
function covers(check: Check, home: string): boolean {
  const { table, folderStates } = check;
  if (table.single) return table.files > 0;
  return table.folders > 0 && folderName(table, 0) === home && folderStates[0] !== STATE.gone;
}

class Finder {
  readonly #request: HomeRequest;
  readonly #top: string;
  readonly #found = new Map<string, number>();
  readonly #deleted: string[] = [];
  readonly #folders = new Map<string, FolderRow | undefined>();
  readonly #faults: WalkFault[] = [];
  #time = Infinity;

  constructor(request: HomeRequest) {
    this.#request = request;
    this.#top = `${request.root}/`;
  }

  result(open: OpenTable | undefined): HomeDiff {
    if (this.#faults.length > 0) throw badNames(this.#faults);
    return {
      open,
      candidates: [...this.#found]
        .map(([path, row]) => ({ path, row }))
        .sort((a, b) => compareBytes(a.path, b.path)),
      deleted: this.#deleted.sort(compareBytes),
      folders: this.#folders,
      time: this.#time,
    };
  }

  compareFiles(check: Check): void {
    const { table, fileStates } = check;
    for (let file = 0; file < table.files; file++) {
      const state = fileStates[file];
      if (state === STATE.same) continue;
      const path = joinPath(folderName(table, folderOfFile(table, file)), fileName(table, file));
      const stat = state === STATE.gone ? undefined : this.#stat(path);
      if (stat?.isFile() === true || stat?.isSymbolicLink() === true) this.#found.set(path, file);
      else {
        this.#deleted.push(path);
        if (stat?.isDirectory() === true) this.#walk(path);
        else if (stat !== undefined) this.#faults.push({ path, fault: oddKind(stat) });
      }
    }
  }

  compareFolders(check: Check): void {
    const { table, folderStates } = check;
    const known = new Set<string>();
    for (let folder = 0; folder < table.folders; folder++) known.add(folderName(table, folder));
    for (let folder = 0; folder < table.folders; folder++) {
      const state = folderStates[folder];
      if (state === STATE.same) continue;
      const path = folderName(table, folder);
      const stat = state === STATE.gone ? undefined : this.#stat(path);
      if (stat?.isDirectory() === true) this.#compareFolder({ table, folder, path, known });
      else if (table.folderFileEnds[folder] === firstFile(table, folder)) this.#folders.set(path, undefined);
    }
  }

  /** The home itself, where the index has no folder for it that is there. */
  lookAtHome(): void {
    const { home } = this.#request;
    const stat = this.#stat(home);
    if (stat === undefined) return;
    if (stat.isDirectory()) this.#walk(home);
    else if (!this.#found.has(home)) this.#unknown(home, stat);
  }

  #compareFolder(of: { table: StatTable; folder: number; path: string; known: ReadonlySet<string> }): void {
    const { table, folder, path, known } = of;
    this.#time = this.#startTime();
    const stat = this.#stat(path);
    if (stat === undefined) return;
    const { first, end } = fileRange(table, folder);
    const expected = new Set(fileNames(table, first, end));
    let complete = true;
    for (const name of readNames(this.#top + path, path)) {
      if (expected.has(name) || isNeverData(name)) continue;
      const inner = joinPath(path, name);
      if (known.has(inner)) {
        if (this.#stat(inner)?.isDirectory() === true) continue;
      }
      complete = this.#newName(inner) && complete;
    }
    const row = this.#folderRow(stat, complete);
    if (!sameRow(table, folder, row)) this.#folders.set(path, row);
  }

  /** Takes in a name that the index doesn't have; answers whether it is a folder, which has a row of its own. */
  #newName(path: string): boolean {
    const stat = this.#stat(path);
    if (stat === undefined) {
      if (path.includes('\uFFFD')) this.#faults.push({ path, fault: 'is not valid UTF-8' });
      return true;
    }
    if (!stat.isDirectory()) {
      this.#unknown(path, stat);
      return false;
    }
    this.#walk(path);
    return true;
  }

  #unknown(path: string, stat: Stats): void {
    this.#addFile(
      path,
      pathFault(path) ?? (stat.isFile() || stat.isSymbolicLink() ? undefined : oddKind(stat)),
    );
  }

  #addFile(path: string, fault: string | undefined): void {
    if (fault === undefined) this.#found.set(path, -1);
    else this.#faults.push({ path, fault });
  }

  #walk(folder: string): void {
    this.#time = this.#startTime();
    const { signal, root } = this.#request;
    const walk = walkFolder({
      root,
      folder,
      skip: (_path: string, name: string) => isNeverData(name),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const path of walk.files) this.#addFile(path, pathFault(path));
    this.#faults.push(...walk.faults);
    for (const path of walk.folders) this.#folders.set(path, INCOMPLETE);
  }

  #folderRow(stat: Stats, complete: boolean): FolderRow {
    const settled = stat.mtimeMs < this.#time && stat.ctimeMs < this.#time;
    if (!complete || !settled) return INCOMPLETE;
    return { stat: [stat.mtimeMs, stat.ctimeMs, stat.ino, stat.dev], complete: true };
  }

  #stat(path: string): Stats | undefined {
    this.#time = this.#startTime();
    return statOf(this.#top + path, path);
  }

  #startTime(): number {
    if (this.#time !== Infinity) return this.#time;
    return this.#request.startTime?.() ?? fileSystemTime(dirname(this.#request.indexFile));
  }
}

/** A folder to be listed at every look; its stat doesn't matter. */
export const INCOMPLETE: FolderRow = { stat: [0, 0, 0, 0], complete: false };

function sameRow(table: StatTable, folder: number, row: FolderRow): boolean {
  const wasComplete = ((table.folderFlags[folder] ?? 0) & FOLDER.complete) !== 0;
  return (
    wasComplete === row.complete &&
    row.stat.every((value, index) => table.folderStats[4 * folder + index] === value)
  );
}

/** The stat of a path, undefined where nothing is there; a look that isn't allowed is a Problem. */
export function statOf(absolute: string, path: string): Stats | undefined {
  try {
    return lstatSync(absolute, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw fsProblem(error, 'look at', path);
  }
}

/** Names in a folder; one that isn't valid UTF-8 comes with its bytes replaced, and is found as not there. */
function readNames(absolute: string, path: string): string[] {
  try {
    return readdirSync(absolute);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw fsProblem(error, 'list', path);
  }
}

function oddKind(stat: Stats): string {
  if (stat.isSocket()) return 'is a socket';
  if (stat.isFIFO()) return 'is a named pipe';
  return 'is a device';
}

/** One problem for all names that can't be data. */
function badNames(faults: readonly WalkFault[]): Problem {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new Problem({
    code: 'bad-path',
    message: `${JSON.stringify(first?.path ?? '')} ${first?.fault ?? ''}${more}, so it can't be data`,
    hint: 'Rename or remove it: data are files and symlinks whose names are valid UTF-8 without newline or backslash.',
    exit: EXIT.usage,
    details:
      faults.length > 1
        ? faults.slice(0, 20).map(({ path, fault }) => `${JSON.stringify(path)} ${fault}`)
        : [],
  });
}
