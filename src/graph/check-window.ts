import { shiftPeriod } from '../model/moment.ts';
import { periodEnd, periodStart } from '../model/period.ts';
import type { Stage } from '../model/stage.ts';
import { stageFault, type StageFault } from './stage-fault.ts';
import { rolesOf, type DepRole } from './stage-roles.ts';

/** Faults of a dep's window: it moves exactly one time of the outs, and to a span that isn't empty. */
export function checkWindow(stage: Stage, { dep, shared }: DepRole): StageFault[] {
  const { window, pattern } = dep;
  if (window === undefined) return [];
  const fault = (fact: string, cure: string): StageFault[] => [
    stageFault(stage, ['deps', dep.name, 'window'], {
      code: 'bad-window',
      fact: `the window of dep ${dep.name} ${fact}`,
      cure,
    }),
  ];
  const times = shared.filter(({ name }) => pattern.times.has(name));
  const [time] = times;
  if (time === undefined) {
    return fault('has no time to move', 'Give the dep and the outs one time capture, like {date:%Y-%m-%d}.');
  }
  if (times.length > 1) {
    return fault(
      `could move ${times.map(({ name }) => name).join(' or ')}`,
      'Leave one time capture in the dep.',
    );
  }
  const grain = rolesOf(stage).datum.find(({ name }) => name === time.name)?.grain;
  if (grain === undefined) return [];
  const start = periodStart(LONG_MONTH_OF_LEAP_YEAR, grain);
  const span = shiftPeriod({ start, end: periodEnd(start, grain) }, window);
  return span.start < span.end
    ? []
    : fault('ends before it begins', 'Write the earlier shift first: [-6d, 0d].');
}

const LONG_MONTH_OF_LEAP_YEAR = Date.UTC(2024, 0, 1);
