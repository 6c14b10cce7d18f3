import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { DatumState, ReasonKind } from '../model/outcome.ts';
import { renderPath } from '../model/pattern.ts';
import type { Stage } from '../model/stage.ts';
import type { DatumSpec } from '../graph/datums.ts';
import type { FileEntry } from '../model/file-entry.ts';

/** What a datum downstream asks of the stage that makes its inputs. */
export interface DatumOwner {
  readonly id: string;
  /** Output files by datum, as they stand now. */
  readonly filesNow: ReadonlyMap<string, readonly FileEntry[]>;
}

/**
 * One datum of a run. `pending` waits for datums upstream, `ready` is to run, `done` has its outcome. A datum that needs
 * nothing is `done` with `skipped` from the start.
 */
export interface DatumPlan<Owner extends DatumOwner = DatumOwner> {
  readonly stage: Owner;
  /** Among the stage's datums. */
  readonly index: number;
  readonly id: string;
  readonly spec: DatumSpec;
  phase: 'pending' | 'ready' | 'running' | 'done';
  outcome: DatumState | 'gone' | undefined;
  /** Datums upstream that it still waits for. */
  waitsFor: number;
  /** It was found to need work, or to wait, when the plan was made: it counts as planned. */
  planned: boolean;
  reason: ReasonKind | 'upstream' | undefined;
  input: Digest | undefined;
  /** The row before this run. */
  readonly row: DatumRow | undefined;
}

/** The datum failed or is blocked: what it would have written must not be seen. */
export function isBad(datum: Pick<DatumPlan, 'outcome'>): boolean {
  return datum.outcome === 'failed' || datum.outcome === 'blocked';
}

/** Whether files are such as a datum may write, all below its outs: what a store calls its result needn't be. */
export function liesInOuts(stage: Stage, spec: DatumSpec, files: readonly FileEntry[]): boolean {
  const outs = stage.outs.map(({ pattern }) => {
    const path = renderPath(pattern, spec.captures);
    return { path, below: pattern.shape === 'directory' ? `${path}/` : undefined };
  });
  return files.every((file) =>
    outs.some(({ path, below }) => (below === undefined ? file.path === path : file.path.startsWith(below))),
  );
}

/**
 * Paths that a datum will write, as far as they are known before it runs. Of one that failed also those that it might have
 * written, with a path that stands for the files of a folder: whoever would have seen them is blocked.
 */
export function expectedPaths(stage: Stage, datum: DatumPlan): string[] {
  const paths: string[] = [];
  for (const { pattern, optional } of stage.outs) {
    const isFolder = pattern.shape === 'directory';
    if ((isFolder || optional) && !isBad(datum)) continue;
    const path = renderPath(pattern, datum.spec.captures);
    paths.push(isFolder ? `${path}/-` : path);
  }
  return paths;
}
