import { formatBytes } from '../util/quantity.ts';
import type { CommandEnd } from './command.ts';
import type { OwnMemory } from './hosted-commands.ts';
import type { Failure } from './sandbox-fault.ts';

/** What is known of a command that didn't end well. */
export interface FailureFacts {
  readonly cmd: string | readonly string[];
  /** The program that was to be started. */
  readonly program: string;
  /** Last part of stderr, masked. */
  readonly stderr: string;
  readonly timeoutSeconds: number | undefined;
  /** Whether the kernel is known to have ended a process for want of memory meanwhile. */
  readonly outOfMemory: boolean;
  /** Where the command had a memory of its own. */
  readonly memory?: OwnMemory | undefined;
  /** Largest sample, bytes. */
  readonly peakMemory?: number | undefined;
  /** Where it ran in an image. */
  readonly image?: string | undefined;
  /** Whether a path, as the command would write it, names a file that the repository has and the sandbox hasn't. */
  readonly isUndeclared: (path: string) => boolean;
}

/** How an ended command counts: well, not yet (exit 75), or failed with a class that scripts and retries can use. */
export type Verdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'failed'; readonly failure: Failure };

const NOT_YET = 75;
/** What sh answers for a command that can't be executed and one that isn't there (POSIX, 2.8.2). */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** And, with the signal's number added, for one that a signal ended. */
const BY_SIGNAL = 128;
const SIGKILL = 9;
const SHELL = '/bin/sh';

/** Judges how a command ended. */
export function judge(end: CommandEnd, facts: FailureFacts): Verdict {
  const isOwnEnd = end.kind === 'exit' || end.kind === 'signal';
  if (isOwnEnd && facts.memory?.ranOut === true) return failed(memoryFailure(end, facts.memory, facts));
  switch (end.kind) {
    case 'exit':
      if (end.exit === 0) return { kind: 'ok' };
      if (end.exit === NOT_YET) return { kind: 'waiting' };
      return failed(exitFailure(end.exit, facts));
    case 'signal':
      return failed(signalFailure(end.signal, facts));
    case 'timeout':
      return failed({
        class: 'timeout',
        code: 'timeout',
        message: `the command took longer than its timeout of ${facts.timeoutSeconds ?? 0} s and was ended`,
        hint: 'Raise `timeout` of the stage, or give each datum less to do.',
        retry: true,
      });
    case 'cancelled':
      return failed({
        class: 'cancelled',
        code: 'cancelled',
        message: 'the command was ended with the run',
        retry: false,
      });
    case 'not-started':
      return failed(startFailure(end.error, facts));
  }
}

function failed(failure: Failure): Verdict {
  return { kind: 'failed', failure };
}

function exitFailure(exit: number, facts: FailureFacts): Failure {
  if (exit === BY_SIGNAL + SIGKILL) return { ...signalFailure('SIGKILL', facts), exit };
  const shell = typeof facts.cmd === 'string';
  const named =
    shell && exit === NOT_FOUND ? lastNamed(facts.stderr, /([^:\n]+): (?:command )?not found$/gm) : undefined;
  if (named !== undefined) return { ...notFound(named, facts), exit };
  const denied =
    shell && exit === NOT_EXECUTABLE
      ? lastNamed(facts.stderr, /([^:\n]+): Permission denied$/gim)
      : undefined;
  if (denied !== undefined) return { ...notExecutable(denied), exit };
  const undeclared = undeclaredRead(facts);
  return {
    class: 'user',
    code: 'exit',
    message: `the command ended with exit code ${exit}`,
    ...(undeclared === undefined
      ? {}
      : {
          hint: `${undeclared} is in the repository, but the stage doesn't declare it: list it in \`deps\` or \`code\`.`,
        }),
    exit,
    retry: true,
  };
}

/** The failure of a command whose memory, `memory`, ran out. */
function memoryFailure(end: CommandEnd, memory: OwnMemory, facts: FailureFacts): Failure {
  return {
    ...outOfMemory(memory.limit, facts.peakMemory),
    ...(end.kind === 'exit' ? { exit: end.exit } : {}),
    ...(end.kind === 'signal' ? { signal: end.signal } : {}),
  };
}

/** Memory ran out in a container: its limit and the largest sample of its use, in bytes, where they are known. */
export function outOfMemory(limit: number | undefined, peak: number | undefined): Failure {
  const most = limit === undefined ? '' : `its limit of ${formatBytes(limit)}`;
  // A burst between two samples is the usual case: a small one says nothing.
  const seen =
    peak === undefined || peak < (limit ?? 0) / 2 ? '' : ` (the largest sample was ${formatBytes(peak)})`;
  return {
    class: 'oom',
    code: 'out-of-memory',
    message: `the command was killed because it needed more memory than ${most === '' ? 'there was' : most}${seen}`,
    hint: `Raise \`resources: {memory: …}\` of the stage${limit === undefined ? '' : `, for example to ${2 * Math.ceil(limit / (1 << 20))}Mi`}, or give each datum less to do.`,
    retry: true,
  };
}

