import type { Place } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Stage, StageId } from '../model/stage.ts';

/** What one `datawf.yaml` says. */
export interface PipelineFile {
  readonly file: RepoPath;
  readonly zone: string | undefined;
  /** In the order of the file, `defaults` merged in. */
  readonly stages: readonly Stage[];
  /** Line, column and excerpt of a field such as `['deps', 'raw', 'window']`; of its nearest parent where it is absent. */
  place(stage: StageId, field: readonly (string | number)[]): Place;
}

export function parsePipelineFile(text: string, file: RepoPath): PipelineFile {
  throw new Error(`not written yet: ${text.length} ${file}`);
}
