import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { frameLength, LogEntry } from './log-entry.ts';

/**
 * The runs that have ended, each with what `log` filters by, in one file that is read whole: a cache of the records. What isn't
 * in it is read from the records and added; a damaged part is given up with what follows it. Writing is best effort.
 */
export interface LogIndex {
  get(run: string): LogEntry | undefined;
  /** Takes a run that has ended; `save` writes it. */
  add(entry: LogEntry): void;
  /** Writes what was added. `present` are all runs there are: entries of others are dropped once they are the most. */
  save(present?: readonly string[]): void;
}

const HEADER = Buffer.from('datawf-log 2\n');

/** Reads the index; undefined `file`: one in memory. 100,000 attempts in 1,000 runs take 5 ms. */
export function openLogIndex(file: string | undefined): LogIndex {
  const entries = new Map<string, LogEntry>();
  const added: LogEntry[] = [];
  let isWhole = file === undefined || readEntries(file, entries);
  return {
    get: (run) => entries.get(run),
    add: (entry) => {
      entries.set(entry.run, entry);
      added.push(entry);
    },
    save: (present) => {
      if (file === undefined) return;
      const isMostlyGone = present !== undefined && entries.size > 2 * present.length + 100;
      if (added.length === 0 && isWhole && !isMostlyGone) return;
      if (isMostlyGone) {
        const there = new Set(present);
        for (const run of [...entries.keys()]) if (!there.has(run)) entries.delete(run);
      }
      try {
        if (isWhole && !isMostlyGone) appendEntries(file, added);
        else writeAtomic(file, Buffer.concat([HEADER, ...[...entries.values()].map(({ bytes }) => bytes)]));
        isWhole = true;
        added.length = 0;
      } catch {
        // A full or read-only disk costs the next `log` another look at the records.
      }
    },
  };
}

/** Adds one run that has ended, without reading the file. Best effort. */
export function appendToLogIndex(file: string, entry: Uint8Array): void {
  try {
    appendEntries(file, [{ bytes: entry }]);
  } catch {
    // The next `log` finds it missing and reads its records.
  }
}

/** One write to the end of the file, so that those of several processes don't mix. */
function appendEntries(file: string, entries: readonly { readonly bytes: Uint8Array }[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, 'a');
  try {
    const header = fstatSync(fd).size === 0 ? [HEADER] : [];
    writeSync(fd, Buffer.concat([...header, ...entries.map(({ bytes }) => bytes)]));
  } finally {
    closeSync(fd);
  }
}

/** Answers whether the whole file could be read. */
function readEntries(file: string, entries: Map<string, LogEntry>): boolean {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return false;
  }
  if (!bytes.subarray(0, HEADER.length).equals(HEADER)) return false;
  let at = HEADER.length;
  while (at < bytes.length) {
    const length = frameLength(bytes, at);
    if (length === 0) return false;
    const entry = new LogEntry(bytes.subarray(at, at + length));
    entries.set(entry.run, entry);
    at += length;
  }
  return true;
}