function signalFailure(signal: string, facts: FailureFacts): Failure {
  if (signal === 'SIGKILL' && facts.outOfMemory) {
    return {
      class: 'oom',
      code: 'out-of-memory',
      message: 'the command was killed by the kernel because memory ran out',
      hint: 'Run fewer at once (`-j`), state `resources: {memory: …}`, or give each datum less to do.',
      signal,
      retry: true,
    };
  }
  const guess = signal === 'SIGKILL' ? ' (the kernel ends a process this way when memory runs out)' : '';
  return {
    class: 'user',
    code: 'signal',
    message: `the command was killed by ${signal}${guess}`,
    signal,
    retry: true,
  };
}

function startFailure(error: NodeJS.ErrnoException, facts: FailureFacts): Failure {
  const { code: errno = '' } = error;
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return notFound(facts.program, facts);
  if (errno === WRONG_MACHINE) return wrongMachine(facts);
  if (errno === 'EACCES' || errno === 'ENOEXEC') return notExecutable(facts.program);
  if (errno === 'E2BIG') {
    return {
      class: 'user',
      code: 'command-too-long',
      message: 'the command and its variables are too long for this system',
      hint: 'Read the paths from the file "$DATAWF_INPUTS", and pass long parameters in a file.',
      retry: false,
    };
  }
  if (errno === 'ERR_INVALID_ARG_VALUE') {
    return {
      class: 'user',
      code: 'bad-value',
      message: 'the command or one of its variables has a NUL character in it',
      hint: 'Look at the params and env of the stage.',
      retry: false,
    };
  }
  return {
    class: 'infra',
    code: 'not-started',
    message: `the command could not be started: ${errno === '' ? error.message : errno}`,
    hint: 'The machine has too many processes or open files, or too little memory; run fewer at once (`-j`).',
    retry: true,
  };
}

function notFound(name: string, facts: FailureFacts): Failure {
  const undeclared = facts.isUndeclared(name);
  const local = name.includes('/');
  return {
    class: 'user',
    code: 'command-not-found',
    message: `the command ${name} was not found${inImage(facts)}`,
    hint: undeclared
      ? `${name} is in the repository, but the stage doesn't declare it: list it in \`code\`.`
      : name === SHELL && facts.image !== undefined
        ? 'The image has no shell: write `cmd` as a list, which is run without one, or use another image.'
        : local
          ? 'List it in `code`, and look at its first line: the interpreter after #! must exist too.'
          : facts.image === undefined
            ? 'Install it, or look at your PATH; a file of the repository is written ./name and listed in `code`.'
            : 'Use an image that has it; a file of the repository is written ./name and listed in `code`.',
    retry: false,
  };
}

function inImage({ image }: FailureFacts): string {
  return image === undefined ? '' : ` in the image ${image}`;
}

/** Given instead of the ENOENT of a program that is there, but is made for another kind of processor. */
export const WRONG_MACHINE = 'DATAWF_WRONG_MACHINE';

function wrongMachine({ program, image = '' }: FailureFacts): Failure {
  return {
    class: 'image',
    code: 'wrong-machine',
    message: `${program} in the image ${image} is made for another kind of processor than the node has`,
    hint: 'Use an image for this architecture, or choose nodes that fit by `pod_patch`.',
    retry: false,
  };
}

function notExecutable(name: string): Failure {
  return {
    class: 'user',
    code: 'not-executable',
    message: `${name} may not be executed`,
    hint: 'Make it executable (`chmod +x`, which git records), or name its interpreter: `sh file.sh`, `python3 file.py`.',
    retry: false,
  };
}

/** The last name that a pattern finds in stderr, without the shell's own prefix. */
function lastNamed(stderr: string, pattern: RegExp): string | undefined {
  return [...stderr.trimEnd().matchAll(pattern)].at(-1)?.[1]?.trim();
}

const PATH_LIKE = /[^\s'"`:;,=()[\]{}<>|&]*[A-Za-z0-9_][^\s'"`:;,=()[\]{}<>|&]*/g;
const MOST_LOOKED_AT = 200;

/** A path in the last lines of a message of the kind "No such file" that the repository has and the sandbox hasn't. */
function undeclaredRead(facts: FailureFacts): string | undefined {
  const lines = facts.stderr
    .split('\n')
    .filter((line) =>
      /no such file|not found|cannot (open|find)|can't open|ENOENT|does not exist/i.test(line),
    );
  const words = lines.flatMap((line) => line.match(PATH_LIKE) ?? []);
  return words.slice(-MOST_LOOKED_AT).find((word) => facts.isUndeclared(word.replace(/\.$/, '')));
}
