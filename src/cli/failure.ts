import { EXIT, Problem, type ExitCode } from '../model/problem.ts';
import type { Output } from '../ui/output.ts';
import { problemJson, problemText } from '../ui/problem.ts';
import { loadStyle, PLAIN, wantsColor } from '../ui/style.ts';
import type { Host } from './host.ts';
import { interrupted } from './signals.ts';

/** What was thrown, as a problem to print. */
export function problemOf(error: unknown, signal: AbortSignal): Problem {
  if (error instanceof Problem) return error;
  if (signal.aborted) return interrupted();
  if (isSystemError(error)) return systemProblem(error);
  return new Problem({
    code: 'unexpected',
    message: error instanceof Error ? `${error.name}: ${firstLine(error.message)}` : String(error),
    hint: 'This is a bug. Run it again with -v for the place it happened at, and report both.',
    exit: EXIT.unexpected,
    cause: error,
  });
}

/** Prints a problem on stderr; the stack of an unexpected one only with `-v` or DATAWF_DEBUG. */
export async function printProblem(failure: {
  readonly problem: Problem;
  readonly error: unknown;
  readonly host: Host;
  readonly output: Output;
  readonly json: boolean;
}): Promise<void> {
  const { problem, error, host, output, json } = failure;
  const flag = host.argv.includes('--no-color') || host.env['DATAWF_NO_COLOR'] === '1' ? false : undefined;
  const colored = wantsColor({ stream: host.stderr, flag, env: host.env, config: undefined });
  output.words(
    json ? `${problemJson(problem)}\n` : problemText(problem, colored ? await loadStyle() : PLAIN),
  );
  const wanted =
    host.argv.includes('-v') || host.argv.includes('--verbose') || host.env['DATAWF_DEBUG'] !== undefined;
  if (wanted && !json && error instanceof Error && !(error instanceof Problem))
    output.words(`${error.stack ?? ''}\n`);
}

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly syscall?: string;
}

function isSystemError(error: unknown): error is SystemError {
  return (
    error instanceof Error && 'syscall' in error && typeof (error as Partial<SystemError>).code === 'string'
  );
}

const SYSTEM: Readonly<Record<string, readonly [code: string, fact: string, hint: string, exit: ExitCode]>> =
  {
    ENOSPC: [
      'disk-full',
      'no space is left on the disk',
      'Free some space and run it again: what is finished is kept.',
      EXIT.transient,
    ],
    EDQUOT: [
      'disk-full',
      'the disk quota is used up',
      'Free some space and run it again: what is finished is kept.',
      EXIT.transient,
    ],
    EMFILE: [
      'too-many-files',
      'too many files are open',
      'Raise the limit with "ulimit -n 4096", or use a smaller --jobs.',
      EXIT.transient,
    ],
    EROFS: [
      'read-only',
      'the file system is read-only',
      'Make it writable, or work in another folder.',
      EXIT.refused,
    ],
    EACCES: [
      'no-permission',
      'permission denied',
      'Change the owner or the mode of that path.',
      EXIT.refused,
    ],
    EPERM: [
      'no-permission',
      'the system does not permit it',
      'Change the owner or the mode of that path.',
      EXIT.refused,
    ],
  };

function systemProblem(error: SystemError): Problem {
  const [code, fact, hint, exit] = SYSTEM[error.code] ?? [
    'system',
    firstLine(error.message),
    undefined,
    EXIT.unexpected,
  ];
  const where = error.path === undefined ? '' : `${error.path}: `;
  return new Problem({
    code,
    message: SYSTEM[error.code] === undefined ? fact : `${where}${fact}`,
    exit,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}
