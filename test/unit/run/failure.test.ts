import { describe, expect, it } from 'vitest';
import type { CommandEnd } from '../../../src/run/command.ts';
import { judge, type FailureFacts } from '../../../src/run/failure.ts';

const FACTS: FailureFacts = {
  cmd: 'run',
  program: '/bin/sh',
  stderr: '',
  timeoutSeconds: 5,
  outOfMemory: false,
  isUndeclared: () => false,
};

function failureOf(end: CommandEnd, facts: Partial<FailureFacts> = {}): unknown {
  const verdict = judge(end, { ...FACTS, ...facts });
  return verdict.kind === 'failed' ? verdict.failure : verdict.kind;
}

const notStarted = (code: string): CommandEnd => ({
  kind: 'not-started',
  error: Object.assign(new Error(code), { code }),
});

describe('the end of a command counts', () => {
  it('as well with 0, and as waiting with 75', () => {
    expect(failureOf({ kind: 'exit', exit: 0 })).toBe('ok');
    expect(failureOf({ kind: 'exit', exit: 75 })).toBe('waiting');
  });

  it.each([
    ['/bin/sh: 1: frob: not found', 'frob'],
    ['/bin/sh: line 1: frob: command not found', 'frob'],
    ['sh: frob: not found\n', 'frob'],
    ['noise: x\n/bin/sh: 2: ./run.sh: not found', './run.sh'],
  ])('as a command that is not there: %j', (stderr, name) => {
    expect(failureOf({ kind: 'exit', exit: 127 }, { stderr })).toMatchObject({
      code: 'command-not-found',
      message: `the command ${name} was not found`,
      exit: 127,
      retry: false,
    });
  });

  it('as a plain exit where 127 is a program’s own', () => {
    expect(failureOf({ kind: 'exit', exit: 127 })).toMatchObject({ code: 'exit', exit: 127 });
  });

  it('as not declared where the repository has what was not found', () => {
    const facts = {
      stderr: 'cat: lib/x.csv: No such file or directory',
      isUndeclared: (path: string) => path === 'lib/x.csv',
    };
    expect(failureOf({ kind: 'exit', exit: 1 }, facts)).toMatchObject({
      hint: expect.stringMatching(/^lib\/x\.csv is in the repository/) as string,
    });
    const python = {
      ...facts,
      stderr: "FileNotFoundError: [Errno 2] No such file or directory: 'lib/x.csv'",
    };
    expect(failureOf({ kind: 'exit', exit: 1 }, python)).toHaveProperty('hint');
  });

  it('as out of memory only where the kernel counted one', () => {
    expect(failureOf({ kind: 'signal', signal: 'SIGKILL' }, { outOfMemory: true })).toMatchObject({
      class: 'oom',
      retry: true,
    });
    expect(failureOf({ kind: 'exit', exit: 137 }, { outOfMemory: true })).toMatchObject({
      class: 'oom',
      exit: 137,
    });
    expect(failureOf({ kind: 'signal', signal: 'SIGSEGV' }, { outOfMemory: true })).toMatchObject({
      class: 'user',
      signal: 'SIGSEGV',
    });
  });

  it('by what kept it from starting', () => {
    expect(failureOf(notStarted('ENOENT'), { cmd: ['frob'], program: 'frob' })).toMatchObject({
      code: 'command-not-found',
      retry: false,
    });
    expect(failureOf(notStarted('EACCES'))).toMatchObject({ code: 'not-executable', retry: false });
    expect(failureOf(notStarted('E2BIG'))).toMatchObject({ code: 'command-too-long', retry: false });
    expect(failureOf(notStarted('EAGAIN'))).toMatchObject({
      class: 'infra',
      code: 'not-started',
      retry: true,
    });
  });
});
