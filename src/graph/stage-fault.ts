import { invalid, type Problem } from '../model/problem.ts';
import type { Stage } from '../model/stage.ts';

/** A definition error of a stage. */
export interface StageFault {
  /** Where in the stage's YAML, e.g. ['deps', 'raw']. */
  readonly field: readonly (string | number)[];
  readonly problem: Problem;
}

/** What is wrong with a stage, and the cure. */
export interface FaultText {
  readonly code: string;
  readonly fact: string;
  readonly cure: string;
}

/** The fault with the stage's name before the fact (exit 2). */
export function stageFault(
  stage: Stage,
  field: StageFault['field'],
  { code, fact, cure }: FaultText,
): StageFault {
  return { field, problem: invalid(code, `stage ${stage.id}: ${fact}`, cure) };
}
