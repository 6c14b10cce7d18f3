import type { Command } from 'commander';
import type { Bind } from '../session.ts';

/** Adds a command's arguments, options and action. */
export type Build = (command: Command, bind: Bind) => void;

/** What help and the parser know of a command without loading it. */
export interface CommandEntry {
  /** One word, or two for a member of a family (`stage add`). */
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  readonly load: () => Promise<Build>;
}

/** Headings of the help, in order. */
export const GROUPS = ['starting', 'data', 'running', 'history'] as const;

export type Group = (typeof GROUPS)[number];

/** Every command, in the order of the help. Only the invoked one's module is loaded. */
export const TABLE: readonly CommandEntry[] = [
  {
    name: 'status',
    group: 'data',
    summary: 'what is current, stale, missing or edited',
    load: async () => (await import('./status.ts')).build,
  },
  {
    name: 'repro',
    group: 'running',
    summary: 'run whatever is out of date',
    load: async () => (await import('./repro.ts')).build,
  },
];

/** First words that need a second one. */
export const GROUPED: ReadonlySet<string> = new Set(
  TABLE.filter((row) => row.name.includes(' ')).map((row) => row.name.slice(0, row.name.indexOf(' '))),
);
