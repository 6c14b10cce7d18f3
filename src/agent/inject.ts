import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { IMAGE_FOLDER, POD_FOLDERS } from '../run/agent-env.ts';

/** Where the agent is copied from and to. */
export interface InjectFolders {
  readonly from: string;
  /** Holds `agent`, `in`, `ws` and `store` afterwards. */
  readonly to: string;
}

/**
 * Copies the agent out of its image into the pod's volume, and makes the folders that the other containers mount parts of.
 * Their group is the pod's fsGroup; only this user and the group get in.
 */
export function inject(folders: InjectFolders = { from: IMAGE_FOLDER, to: POD_FOLDERS.top }): void {
  const { from, to } = folders;
  for (const name of ['in', 'ws', 'store']) makeShared(`${to}/${name}`);
  copyFolder(from, `${to}/agent`);
}

/** Set-group-id, so that what either container makes in it belongs to the group. */
function makeShared(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o2770);
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = `${from}/${entry.name}`;
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory()) {
      copyFolder(source, target);
      continue;
    }
    copyFileSync(source, target);
    chmodSync(target, (statSync(source).mode & 0o111) === 0 ? 0o444 : 0o555);
  }
}
