import { EXIT, Problem } from '../model/problem.ts';
import type { Output } from '../ui/output.ts';

/** The signal that ends the work, until `close`. */
export interface Signals {
  readonly signal: AbortSignal;
  close(): void;
}

/** The first SIGINT or SIGTERM aborts the signal, so that what is finished is kept; a second one ends the process at once. */
export function watchSignals(process: NodeJS.Process, output: Output): Signals {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    output.words('\nStopping; what is finished is kept. Once more to stop at once.\n');
    controller.abort(interrupted());
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    close: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
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
