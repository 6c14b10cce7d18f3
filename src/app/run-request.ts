import type { AssessRequest } from './assess.ts';
import type { RunRequest } from './requests.ts';
import type { RunPorts } from './run-ports.ts';

export interface RunStart {
  readonly ports: RunPorts;
  /** Epoch milliseconds. */
  readonly started: number;
}

/** What a request means for the assessment. */
export function assessRequest(request: RunRequest): AssessRequest {
  return {
    targets: request.targets,
    single: request.single,
    downstream: request.downstream,
    force: request.force || request.mode === 'all',
    renew: request.kind === 'backfill',
    runCache: request.runCache,
    runAlways: true,
    allowMissing: request.allowMissing,
    since: request.since,
    until: request.until,
    by: request.by,
    mode: request.mode,
  };
}
