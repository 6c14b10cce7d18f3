import type { FileKind } from '../model/file-entry.ts';

/**
 * A stat index as columns over one buffer, the bytes of its file (docs/formats.md has no word on it: it is private to one
 * work tree and rebuilt at will). Folders are sorted by the bytes of their paths, each one's files by the bytes of their
 * names. A no-op status reads everything before the digests: 45 bytes a file and its name.
 */
export interface StatTable {
  readonly bytes: Uint8Array;
  readonly folders: number;
  readonly files: number;
  /** The home is one file: its folder isn't looked at. */
  readonly single: boolean;
  /** All names are ASCII, so that byte offsets are text offsets. */
  readonly ascii: boolean;
  /** Per folder mtimeMs, ctimeMs, ino, dev. */
  readonly folderStats: Float64Array;
  /** Per file size, mtimeMs, ctimeMs, ino. */
  readonly fileStats: Float64Array;
  /** End of each folder's path in `folderNames`. */
  readonly folderNameEnds: Uint32Array;
  /** End of each folder's files. */
  readonly folderFileEnds: Uint32Array;
  /** End of each file's name in `fileNames`. */
  readonly fileNameEnds: Uint32Array;
  readonly folderFlags: Uint8Array;
  readonly fileFlags: Uint8Array;
  readonly folderNames: Buffer;
  readonly fileNames: Buffer;
  /** JSON of TableMeta. */
  readonly meta: Buffer;
}

export interface TableMeta {
  readonly home: string;
  /** Owner → tree digest, sorted by owner. */
  readonly trees: Readonly<Record<string, string>>;
}

export interface TableSizes {
  readonly folders: number;
  readonly files: number;
  readonly folderNameBytes: number;
  readonly fileNameBytes: number;
  readonly metaBytes: number;
  readonly single: boolean;
  readonly ascii: boolean;
}

/** Bits of a file's flags; the low two are its kind. */
export const FILE = { kind: 3, racy: 4, linked: 8, symlinked: 16 } as const;

/** Bits of a folder's flags: `complete` says that the index names everything in it that is data. */
export const FOLDER = { complete: 1 } as const;

/** Columns of the stat arrays. */
export const STAT = { size: 0, mtime: 1, ctime: 2, ino: 3 } as const;

/** Bytes before the first column. */
export const HEADER_BYTES = 128;
const MAGIC = 0x31_49_57_44; // "DWI1"
const VERSION = 1;
const SINGLE = 1;
const ASCII = 2;

const KINDS: readonly FileKind[] = ['f', 'x', 'l'];

/** The kind in a file's flags. */
export function kindOfFlags(flags: number): FileKind {
  return KINDS[flags & FILE.kind] ?? 'f';
}

/** The flags' bits of a kind. */
export function flagsOfKind(kind: FileKind): number {
  return KINDS.indexOf(kind);
}

/** Length of the part before the digests, a multiple of 8. */
export function hotBytes(sizes: TableSizes): number {
  const { folders, files } = sizes;
  const columns = 32 * (folders + files) + 8 * folders + 4 * files + folders + files;
  const texts = sizes.folderNameBytes + sizes.fileNameBytes + sizes.metaBytes;
  return Math.ceil((HEADER_BYTES + columns + texts) / 8) * 8;
}

/** Writes the sizes into the header of a buffer of at least `HEADER_BYTES`. */
export function writeSizes(buffer: ArrayBufferLike, sizes: TableSizes): void {
  const head = new Uint32Array(buffer, 0, 8);
  head[0] = MAGIC;
  head[1] = VERSION;
  head[2] = sizes.folders;
  head[3] = sizes.files;
  head[4] = sizes.folderNameBytes;
  head[5] = sizes.fileNameBytes;
  head[6] = sizes.metaBytes;
  head[7] = (sizes.single ? SINGLE : 0) | (sizes.ascii ? ASCII : 0);
}

