import { EXIT, Problem, type ExitCode } from '../model/problem.ts';

/** The errno name of a file system error (`ENOENT`), undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * A file system error as a problem that says what was being done (`write`, `link`), where, and the cure. Problems and
 * errors that aren't the file system's come back as they are, so that bugs keep their stack.
 */
export function fsProblem(error: unknown, action: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || error instanceof Problem || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const fact = FACTS[errno];
  return new Problem({
    code: fact?.code ?? 'file-system',
    message: `can't ${action} ${path}: ${fact?.words ?? errno}`,
    exit: fact?.exit ?? EXIT.unexpected,
    cause: error,
    ...(fact?.hint === undefined ? {} : { hint: fact.hint }),
  });
}

interface Fact {
  readonly code: string;
  readonly words: string;
  readonly hint?: string;
  readonly exit: ExitCode;
}

const FULL: Fact = {
  code: 'disk-full',
  words: 'no space is left there',
  hint: 'Free some space (`datawf gc` removes what no version needs), then run the same command again: finished work is kept.',
  exit: EXIT.transient,
};
const FORBIDDEN: Fact = {
  code: 'no-permission',
  words: 'permission denied',
  hint: 'Look at who owns it and its mode (`ls -ld`), or run as the user that may.',
  exit: EXIT.refused,
};
const OPEN_FILES: Fact = {
  code: 'too-many-open-files',
  words: 'too many open files',
  hint: 'Raise the limit (`ulimit -n`) or use fewer jobs (`-j`), then run it again.',
  exit: EXIT.transient,
};
const IN_THE_WAY: Fact = {
  code: 'in-the-way',
  words: 'something else is in its place',
  hint: 'Move it away, then run it again.',
  exit: EXIT.refused,
};
const BUSY: Fact = {
  code: 'file-busy',
  words: 'something else is using it',
  hint: 'Wait until nothing uses it, then run it again.',
  exit: EXIT.transient,
};

const FACTS: Readonly<Record<string, Fact | undefined>> = {
  ENOSPC: FULL,
  EDQUOT: { ...FULL, words: 'the quota there is used up' },
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: {
    code: 'read-only',
    words: 'the file system is mounted read-only',
    hint: 'Mount it writable, or choose another folder (`cache.dir` moves the local store).',
    exit: EXIT.refused,
  },
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
  EIO: {
    code: 'device-error',
    words: 'the device reports an input/output error',
    hint: 'The disk may be failing: look at the system log and copy your data elsewhere before anything else.',
    exit: EXIT.integrity,
  },
  ENOENT: { code: 'missing-file', words: 'it is not there', exit: EXIT.notFound },
  ENOTDIR: IN_THE_WAY,
  EISDIR: { ...IN_THE_WAY, words: 'a folder is in its place' },
  EEXIST: IN_THE_WAY,
  ENOTEMPTY: { ...IN_THE_WAY, words: 'the folder is not empty' },
  EXDEV: {
    code: 'other-device',
    words: 'the two ends lie on different file systems',
    hint: 'Allow `copy` or `symlink` in `cache.links`, or move the local store by `cache.dir`.',
    exit: EXIT.refused,
  },
  EMLINK: {
    code: 'too-many-links',
    words: 'the file has as many hard links as its file system allows',
    hint: 'Allow `copy` in `cache.links`.',
    exit: EXIT.refused,
  },
  ENAMETOOLONG: {
    code: 'name-too-long',
    words: 'the name is too long for this file system',
    hint: 'Use a shorter name.',
    exit: EXIT.usage,
  },
  ELOOP: {
    code: 'symlink-loop',
    words: 'symlinks lead in a circle',
    hint: 'Remove the symlink that points back.',
    exit: EXIT.usage,
  },
  EFBIG: { code: 'file-too-large', words: 'the file is too large for this file system', exit: EXIT.refused },
  EBUSY: BUSY,
  ETXTBSY: BUSY,
  EAGAIN: BUSY,
  ETIMEDOUT: { ...BUSY, code: 'device-timeout', words: 'the file server did not answer' },
  ESTALE: { ...BUSY, code: 'device-timeout', words: 'the file server has forgotten the open file' },
};
