import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './measure.mjs';

/** Files that all differ, `perFolder` to a folder, of `size` bytes each. Answers their paths below `folder`. */
export function makeFiles(folder, { count, size, seed, perFolder = 1000 }) {
  const body = Buffer.alloc(size, 'datawf bench ');
  const paths = [];
  for (let index = 0; index < count; index++) {
    const group = `part-${String(Math.floor(index / perFolder)).padStart(4, '0')}`;
    if (index % perFolder === 0) mkdirSync(join(folder, group), { recursive: true });
    const path = `${group}/file-${String(index).padStart(7, '0')}.csv`;
    body.write(`${seed}:${index};`, 0);
    const fd = openSync(join(folder, path), 'w');
    writeSync(fd, body);
    closeSync(fd);
    paths.push(path);
  }
  return paths;
}

/** One file of many MiB, each block different. */
export function makeLargeFile(file, mebibytes, seed = '') {
  const block = Buffer.alloc(1 << 20, 'datawf bench ');
  const fd = openSync(file, 'w');
  for (let index = 0; index < mebibytes; index++) {
    block.write(`block ${index}${seed};`, 0);
    writeSync(fd, block);
  }
  closeSync(fd);
}

/** Other bytes for ten files, evenly spread; a new inode each, as editors and tools do. */
export function changeTen(folder, paths, seed) {
  for (let index = 0; index < 10; index++) {
    const file = join(folder, paths[Math.floor((index * paths.length) / 10)]);
    rmSync(file, { force: true });
    writeFileSync(file, `changed ${seed} ${index}\n`);
  }
}

/** A git repository with one commit. */
export async function makeRepository(root) {
  mkdirSync(root, { recursive: true });
  await run(['git', 'init', '--quiet', '--initial-branch=main'], { cwd: root });
  await commitAll(root, 'start');
}

export async function commitAll(root, message) {
  await run(['git', 'add', '--all'], { cwd: root });
  await run(['git', 'commit', '--quiet', '--allow-empty', '--message', message], { cwd: root });
}
