/** Exit codes a script may rely on (docs/commands.md). */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  failed: 3,
  notFound: 4,
  transient: 5,
  refused: 6,
  integrity: 7,
  changes: 10,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where in a tracked file a problem lies; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** The source line(s) with a caret, ready to print. */
  readonly excerpt?: string;
}

export interface ProblemFields {
  /** Stable kebab-case name, e.g. `output-edited`; scripts match on it. */
  readonly code: string;
  /** What happened, with the thing's name; one sentence without a final period is fine. */
  readonly message: string;
  /** The cure: what to type or change. */
  readonly hint?: string;
  readonly exit: ExitCode;
  readonly place?: Place;
  /** Further lines: paths, several findings. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/**
 * A dead end that a user can understand and cure; thrown, printed once by `cli/main`, never with a stack trace.
 * Expected outcomes of work (a failed datum) are values, not problems.
 */
export class Problem extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exit: ExitCode;
  readonly place: Place | undefined;
  readonly details: readonly string[];

  constructor(fields: ProblemFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'Problem';
    this.code = fields.code;
    this.hint = fields.hint;
    this.exit = fields.exit;
    this.place = fields.place;
    this.details = fields.details ?? [];
  }

  /** The same problem with a place, for parsers that learn the place later than the fact. */
  at(place: Place): Problem {
    return new Problem({
      code: this.code,
      message: this.message,
      exit: this.exit,
      place: { ...place, ...this.place },
      details: this.details,
      cause: this.cause,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    });
  }
}

/** A problem of usage or of an invalid file (exit 2). */
export function invalid(code: string, message: string, hint?: string): Problem {
  return new Problem({ code, message, exit: EXIT.usage, ...(hint === undefined ? {} : { hint }) });
}

/** The thing asked for isn't there (exit 4). */
export function notFound(code: string, message: string, hint?: string): Problem {
  return new Problem({ code, message, exit: EXIT.notFound, ...(hint === undefined ? {} : { hint }) });
}

/** The cure, and further lines. */
type Cure = [hint?: string, details?: readonly string[]];

/** Refused to protect something (exit 6). */
export function refused(code: string, message: string, ...cure: Cure): Problem {
  const [hint, details] = cure;
  return new Problem({
    code,
    message,
    exit: EXIT.refused,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}

/** Bytes or a tracked file aren't what their name or grammar says (exit 7). */
export function damaged(code: string, message: string, ...cure: Cure): Problem {
  const [hint, details] = cure;
  return new Problem({
    code,
    message,
    exit: EXIT.integrity,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}
