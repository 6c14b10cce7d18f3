import type { JobLine } from '../model/cluster-report.ts';
import { formatSeconds } from './format.ts';
import type { Look } from './look.ts';
import { alignRows } from './table.ts';

/** `datawf ps`: a line a Job. */
export function jobsText(jobs: readonly JobLine[], { style, now }: Look): string {
  if (jobs.length === 0) return 'no Jobs are running\n';
  const color = { waiting: style.warn, running: style.good, done: style.dim, failed: style.bad };
  const rows = jobs.map(({ run, stage, job, state, workers, active, user, created }) => [
    run,
    style.bold(stage),
    job,
    color[state](state),
    `${active} of ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    formatSeconds(Math.max(0, (now - Date.parse(created)) / 1000)),
    user,
  ]);
  return `${alignRows(rows).join('\n')}\n`;
}
