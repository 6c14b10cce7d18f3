import { readdirSync, type Dirent } from 'node:fs';
import { errnoOf, fsProblem } from './fs-problem.ts';
import { TEMP_PREFIX } from './atomic-file.ts';

export interface WalkOptions {
  /** Absolute folder that answered paths are relative to. */
  readonly root: string;
  /** Folder below it to list, '' for the root itself. */
  readonly folder: string;
  /** Leave out a file or, with everything below it, a folder; gets its path relative to `root` and its name. */
  readonly skip?: (path: string, name: string, isFolder: boolean) => boolean;
  readonly signal?: AbortSignal;
}

/** A name that can't be data, with the reason in words ("is not valid UTF-8", "is a socket"). */
export interface WalkFault {
  /** Printable; not always the exact name. */
  readonly path: string;
  readonly fault: string;
}

export interface Walk {
  /** Files and symlinks, sorted by the bytes of their paths. Symlinks aren't followed. */
  readonly files: readonly string[];
  /** Folders with anything in them or not, the listed one included; each before what is in it. */
  readonly folders: readonly string[];
  readonly faults: readonly WalkFault[];
}

/**
 * Everything below a folder; an absent folder has nothing, nor has a file. Raises `no-permission` and the like for a folder
 * that can't be listed. Cost: about 0.6 µs a file.
 */
export function walkFolder(options: WalkOptions): Walk {
  const walk: Found = { files: [], folders: [], faults: [] };
  listInto(walk, options, options.folder);
  return walk;
}

interface Found {
  readonly files: string[];
  readonly folders: string[];
  readonly faults: WalkFault[];
}

function listInto(found: Found, options: WalkOptions, folder: string): void {
  options.signal?.throwIfAborted();
  const entries = readFolder(options, folder);
  if (entries === undefined) return;
  found.folders.push(folder);
  const before = folder === '' ? '' : `${folder}/`;
  for (const entry of sortForPaths(entries)) {
    const { name } = entry;
    const path = before + name;
    const isFolder = entry.isDirectory();
    if (name.startsWith(TEMP_PREFIX) || options.skip?.(path, name, isFolder) === true) continue;
    const fault = faultOf(entry, options.root, folder);
    if (fault !== undefined) found.faults.push({ path, fault });
    else if (isFolder) listInto(found, options, path);
    else found.files.push(path);
  }
}

function readFolder(options: WalkOptions, folder: string): Dirent[] | undefined {
  const path = folder === '' ? options.root : `${options.root}/${folder}`;
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw fsProblem(error, 'list', path);
  }
}

/**
 * Entries in the order that gives sorted paths: a folder counts as its name with `/` behind, so that `a-b` and `a.csv` come
 * before what is in `a/`.
 */
function sortForPaths(entries: Dirent[]): Dirent[] {
  const byKey = new Map(entries.map((entry) => [entry.isDirectory() ? `${entry.name}/` : entry.name, entry]));
  const keys = [...byKey.keys()];
  // UTF-16 order, which needs no callback, is byte order but for surrogates.
  if (keys.some((key) => SURROGATE.test(key)))
    keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  else keys.sort();
  return keys.flatMap((key) => byKey.get(key) ?? []);
}

const SURROGATE = /[\ud800-\udfff]/;

function faultOf(entry: Dirent, root: string, folder: string): string | undefined {
  if (entry.name.includes('\uFFFD') && !isExactName(entry.name, root, folder)) return 'is not valid UTF-8';
  if (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) return undefined;
  if (entry.isSocket()) return 'is a socket';
  if (entry.isFIFO()) return 'is a pipe';
  return entry.isBlockDevice() || entry.isCharacterDevice() ? 'is a device' : 'is no file';
}

/** A name read as text has U+FFFD where it isn't UTF-8; a name may also really have that character. */
function isExactName(name: string, root: string, folder: string): boolean {
  const wanted = Buffer.from(name);
  return readdirSync(folder === '' ? root : `${root}/${folder}`, { encoding: 'buffer' }).some((bytes) =>
    bytes.equals(wanted),
  );
}
