import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ingestFiles } from '../../../src/disk/hash-pool.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { DiskStore } from '../../../src/store/disk-store.ts';
import { digestHex } from '../../../src/util/blake3.ts';
import {
  applyPatch,
  recordPresent,
  type PatchRequest,
  type PatchResult,
} from '../../../src/workspace/checkout.ts';
import { scanHome, snapshotHome, type HomeSnapshot } from '../../../src/workspace/snapshot.ts';
import { findWorkspace, indexFileOf, type Workspace } from '../../../src/workspace/workspace.ts';

/** Git's surroundings in tests: nothing of the machine's, a fixed person. */
export const GIT_ENV: Readonly<Record<string, string | undefined>> = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-C', folder, ...args], {
    env: GIT_ENV,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();
}

/** A new folder, removed when the test ends. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'datawf-workspace-')));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A new repository on branch `main` without commits. */
export function newRepository(): string {
  const root = newFolder();
  git(root, 'init', '--quiet', '--initial-branch=main');
  return root;
}

/** A repository with a store and one home, and what commands do to it. */
export class HomeRig {
  readonly root = newRepository();
  readonly workspace: Workspace = findWorkspace(this.root);
  readonly store = new DiskStore(join(this.workspace.commonDir, 'datawf'));
  readonly home: string;
  readonly indexFile: string;

  constructor(home = 'data') {
    this.home = home;
    this.indexFile = indexFileOf(this.workspace, home);
    this.store.prepare();
  }

  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string, mode?: number): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, mode === undefined ? {} : { mode });
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  request() {
    return { root: this.root, home: this.home, indexFile: this.indexFile, storeFolder: this.store.folder };
  }

  snapshot(): Promise<HomeSnapshot> {
    return snapshotHome(this.request());
  }

  /** What `add` does: ingests what differs, and records it. */
  async add(owner = 'pointer:data'): Promise<void> {
    const scan = await scanHome(this.request());
    const present = await ingestFiles({
      root: this.root,
      paths: scan.candidates,
      storeFolder: this.store.folder,
      mode: 'link',
      threads: 1,
    });
    recordPresent({
      ...this.request(),
      present,
      forget: scan.deleted,
      trees: new Map([[owner, treeOf(owner)]]),
    });
  }

  /** An entry whose bytes are in the store. */
  async stored(path: string, text: string, kind: FileEntry['kind'] = 'f'): Promise<FileEntry> {
    const entry = entryOf(path, text, kind);
    await this.store.putBytes(entry.digest, Buffer.from(text));
    return entry;
  }

  patch(
    put: readonly FileEntry[],
    remove: readonly string[] = [],
    more: Partial<PatchRequest> = {},
  ): Promise<PatchResult> {
    return applyPatch({
      ...this.request(),
      put,
      remove,
      trees: new Map(),
      links: ['hardlink', 'copy'],
      store: this.store,
      force: false,
      ...more,
    });
  }

  /** The edits as short lines: `+ path`, `~ path`, `- path`. */
  async edits(): Promise<string[]> {
    const { edits } = await this.snapshot();
    return [
      ...edits.added.map(({ path }) => `+ ${path}`),
      ...edits.changed.map(({ path }) => `~ ${path}`),
      ...edits.deleted.map((path) => `- ${path}`),
    ];
  }
}

export function entryOf(path: string, text: string, kind: FileEntry['kind'] = 'f'): FileEntry {
  return { path, kind, digest: digestHex(text) as Digest, size: Buffer.byteLength(text) };
}

export function treeOf(text: string): Digest {
  return digestHex(`tree of ${text}`) as Digest;
}

/** The problem that something throws, now or later. */
export async function problemOf(act: () => unknown): Promise<Problem> {
  try {
    await act();
  } catch (error) {
    return error as Problem;
  }
  throw new Error('nothing was thrown');
}
