import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { errnoOf, fsProblem } from '../disk/fs-problem.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import { endProcessesBelow, isProcessAlive } from './process-table.ts';

/** The folder in a store's scratch where one process keeps its sandboxes. */
export interface SandboxHome {
  /** A folder for one sandbox (absolute, empty or not there): the lowest number that is free, so that paths repeat. */
  claim(): string;
  /** Gives a claimed folder back after it was removed. */
  release(folder: string): void;
  /** Removes everything. */
  close(): void;
}

const OWNER = 'owner.json';
/** What nobody can be asked about (another container's, or without an owner) is removed after a week. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

export interface SandboxHomeOptions {
  readonly storeFolder: string;
  readonly process: ProcessIdentity;
  readonly now: () => number;
}

/**
 * Claims the lowest free number below `tmp/sandboxes`: commands then mostly run at the same path, since some write it into
 * their outputs. First removes what dead processes left there and kills commands that still work in it. A rename onto a
 * folder with something in it fails, so two processes never share a number. About 0.2 ms.
 */
export function openSandboxHome(options: SandboxHomeOptions): SandboxHome {
  const all = `${options.storeFolder}/tmp/sandboxes`;
  try {
    mkdirSync(all, { recursive: true });
    removeLeftovers(all, options);
    return homeIn(claimNumber(all, options.process));
  } catch (error) {
    throw fsProblem(error, 'make sandboxes in', all);
  }
}

function homeIn(folder: string): SandboxHome {
  const used = new Set<number>();
  return {
    claim: () => {
      let number = 1;
      while (used.has(number)) number++;
      used.add(number);
      return `${folder}/${number}`;
    },
    release: (claimed) => void used.delete(Number(claimed.slice(folder.length + 1))),
    close: () => removeFolder(folder),
  };
}

function claimNumber(all: string, owner: ProcessIdentity): string {
  const fresh = `${all}/new-${owner.pid}-${owner.started}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  writeFileSync(`${fresh}/${OWNER}`, JSON.stringify(owner));
  for (let number = 1; ; number++) {
    try {
      renameSync(fresh, `${all}/${number}`);
      return `${all}/${number}`;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOTEMPTY' && errno !== 'EEXIST') throw error;
    }
  }
}

function removeLeftovers(all: string, options: SandboxHomeOptions): void {
  for (const name of readdirSync(all)) {
    const folder = `${all}/${name}`;
    if (!isForsaken(folder, options)) continue;
    endProcessesBelow(folder);
    const aside = `${all}/gone-${options.process.pid}-${name}`;
    try {
      renameSync(folder, aside);
    } catch {
      // Another process was faster.
      continue;
    }
    removeFolder(aside);
  }
}

function isForsaken(folder: string, options: SandboxHomeOptions): boolean {
  try {
    const owner = JSON.parse(readFileSync(`${folder}/${OWNER}`, 'utf8')) as ProcessIdentity;
    const alive = isProcessAlive(owner, options.process);
    if (alive !== undefined) return !alive;
  } catch {
    // No owner to ask: half made, half removed, or damaged.
  }
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && options.now() - stat.mtimeMs > FORGOTTEN_MS;
}

/** Removes a folder whatever a command did to the modes in it. Errors are swallowed: the next start tries again. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    try {
      openFolders(folder);
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Left for the next start.
    }
  }
}

function openFolders(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) openFolders(`${folder}/${entry.name}`);
  }
}
