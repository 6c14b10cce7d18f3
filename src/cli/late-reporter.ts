import type { Emit, WorkEvent } from '../model/event.ts';
import type { Reporter } from '../ui/reporter.ts';

/** A reporter that its first event loads: most questions have none, and loading it costs a tenth of their time. */
export interface LateReporter {
  readonly emit: Emit;
  /** Loads it now, for work that has events for certain. */
  load(): Promise<void>;
  /** Shows what is still held back, and ends it. */
  close(): Promise<void>;
}

/** Makes one; events that come while it is being loaded are kept in their order. */
export function createLateReporter(open: () => Promise<Reporter>): LateReporter {
  const early: WorkEvent[] = [];
  let loading: Promise<void> | undefined;
  let reporter: Reporter | undefined;
  const load = (): Promise<void> =>
    (loading ??= open().then((opened) => {
      reporter = opened;
      for (const event of early.splice(0)) opened.emit(event);
    }));
  return {
    emit: (event) => {
      if (reporter !== undefined) {
        reporter.emit(event);
        return;
      }
      early.push(event);
      // A failure to load shows at close, which waits for the same promise.
      load().catch(() => undefined);
    },
    load,
    close: async () => {
      await loading;
      reporter?.close();
    },
  };
}
