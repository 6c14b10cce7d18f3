import { execFile } from 'node:child_process';
import { syncFile } from './atomic-file.ts';

/** From so many files on, one sync of the file system costs less than one of each (2 ms a file against 5 to 20 ms). */
const MANY = 8;

/** Waits until files in a folder are on the device. One call of the system's `sync -f` where they are many. */
export async function syncFiles(files: readonly string[], folder: string): Promise<void> {
  if (files.length > MANY && (await syncFileSystem(folder))) return;
  for (const file of files) syncFile(file);
}

/** Answers whether there is a `sync` that can. */
function syncFileSystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('sync', ['-f', folder], (error) => {
      resolve(error === null);
    });
  });
}
