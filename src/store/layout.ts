import { readFileSync, rmdirSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { errnoOf } from '../disk/fs-problem.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { invalid } from '../model/problem.ts';
import { listNames, removeQuietly } from './folder-list.ts';
import { refuseUnmounted, rememberStore } from './mounts.ts';
import { FORMAT, README, RECOVER, RECOVER_VERSION, recoverVersion } from './recovery.ts';

/** Writes the files that explain a store on disk; nothing where they are there, unless an older datawf wrote them. */
export function explainStore(folder: string): void {
  if (versionThere(`${folder}/recover.sh`) >= RECOVER_VERSION) return;
  const options = { tempFolder: `${folder}/tmp` };
  writeAtomic(`${folder}/README.txt`, README, options);
  writeAtomic(`${folder}/FORMAT`, FORMAT, options);
  writeAtomic(`${folder}/recover.sh`, RECOVER, { ...options, mode: 0o755 });
}

/** Whether this datawf knows a store on disk by its FORMAT; one without is new, unless `memory` says that it was there: see mounts.ts. */
export function checkFormat(folder: string, format: string | undefined, memory: string | undefined): void {
  if (format !== undefined && format !== FORMAT) {
    throw invalid(
      'store-format',
      `${folder} says it is ${JSON.stringify(format.trim().slice(0, 60))}, which this version of datawf doesn't know`,
      'Install a newer datawf, or use another folder (`cache.dir`).',
    );
  }
  if (memory === undefined) return;
  if (format === undefined) refuseUnmounted(folder, memory);
  else rememberStore(memory);
}

/** -1 where there is none. */
function versionThere(file: string): number {
  try {
    return recoverVersion(readFileSync(file, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return -1;
    throw error;
  }
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
