import { TEMP_PREFIX } from '../disk/atomic-file.ts';
import { isSystemFile } from '../model/repo-path.ts';

/**
 * Whether a name is never data wherever it lies: files of operating systems, of git, of datawf itself, and unfinished ones.
 * So a dataset's home may hold the pointers, ignore files and pipelines of what is nested in it.
 */
export function isNeverData(name: string): boolean {
  return RESERVED.has(name) || name.endsWith('.datawf') || name.startsWith(TEMP_PREFIX) || isSystemFile(name);
}

const RESERVED: ReadonlySet<string> = new Set([
  '.git',
  '.gitignore',
  '.gitattributes',
  'datawf.yaml',
  'datawf.lock',
  '.datawf',
]);
