import { EXIT, Problem } from '../model/problem.ts';
import type { Output } from '../ui/output.ts';

/** What somebody at a terminal wants when they pressed Ctrl-C. */
export type Wish = 'cancel' | 'detach' | 'stay';

/** How work can end before its end. */
export interface Interrupts {
  /** From now on the work goes on elsewhere without this process: a hang-up leaves it there, and Ctrl-C asks where somebody can answer. */
  allowDetach(ask: (() => Promise<Wish>) | undefined): void;
  /** Leaves the work where it goes on. */
  detach(): void;
  /** Whether it was left. */
  readonly isDetached: boolean;
}

/** The signal that ends the work, until `close`. */
export interface Signals extends Interrupts {
  readonly signal: AbortSignal;
  close(): void;
}

/** The first SIGINT or SIGTERM aborts the signal, so that what is finished is kept; a second one ends the process at once. */
export function watchSignals(process: NodeJS.Process, output: Output): Signals {
  const controller = new AbortController();
  let ask: (() => Promise<Wish>) | undefined;
  let isDetached = false;
  let isAsking = false;
  const end = (): void => {
    output.words('\nStopping; what is finished is kept. Once more to stop at once.\n');
    controller.abort(interrupted());
  };
  const detach = (): void => {
    if (controller.signal.aborted) return;
    isDetached = true;
    controller.abort(interrupted());
  };
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    if (ask === undefined || isAsking) {
      end();
      return;
    }
    isAsking = true;
    void ask().then((wish) => {
      isAsking = false;
      if (controller.signal.aborted) return;
      if (wish === 'cancel') end();
      if (wish === 'detach') detach();
    });
  };
  const terminate = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    end();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', terminate);
  return {
    signal: controller.signal,
    allowDetach: (question) => {
      ask = question;
      process.on('SIGHUP', detach);
    },
    detach,
    get isDetached() {
      return isDetached;
    },
    close: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', terminate);
      process.off('SIGHUP', detach);
    },
  };
}

/** The problem of a run that was told to stop. */
export function interrupted(): Problem {
  return new Problem({
    code: 'interrupted',
    message: 'interrupted',
    hint: 'Run the same command again: it continues where this one stopped.',
    exit: EXIT.interrupted,
  });
}
