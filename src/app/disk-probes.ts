import { constants, copyFileSync, existsSync, linkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { TEMP_PREFIX } from '../disk/atomic-file.ts';
import type { LinkKind } from '../model/config.ts';

/** Ways in which a file of one folder can come into another without its bytes being written twice, and `copy`. Leaves nothing behind. */
export function linkWays(from: string, to: string): readonly LinkKind[] {
  const source = join(from, `${TEMP_PREFIX}${randomUUID()}`);
  const target = join(to, `${TEMP_PREFIX}${randomUUID()}`);
  const tries: Readonly<Record<LinkKind, () => void>> = {
    reflink: () => copyFileSync(source, target, constants.COPYFILE_FICLONE_FORCE),
    hardlink: () => linkSync(source, target),
    symlink: () => symlinkSync(source, target),
    copy: () => copyFileSync(source, target),
  };
  try {
    writeFileSync(source, 'probe');
    return (Object.keys(tries) as LinkKind[]).filter((way) => works(tries[way], target));
  } finally {
    rmSync(source, { force: true });
  }
}

function works(attempt: () => void, target: string): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(target, { force: true });
  }
}

/** Whether a folder's file system takes `A` and `a` for one name. */
export function foldsCase(folder: string): boolean {
  const name = `${TEMP_PREFIX}${randomUUID()}a`;
  try {
    writeFileSync(join(folder, name), '');
    return existsSync(join(folder, name.toUpperCase()));
  } finally {
    rmSync(join(folder, name), { force: true });
  }
}
