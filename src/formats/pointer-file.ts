import type { Pointer } from '../model/pointer.ts';
import type { RepoPath } from '../model/repo-path.ts';

/** `file` is the pointer's own path in the repository (`data/raw.datawf`). */
export function parsePointerFile(text: string, file: RepoPath): Pointer {
  throw new Error(`not written yet: ${text.length} ${file}`);
}
export function formatPointerFile(pointer: Pointer, file: RepoPath): string {
  throw new Error(`not written yet: ${pointer.path} ${file}`);
}
