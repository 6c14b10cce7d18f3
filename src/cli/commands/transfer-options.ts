import type { Command } from 'commander';
import type { TransferRequest } from '../../app/transfer-scope.ts';

/** The flags that `push`, `fetch` and `pull` share, as commander gives them. */
export interface TransferOptions {
  readonly since?: string;
  readonly until?: string;
  readonly by?: string;
  readonly runCache?: boolean;
  readonly dryRun?: boolean;
  readonly env?: string;
}

/** Adds the shared flags. */
export function addTransferOptions(command: Command, runCache: string): Command {
  return command
    .argument('[target...]', 'stages, globs over stage names, datasets or paths; everything without any')
    .option('--since <TIME>', 'only files from this time on (2024-05-01, or 90d for days back from now)')
    .option('--until <TIME>', 'only files before this time')
    .option('--by <NAME>', 'the time capture that the window is about, where a path has two')
    .option('--run-cache', runCache)
    .option('--env <NAME>', 'the stores of this environment, whatever the branch is')
    .option('-n, --dry-run', 'show what would be moved, and move nothing');
}

/** What the flags and targets ask for. */
export function transferRequest(targets: readonly string[], options: TransferOptions): TransferRequest {
  return {
    targets,
    since: options.since,
    until: options.until,
    by: options.by,
    runCache: options.runCache ?? false,
    dryRun: options.dryRun ?? false,
  };
}
