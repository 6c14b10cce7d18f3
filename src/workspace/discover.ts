import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareBytes, joinPath, type RepoPath } from '../model/repo-path.ts';

/** The files that make a git work tree a datawf project, each list sorted by bytes. */
export interface ProjectFiles {
  /** `datawf.yaml`, at the top and in subfolders. */
  readonly pipelines: readonly RepoPath[];
  /** `<path>.datawf` of data added by hand. */
  readonly pointers: readonly RepoPath[];
}

const POINTER = '.datawf';

/**
 * Finds the project's files by reading folders, whether git tracks them yet or not. Folders that can't hold any aren't
 * opened: `.git`, `node_modules`, other repositories, a folder that a pointer beside it records, and what the `.gitignore`
 * of the same folder excludes by a plain `/name`, as datawf writes it for outs. Cost: one readdir per folder that is left.
 */
export function discoverFiles(root: string): ProjectFiles {
  const pipelines: RepoPath[] = [];
  const pointers: RepoPath[] = [];
  const visit = (folder: string): void => {
    const entries = readFolder(join(root, folder));
    const names = new Set(entries.map((entry) => entry.name));
    if (folder !== '' && names.has('.git')) return;
    const ignored = names.has('.gitignore') ? plainIgnores(join(root, folder, '.gitignore')) : undefined;
    for (const entry of entries) {
      const { name } = entry;
      if (entry.isDirectory()) {
        if (name === '.git' || name === 'node_modules' || names.has(name + POINTER)) continue;
        if (ignored?.has(name) === true) continue;
        visit(joinPath(folder, name));
      } else if (name === 'datawf.yaml') pipelines.push(joinPath(folder, name));
      else if (name.endsWith(POINTER) && name.length > POINTER.length) pointers.push(joinPath(folder, name));
    }
  };
  visit('');
  return { pipelines: pipelines.sort(compareBytes), pointers: pointers.sort(compareBytes) };
}

function readFolder(folder: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(folder);
  } catch {
    return [];
  }
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}

/** Names that a `.gitignore` excludes by a line `/name` or `/name/` without wildcards. */
function plainIgnores(file: string): Set<string> {
  const names = new Set<string>();
  if (!existsSync(file)) return names;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const name = /^\/([^*?[\]\\!/]+)\/?\r?$/.exec(line)?.[1];
    if (name !== undefined) names.add(name);
  }
  return names;
}
