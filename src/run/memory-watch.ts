import { textOf } from './process-table.ts';

/**
 * A function that tells whether the kernel has ended a process for want of memory since it was last asked (anywhere on the
 * machine, so it is evidence, not proof). Linux counts that in /proc/vmstat; elsewhere the answer is always no.
 */
export function createMemoryWatch(): () => boolean {
  let known = killed();
  return () => {
    const now = killed();
    const more = now > known;
    known = now;
    return more;
  };
}

function killed(): number {
  return Number(/^oom_kill (\d+)$/m.exec(textOf('/proc/vmstat'))?.[1] ?? 0);
}
