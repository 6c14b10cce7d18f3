import { resolveMoment } from '../model/moment.ts';
import type { Period } from '../model/period.ts';
import { invalid } from '../model/problem.ts';
import type { AppContext } from './ports.ts';

/** A window as typed. */
export interface Window {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/**
 * The half-open span that `--since` and `--until` mean in a zone; undefined where neither is given. Throws `empty-window`
 * (exit 2).
 */
export function timeWindow(ctx: AppContext, zone: string, window: Window): Period | undefined {
  const clock = { now: ctx.around.now(), zone };
  const start = window.since === undefined ? -Infinity : resolveMoment(window.since, clock);
  const end = window.until === undefined ? Infinity : resolveMoment(window.until, clock);
  if (start >= end) {
    throw invalid(
      'empty-window',
      `the window from ${window.since ?? ''} to ${window.until ?? ''} is empty`,
      '--until is not included: name the day after the last one.',
    );
  }
  return start === -Infinity && end === Infinity ? undefined : { start, end };
}
