import { parentOf, type RepoPath } from './repo-path.ts';
import type { StageId } from './stage.ts';

const STAGE_NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** Whether a text can name a stage. */
export function isStageName(text: string): boolean {
  return STAGE_NAME.test(text);
}

/** The address of the stage `name` of the `datawf.yaml` at `file`. */
export function stageId(file: RepoPath, name: string): StageId {
  const base = parentOf(file);
  return (base === '' ? name : `${base}:${name}`) as StageId;
}
