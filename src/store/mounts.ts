import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, Problem } from '../model/problem.ts';

/** Remembers that a store in a folder was there. */
export function rememberStore(memory: string): void {
  if (existsSync(memory)) return;
  mkdirSync(dirname(memory), { recursive: true });
  writeFileSync(memory, '');
}

/**
 * Throws `store-not-there` (exit 5) for a folder without a store that had one: empty, as where something is mounted, or gone with what
 * is above it. One that is gone from among others was deleted: it counts as new.
 */
export function refuseUnmounted(folder: string, memory: string): void {
  if (!existsSync(memory)) return;
  const names = namesIn(folder);
  if (names === undefined ? (namesIn(dirname(folder))?.length ?? 0) > 0 : names.length > 0) return;
  throw new Problem({
    code: 'store-not-there',
    message: `the store ${folder} was there, and isn't now`,
    hint: `Is its disk mounted? If it was deleted on purpose: rm ${memory}`,
    exit: EXIT.transient,
  });
}

/** undefined where there is no such folder. */
function namesIn(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}
