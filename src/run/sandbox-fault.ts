import type { FailureClass } from '../model/outcome.ts';

/** Why an attempt failed, without what it took: the part of a failed outcome that is decided where the fact is found. */
export interface Failure {
  readonly class: FailureClass;
  /** Kebab-case. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exit?: number;
  readonly signal?: string;
  /** Repository paths, up to 20. */
  readonly paths?: readonly string[];
  readonly retry: boolean;
}

/** Thrown while a sandbox is made where this datum can't go on but others may; the session turns it into an outcome. */
export class SandboxFault extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'SandboxFault';
    this.failure = failure;
  }
}

/** `a`, `a and b`, `a, b and 3 more`: names in a sentence, the first three. */
export function namesOf(paths: readonly string[]): string {
  if (paths.length <= 1) return paths[0] ?? '';
  if (paths.length <= 3) return `${paths.slice(0, -1).join(', ')} and ${paths.at(-1) ?? ''}`;
  return `${paths.slice(0, 2).join(', ')} and ${paths.length - 2} more`;
}
