import type { AttemptOutcome } from '../run/runner.ts';
import type { RunRequest } from './requests.ts';

/** Datums at the beginning of a backfill that tell whether it makes sense to go on. */
const TRIAL = 5;

/** When a run stops starting datums, and what it says then. */
export interface RunLimits {
  /** Takes how a datum ended; answers whether nothing more may start. */
  after(outcome: AttemptOutcome): boolean;
  /** Why it stopped, in words. */
  readonly reason: string | undefined;
}

/**
 * `--fail-fast`, `--max-failures`, and the circuit breaker of `backfill`: it stops when the first five datums all fail with
 * the same class and exit.
 */
export function runLimits(request: Pick<RunRequest, 'kind' | 'failFast' | 'maxFailures'>): RunLimits {
  let ended = 0;
  let failures = 0;
  let alike: string | undefined;
  let reason: string | undefined;
  return {
    after: (outcome) => {
      ended += 1;
      if (outcome.state !== 'failed') return false;
      failures += 1;
      const kind = `${outcome.class} ${outcome.exit ?? outcome.signal ?? outcome.code}`;
      if (failures === 1) alike = kind;
      else if (alike !== kind) alike = undefined;
      if (request.failFast) reason = 'stopped at the first failure (--fail-fast)';
      else if (failures === request.maxFailures)
        reason = `stopped after ${failures} failures (--max-failures)`;
      else if (request.kind === 'backfill' && ended === TRIAL && failures === TRIAL && alike !== undefined)
        reason = `stopped: the first ${TRIAL} datums all failed alike (${alike})`;
      return reason !== undefined;
    },
    get reason() {
      return reason;
    },
  };
}
