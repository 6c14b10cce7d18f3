import { readSync } from 'node:fs';
import { createHasher, digestHex } from '../util/blake3.ts';

/**
 * Bytes read at once. Synchronous reads into one reused buffer hash 4–7 times as fast as streams (docs/performance.md); one of
 * 256 KiB stays in the cache between the read and the hash: 1 GiB takes 0.44 s of CPU, with 1 MiB 0.85 s.
 */
export const READ_SIZE = 1 << 18;

export interface ReadHashOptions {
  /** Reused between files; at least a few KiB, best `READ_SIZE`. After a file that fits it holds that file's bytes. */
  readonly buffer: Uint8Array;
  /** Called after each buffer of a file that takes several; may throw to stop. */
  readonly onRead?: (bytes: number) => void;
}

/** The digest of an open file from where it stands. `size` is what it is thought to have; it is read to its end. */
export function hashOpenFile(fd: number, size: number, options: ReadHashOptions): string {
  const { buffer, onRead } = options;
  const first = readSync(fd, buffer, 0, buffer.byteLength, null);
  if (first < buffer.byteLength && first === size) return digestHex(buffer.subarray(0, first));
  const hasher = createHasher();
  for (let read = first; read > 0; read = readSync(fd, buffer, 0, buffer.byteLength, null)) {
    hasher.update(read === buffer.byteLength ? buffer : buffer.subarray(0, read));
    onRead?.(read);
  }
  return hasher.digestHex();
}
