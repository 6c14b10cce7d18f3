import type { ProcessIdentity } from '../model/run-record.ts';
import type { LocalObjects } from './local-objects.ts';
import type { Runner } from './runner.ts';

export interface LocalRunnerOptions {
  /** Absolute path of the working tree's root. */
  readonly root: string;
  readonly objects: LocalObjects;
  /** PATH of the caller: the one variable that commands get from outside. */
  readonly path: string;
  /** Name of this machine, recorded with results. */
  readonly host: string;
  /** This process (`processIdentity`), so that the sandboxes of dead ones can be removed. */
  readonly process: ProcessIdentity;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * Inputs up to so many bytes are copied into sandboxes, larger ones are hard links. 0 for an ordinary user, whom the
   * read-only mode holds back; the composition root passes 64 MiB for root, whom it doesn't.
   */
  readonly copyBelow?: number;
  /** Milliseconds between SIGTERM and SIGKILL; 5,000 where absent. */
  readonly graceMs?: number;
}

/** Runs datums as processes of this machine, each in a sandbox of its own. Touches nothing until a stage is opened. */
export function createLocalRunner(options: LocalRunnerOptions): Runner {
  throw new Error(`not there yet ${options.host}`);
}