/** The sizes a header tells, undefined where it isn't one of this version and byte order. */
export function readSizes(buffer: ArrayBufferLike): TableSizes | undefined {
  if (buffer.byteLength < HEADER_BYTES) return undefined;
  const head = new Uint32Array(buffer, 0, 8);
  if (head[0] !== MAGIC || head[1] !== VERSION) return undefined;
  const at = (index: number): number => head[index] ?? 0;
  return {
    folders: at(2),
    files: at(3),
    folderNameBytes: at(4),
    fileNameBytes: at(5),
    metaBytes: at(6),
    single: (at(7) & SINGLE) !== 0,
    ascii: (at(7) & ASCII) !== 0,
  };
}

/** The columns over a buffer that holds at least the hot part. No copy. */
export function tableOf(buffer: ArrayBufferLike): StatTable {
  const sizes = readSizes(buffer);
  if (sizes === undefined) throw new TypeError('not the bytes of a stat table');
  const { folders, files, single, ascii } = sizes;
  let offset = HEADER_BYTES;
  const floats = (length: number): Float64Array => {
    const column = new Float64Array(buffer, offset, length);
    offset += length * 8;
    return column;
  };
  const words = (length: number): Uint32Array => {
    const column = new Uint32Array(buffer, offset, length);
    offset += length * 4;
    return column;
  };
  const octets = (length: number): Buffer => {
    const column = Buffer.from(buffer as ArrayBuffer, offset, length);
    offset += length;
    return column;
  };
  return {
    bytes: new Uint8Array(buffer),
    folders,
    files,
    single,
    ascii,
    folderStats: floats(4 * folders),
    fileStats: floats(4 * files),
    folderNameEnds: words(folders),
    folderFileEnds: words(folders),
    fileNameEnds: words(files),
    folderFlags: octets(folders),
    fileFlags: octets(files),
    folderNames: octets(sizes.folderNameBytes),
    fileNames: octets(sizes.fileNameBytes),
    meta: octets(sizes.metaBytes),
  };
}

/** A folder's path. */
export function folderName(table: StatTable, folder: number): string {
  const start = folder === 0 ? 0 : (table.folderNameEnds[folder - 1] ?? 0);
  const end = table.folderNameEnds[folder] ?? 0;
  return table.ascii
    ? table.folderNames.toString('latin1', start, end)
    : table.folderNames.toString('utf8', start, end);
}

/** First file of a folder; its last is before `folderFileEnds[folder]`. */
export function firstFile(table: StatTable, folder: number): number {
  return folder === 0 ? 0 : (table.folderFileEnds[folder - 1] ?? 0);
}

/** A file's name in its folder. */
export function fileName(table: StatTable, file: number): string {
  const start = file === 0 ? 0 : (table.fileNameEnds[file - 1] ?? 0);
  const end = table.fileNameEnds[file] ?? 0;
  return table.ascii
    ? table.fileNames.toString('latin1', start, end)
    : table.fileNames.toString('utf8', start, end);
}

/** Names of the files `[from, to)`: one decoding for all of them. About 30 ns a name. */
export function fileNames(table: StatTable, from: number, to: number): string[] {
  const names: string[] = new Array<string>(to - from);
  if (!table.ascii) {
    for (let file = from; file < to; file++) names[file - from] = fileName(table, file);
    return names;
  }
  const base = from === 0 ? 0 : (table.fileNameEnds[from - 1] ?? 0);
  const text = to === from ? '' : table.fileNames.toString('latin1', base, table.fileNameEnds[to - 1] ?? 0);
  let start = 0;
  for (let file = from; file < to; file++) {
    const end = (table.fileNameEnds[file] ?? 0) - base;
    names[file - from] = text.slice(start, end);
    start = end;
  }
  return names;
}

/** The folder that holds a file, by binary search. */
export function folderOfFile(table: StatTable, file: number): number {
  let low = 0;
  let high = table.folders - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((table.folderFileEnds[middle] ?? 0) > file) high = middle;
    else low = middle + 1;
  }
  return low;
}
