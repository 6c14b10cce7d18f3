import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { walkFolder } from '../disk/walk.ts';
import { refused, type Problem } from '../model/problem.ts';
import { compareBytes, isWithin, parentOf } from '../model/repo-path.ts';
import { findRows } from './file-digests.ts';
import { pickRows, rowDigest } from './file-rows.ts';
import { statOf, type HomeRequest } from './home-diff.ts';
import { editsFile } from './snapshot.ts';
import { fileAgrees } from './stat-check.ts';
import type { OpenTable } from './stat-file.ts';
import { digestOf, finderOf } from './stat-index.ts';
import type { FileRows } from './stat-merge.ts';
import { flagsOfKind, FILE, kindOfFlags } from './stat-table.ts';

/** What checkout needs of the local store. */
export interface ObjectSource {
  /** Absolute folder of the store. */
  readonly folder: string;
  /** Those of the digests whose object isn't there. */
  missingObjects(digests: readonly Digest[], signal?: AbortSignal): Promise<readonly Digest[]>;
}

export interface GuardRequest extends HomeRequest {
  readonly put: readonly FileEntry[];
  readonly remove: readonly string[];
  readonly store: ObjectSource;
  readonly force: boolean;
  /** Make also what is right already. */
  readonly anew: boolean;
}

/** What is to be done, and allowed. */
export interface PatchPlan {
  readonly create: readonly FileEntry[];
  /** In place, though the index doesn't say so: rows to record. */
  readonly present: FileRows;
  /** In place and recorded. */
  readonly kept: number;
  /** Files that stand where a folder has to be, or below a folder that stands where a file has to be. */
  readonly removeFirst: readonly string[];
  /** Folders where a file has to be; without files once `removeFirst` is done. */
  readonly emptyFolders: readonly string[];
  readonly remove: readonly string[];
}

/**
 * Looks at every path that a patch touches, and refuses (`unsaved-data`, exit 6) where a file would go whose bytes the store
 * doesn't have. Changes nothing. Cost: a stat per path below folders that exist, a read per edited file.
 */
export async function planPatch(request: GuardRequest, open: OpenTable | undefined): Promise<PatchPlan> {
  const look = new PatchLook(request, open);
  for (const entry of request.put) look.put(entry);
  for (const path of request.remove) look.remove(path);
  look.closeFolders();
  const { create, present, unsaved } = await look.compareEdits();
  if (!request.force && unsaved.length > 0) throw unsavedData(unsaved);
  return {
    create,
    present,
    kept: look.kept,
    removeFirst: look.removeFirst,
    emptyFolders: look.emptyFolders,
    remove: look.toRemove,
  };
}

class PatchLook {
  kept = 0;
  readonly removeFirst: string[] = [];
  readonly emptyFolders: string[] = [];
  readonly toRemove: string[] = [];
  readonly #request: GuardRequest;
  readonly #open: OpenTable | undefined;
  readonly #find: (path: string) => number;
  readonly #create: FileEntry[] = [];
  /** Present and not what the index says, by path; the entry to be put there. */
  readonly #edits = new Map<string, FileEntry | undefined>();
  /** Digests that go, with the path they are seen at. */
  readonly #going = new Map<Digest, string>();
  /** Whether a folder is there (true), or its way is free for it (false). */
  readonly #parents = new Map<string, boolean>();

  constructor(request: GuardRequest, open: OpenTable | undefined) {
    this.#request = request;
    this.#open = open;
    this.#find = open === undefined ? () => -1 : finderOf(open.table);
  }

