import { lstatSync, readdirSync } from 'node:fs';

const BLOCK = 512;

/** Bytes that a folder takes on its disk. A stat a file: 5 µs each. */
export function spaceOf(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) bytes += spaceOf(path);
      else bytes += (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK;
    }
  } catch {
    // Gone meanwhile, or closed to this user: what can't be seen isn't counted.
  }
  return bytes;
}
