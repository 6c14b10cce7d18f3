import type { Command } from 'commander';
import type { ReproRequest } from '../../app/requests.ts';
import type { Session } from '../session.ts';

/** The flags that `repro` and `backfill` share, as commander gives them. */
export interface RunOptions {
  readonly force?: boolean;
  readonly single?: boolean;
  readonly downstream?: boolean;
  readonly failFast?: boolean;
  readonly runCache: boolean;
  readonly allowDrop?: boolean;
  readonly pull?: boolean;
  readonly allowMissing?: boolean;
  readonly env?: string;
  readonly commit?: boolean;
  readonly detach?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly order?: 'newest' | 'oldest';
}

/** Adds the shared flags. */
export function addRunOptions(command: Command): Command {
  return command
    .option('--force', 'run the named stages again although they are current')
    .option('--single', 'only the named stages, not what they need')
    .option('--downstream', 'also every stage that follows the named ones')
    .option('--fail-fast', 'stop at the first failure')
    .option('--no-run-cache', 'run instead of restoring an earlier result')
    .option('--pull', 'fetch what is missing here from the stores that the branch reads')
    .option('--allow-missing', 'plan with recorded data that is not here; run only what needs none of it')
    .option('--env <NAME>', 'stores, values and executor of this environment, whatever the branch is')
    .option('--allow-drop', 'go on although a large part of a dataset would vanish')
    .option('--since <TIME>', 'only datums from this time on (2024-05-01, or 90d for days back from now)')
    .option('--until <TIME>', 'only datums before this time')
    .addOption(
      command.createOption('--order <ORDER>', 'which periods go first').choices(['newest', 'oldest']),
    )
    .option('--commit', 'commit what changed to git at the end')
    .option('--detach', 'on a cluster: leave once the Jobs run')
    .option('-n, --dry-run', 'show what would run, and change nothing')
    .option('--check', 'with --dry-run: exit 10 when something would run');
}

/** The request that flags and targets make. */
export function runRequest(session: Session, targets: readonly string[], options: RunOptions): ReproRequest {
  return {
    targets,
    force: options.force ?? false,
    single: options.single ?? false,
    downstream: options.downstream ?? false,
    failFast: options.failFast ?? false,
    runCache: options.runCache,
    allowDrop: options.allowDrop ?? false,
    pull: options.pull ?? false,
    allowMissing: options.allowMissing ?? false,
    commit: options.commit ?? false,
    detach: options.detach ?? false,
    dryRun: options.dryRun ?? false,
    check: options.check ?? false,
    since: options.since,
    until: options.until,
    order: options.order,
    jobs: session.globals.jobs,
  };
}