  put(entry: FileEntry): void {
    const { path } = entry;
    const stat = this.#hasParent(parentOf(path)) ? this.#stat(path) : undefined;
    if (stat === undefined) {
      this.#create.push(entry);
    } else if (stat.isDirectory()) {
      this.#create.push(entry);
      this.emptyFolders.push(path);
    } else {
      const file = this.#find(path);
      if (this.#open === undefined || file < 0 || !fileAgrees(this.#open.table, file, stat)) {
        this.#edits.set(path, entry);
        return;
      }
      const digest = digestOf(this.#open, file);
      const right =
        digest === entry.digest && kindOfFlags(this.#open.table.fileFlags[file] ?? 0) === entry.kind;
      if (right && !this.#request.anew) {
        this.kept++;
        return;
      }
      this.#create.push(entry);
      if (!right) this.#going.set(digest, path);
    }
  }

  remove(path: string): void {
    if (this.#leave(path)) this.toRemove.push(path);
  }

  /** The files below folders in the way. */
  closeFolders(): void {
    for (const folder of this.emptyFolders) {
      const walk = walkFolder({ root: this.#request.root, folder });
      for (const path of [...walk.files, ...walk.faults.map((fault) => fault.path)]) {
        if (this.#leave(path)) this.removeFirst.push(path);
      }
    }
  }

  /** Reads the edited files in the way, and asks the store for all bytes that go. */
  async compareEdits(): Promise<{ create: FileEntry[]; present: FileRows; unsaved: string[] }> {
    const found = await findRows({
      ...this.#request,
      paths: [...this.#edits.keys()],
      cacheFile: editsFile(this.#request),
    });
    const equal: number[] = [];
    const seen = new Set<string>();
    found.rows.paths.forEach((path, row) => {
      seen.add(path);
      const wanted = this.#edits.get(path);
      const digest = rowDigest(found.rows, row);
      const isRight =
        wanted?.digest === digest && flagsOfKind(wanted.kind) === ((found.rows.flags[row] ?? 0) & FILE.kind);
      if (isRight && !this.#request.anew) {
        equal.push(row);
        return;
      }
      if (wanted !== undefined) this.#create.push(wanted);
      if (wanted?.digest !== digest) this.#going.set(digest, path);
    });
    for (const [path, wanted] of this.#edits)
      if (!seen.has(path) && wanted !== undefined) this.#create.push(wanted);
    const create = this.#create.sort((a, b) => compareBytes(a.path, b.path));
    return { create, present: pickRows(found.rows, equal), unsaved: await this.#unsaved() };
  }

  async #unsaved(): Promise<string[]> {
    const { store, force, signal } = this.#request;
    if (force || this.#going.size === 0) return [];
    const missing = await store.missingObjects([...this.#going.keys()], signal);
    return missing.map((digest) => this.#going.get(digest) ?? '').sort(compareBytes);
  }

  /** Notes that a path's file goes; false where nothing is there. */
  #leave(path: string): boolean {
    const stat = this.#stat(path);
    if (stat === undefined || stat.isDirectory()) return false;
    const file = this.#find(path);
    if (this.#open !== undefined && file >= 0 && fileAgrees(this.#open.table, file, stat)) {
      this.#going.set(digestOf(this.#open, file), path);
    } else if (!this.#edits.has(path)) this.#edits.set(path, undefined);
    return true;
  }

  /** Whether the folder is there; what stands in its way below the home goes first. */
  #hasParent(folder: string): boolean {
    const known = this.#parents.get(folder);
    if (known !== undefined) return known;
    const stat = this.#stat(folder);
    let there = stat?.isDirectory() === true;
    if (stat === undefined && folder !== '') this.#hasParent(parentOf(folder));
    if (stat !== undefined && !there) {
      // A symlink above the home is the user's own way to the data; in it, it is a file where a folder has to be.
      if (!isWithin(folder, this.#request.home)) there = true;
      else if (this.#leave(folder)) this.removeFirst.push(folder);
    }
    this.#parents.set(folder, there);
    return there;
  }

  #stat(path: string) {
    return statOf(`${this.#request.root}/${path}`, path);
  }
}

function unsavedData(paths: readonly string[]): Problem {
  const one = paths.length === 1;
  return refused(
    'unsaved-data',
    one
      ? `${paths[0] ?? ''} has changes that are saved nowhere else`
      : `${paths.length} files have changes that are saved nowhere else`,
    `Record ${one ? 'it' : 'them'} with \`datawf add\`, or give ${one ? 'it' : 'them'} up with --force.`,
    one ? [] : paths.slice(0, 20),
  );
}
