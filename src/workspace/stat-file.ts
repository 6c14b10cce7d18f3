import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, Problem } from '../model/problem.ts';
import { digestBytes } from '../util/blake3.ts';
import { HEADER_BYTES, hotBytes, readSizes, tableOf, type StatTable, type TableMeta } from './stat-table.ts';

/** Where the header holds the digest of the rest of the hot part, and of the digests. */
const HOT_SUM = 64;
const COLD_SUM = 96;

/** An index file as it was read; its digests are read on demand. */
export interface OpenTable {
  readonly table: StatTable;
  readonly meta: TableMeta;
  /** 32 bytes per file, read and verified at the first call. Throws `index-changed` (exit 5) where the file was replaced since. */
  digests(): Uint8Array;
  /** Whether the file is still the one that was read. */
  isCurrent(): boolean;
}

/**
 * Reads an index, undefined where there is none that can be trusted: absent, of another version, cut short or damaged.
 * The hot part goes into shared memory, so that threads look at it without a copy.
 */
export function readTable(file: string): OpenTable | undefined {
  const opened = readParts(file, false);
  if (opened === undefined) return undefined;
  const table = tableOf(opened.hot);
  let digests = opened.cold;
  return {
    table,
    meta: JSON.parse(table.meta.toString('utf8')) as TableMeta,
    digests: () => {
      digests ??= readColdOf(file, opened);
      return digests;
    },
    isCurrent: () => identityOf(file) === opened.identity,
  };
}

interface Parts {
  readonly hot: SharedArrayBuffer;
  readonly cold: Uint8Array | undefined;
  readonly identity: string;
}

/** Small files are read whole at once. */
const SMALL = 1 << 20;

function readParts(file: string, all: boolean): Parts | undefined {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(handle, { bigint: true });
    const head = new ArrayBuffer(HEADER_BYTES);
    if (!readWhole(handle, new Uint8Array(head), 0)) return undefined;
    const sizes = readSizes(head);
    if (sizes === undefined) return undefined;
    const hotLength = hotBytes(sizes);
    const coldLength = 32 * sizes.files;
    if (Number(stat.size) !== hotLength + coldLength) return undefined;
    const hot = new SharedArrayBuffer(hotLength);
    const hotView = new Uint8Array(hot);
    if (!readWhole(handle, hotView, 0)) return undefined;
    if (!sumAgrees(hotView, HOT_SUM, hotView.subarray(HEADER_BYTES))) return undefined;
    let cold: Uint8Array | undefined;
    if (all || coldLength <= SMALL) {
      cold = new Uint8Array(coldLength);
      if (!readWhole(handle, cold, hotLength) || !sumAgrees(hotView, COLD_SUM, cold)) return undefined;
    }
    return { hot, cold, identity: identity(stat) };
  } finally {
    closeSync(handle);
  }
}

function readColdOf(file: string, opened: Parts): Uint8Array {
  const again = readParts(file, true);
  if (again?.cold === undefined || again.identity !== opened.identity) {
    throw new Problem({
      code: 'index-changed',
      message: 'another command changed the workspace while this one looked at it',
      hint: 'Run it again.',
      exit: EXIT.transient,
    });
  }
  return again.cold;
}

function readWhole(handle: number, into: Uint8Array, position: number): boolean {
  let done = 0;
  while (done < into.byteLength) {
    const count = readSync(handle, into, done, into.byteLength - done, position + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

function sumAgrees(hot: Uint8Array, at: number, bytes: Uint8Array): boolean {
  return Buffer.from(digestBytes(bytes)).equals(hot.slice(at, at + 32));
}

/**
 * Writes an index atomically. `hot` is a table's buffer with sizes in its header, `cold` its digests. The folder is made
 * where it is missing.
 */
export function writeTable(file: string, hot: Uint8Array, cold: Uint8Array): void {
  hot.set(digestBytes(hot.subarray(HEADER_BYTES)), HOT_SUM);
  hot.set(digestBytes(cold), COLD_SUM);
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}.tmp`;
  const handle = openSync(aside, 'w', 0o644);
  try {
    writeWhole(handle, hot);
    writeWhole(handle, cold);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
  renameSync(aside, file);
}

function writeWhole(handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) {
    done += writeSync(handle, bytes, done, bytes.byteLength - done);
  }
}

function identity(stat: BigIntStats): string {
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

function identityOf(file: string): string | undefined {
  try {
    const handle = openSync(file, 'r');
    try {
      return identity(fstatSync(handle, { bigint: true }));
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}
