import { closeSync, fstatSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

/**
 * The file system's own clock, in milliseconds as its mtimes have them: the mtime of a file written now in a folder (made
 * where it is missing). -Infinity where it can't be written: then no time is old enough to be trusted. Cost: 0.1 ms.
 */
export function fileSystemTime(folder: string): number {
  return probe(folder, () => true);
}

/** `fileSystemTime` once it has passed `after`: waits out the tick of the file system's clock (1–10 ms), at most 30 ms. */
export function fileSystemTimeAfter(folder: string, after: number): number {
  return probe(folder, (now, round) => now > after || round > 3000);
}

function probe(folder: string, enough: (now: number, round: number) => boolean): number {
  const file = `${folder}/.datawf-tmp-${randomUUID()}`;
  try {
    mkdirSync(folder, { recursive: true });
    const handle = openSync(file, 'wx');
    try {
      for (let round = 0; ; round++) {
        writeSync(handle, 't', 0);
        const now = fstatSync(handle).mtimeMs;
        if (enough(now, round)) return now;
      }
    } finally {
      closeSync(handle);
      rmSync(file, { force: true });
    }
  } catch {
    return -Infinity;
  }
}
