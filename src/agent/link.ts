import type { HostedEnd, OwnMemory } from '../run/hosted-commands.ts';
import type { AgentStop } from '../run/agent-env.ts';
import { JsonReader } from '../run/json-reader.ts';

/*
 * What the stager and the loop say to each other over their Unix socket: frames as command-frames.ts has them. The numbers
 * are types; a frame that isn't about a command has the number 0.
 */
export const LINK = {
  /** To the loop: JSON of a `LoopCommand`. */
  start: 1,
  /** To the loop: empty. */
  cancel: 2,
  /** From the loop: masked text. */
  out: 4,
  err: 5,
  /** From the loop: JSON of a `LoopEnd`. */
  end: 6,
  /** From the loop, first of all: JSON of a `Hello`. */
  hello: 7,
  /** From the loop, each half second: the largest memory so far in bytes, as text. */
  sample: 8,
  /** From the loop: SIGTERM came. */
  terminating: 9,
  /** To the loop, last of all: JSON of a `Leave`. */
  leave: 10,
  /** To the loop: JSON of a list of texts to hide secrets in. */
  mask: 11,
  /** From the loop: the same texts without secrets. */
  masked: 12,
} as const;

/** What the loop knows of its container. */
export interface Hello {
  readonly version: string;
  /** Numeric user that commands run as. */
  readonly uid: number;
  /** Bytes; undefined without a limit. */
  readonly memoryLimit: number | undefined;
}

/** A command as the stager asks for it. */
export interface LoopCommand {
  /** As in the stage: `$name` items are replaced in the loop, where the secrets are. */
  readonly cmd: string | readonly string[];
  readonly cwd: string;
  /** Without PATH and secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Of secrets. */
  readonly secretNames: readonly string[];
  readonly timeoutMs: number | undefined;
  readonly graceMs: number;
  /** Absolute folder of the sandbox: what the command left in it is opened to the group afterwards. */
  readonly own: string;
}

/** How a command ended, and what its container's counters say. */
export interface LoopEnd extends HostedEnd {
  readonly memory: OwnMemory;
}

/** The stager's last word: how the loop is to end, and why where that isn't plain. */
export interface Leave {
  readonly exit: number;
  readonly stop?: AgentStop;
}

/** Reads a `Hello`; a Problem `bad-message` where it isn't one. */
export function readHello(text: string): Hello {
  const hello = JsonReader.parse(text, 'hello');
  return {
    version: hello.text('version'),
    uid: hello.count('uid'),
    memoryLimit: hello.optionalAmount('memoryLimit'),
  };
}

/** Reads a list of texts. */
export function readTexts(text: string): readonly string[] {
  return new JsonReader({ texts: JSON.parse(text) as unknown }, 'masked').texts('texts');
}

const SIGNAL = /^SIG[A-Z0-9]+$/;

/** Reads a `LoopEnd`: it comes from the container that the user's command runs in. */
export function readLoopEnd(text: string): LoopEnd {
  const reader = JsonReader.parse(text, 'end of a command');
  const usage = reader.object('usage');
  const memory = reader.object('memory');
  return {
    end: readEnd(reader.object('end')),
    usage: {
      cpuSeconds: usage.optionalAmount('cpuSeconds'),
      peakMemory: usage.optionalAmount('peakMemory'),
    },
    memory: { ranOut: memory.flag('ranOut'), limit: memory.optionalAmount('limit') },
  };
}

function readEnd(end: JsonReader): LoopEnd['end'] {
  const kind = end.oneOf('kind', ['exit', 'signal', 'timeout', 'cancelled', 'not-started']);
  switch (kind) {
    case 'exit':
      return { kind, exit: end.count('exit') };
    case 'signal':
      return { kind, signal: end.match('signal', SIGNAL) as NodeJS.Signals };
    case 'not-started': {
      const error = end.object('error');
      return { kind, error: { message: error.text('message'), code: error.optionalText('code') } };
    }
    case 'timeout':
    case 'cancelled':
      return { kind };
  }
}
