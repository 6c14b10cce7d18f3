import type { Command } from 'commander';
import type { Bind } from '../session.ts';

/** Adds a command's arguments, options and action. */
export type Build = (command: Command, bind: Bind) => void;

/** Headings of the help, in order. */
export const GROUPS = ['starting', 'data', 'running', 'moving', 'history', 'upkeep'] as const;

export type Group = (typeof GROUPS)[number];

/** What help and the parser know of a command without loading it. */
export interface CommandEntry {
  /** One word, or two for a member of a family (`stage add`). */
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  readonly load: () => Promise<Build>;
}
