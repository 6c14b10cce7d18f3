import { existsSync, rmdirSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { listNames, removeQuietly } from './folder-list.ts';
import { FORMAT, README, RECOVER } from './recovery.ts';

/** Writes the files that explain a new store on disk; nothing where they are there. */
export function explainStore(folder: string): void {
  if (existsSync(`${folder}/recover.sh`)) return;
  const options = { tempFolder: `${folder}/tmp` };
  writeAtomic(`${folder}/README.txt`, README, options);
  writeAtomic(`${folder}/FORMAT`, FORMAT, options);
  writeAtomic(`${folder}/recover.sh`, RECOVER, { ...options, mode: 0o755 });
}

/** Code halves that a store on disk has results or a key of, sorted. */
export function codeHalvesIn(folder: string): readonly Digest[] {
  const keys = listNames(`${folder}/keys`).map((name) => name.replace(/[.]json$/, ''));
  return [...new Set([...keys, ...listNames(`${folder}/results`)])].filter(isDigest).sort();
}

/** Removes a key, and the folder of its results where that is empty. */
export function dropKey(folder: string, codeHalf: Digest): void {
  removeQuietly(`${folder}/keys/${codeHalf}.json`);
  try {
    rmdirSync(`${folder}/results/${codeHalf}`);
  } catch {
    // It isn't there, or still has results.
  }
}
