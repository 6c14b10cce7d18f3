import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { createHasher } from '../util/blake3.ts';
import { READ_SIZE } from './read-hash.ts';

/** Bytes after which other events get their turn: about 10 ms. */
const TURN_BYTES = 32 << 20;

/**
 * Copies a file to a new one, or without `to` just reads it, and answers the digest of what was read. A failed or aborted copy
 * leaves an unfinished `to`, for the caller to remove.
 */
export async function copyHashed(
  from: string,
  to: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const hasher = createHasher();
  const source = openSync(from, 'r');
  try {
    const target = to === undefined ? undefined : openSync(to, 'wx');
    try {
      let turn = 0;
      for (let read; (read = readSync(source, buffer, 0, buffer.byteLength, null)) > 0;) {
        const bytes = buffer.subarray(0, read);
        hasher.update(bytes);
        if (target !== undefined) writeAll(target, bytes);
        turn += read;
        if (turn < TURN_BYTES) continue;
        turn = 0;
        await new Promise(setImmediate);
        signal?.throwIfAborted();
      }
    } finally {
      if (target !== undefined) closeSync(target);
    }
  } finally {
    closeSync(source);
  }
  return hasher.digestHex();
}

/** Writes all of it: a write may take less than it is given, for one where the disk is nearly full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at);
}
