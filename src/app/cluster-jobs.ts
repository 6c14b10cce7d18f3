import type { JobLine } from '../model/cluster-report.ts';
import { EXIT, notFound, Problem, refused } from '../model/problem.ts';
import type { History } from '../history/history.ts';
import { endOfJob, LABEL, openKubeJobs, APP } from '../run/kube-jobs.ts';
import type { KubeJob } from '../run/kube-objects.ts';
import { clusterFacts } from './cluster-facts.ts';
import type { AppContext } from './ports.ts';
import type { RunPorts } from './run-ports.ts';

/** A question waits so long for an API server that is away. */
const PATIENCE_MS = 10_000;
const REMOVE_WAIT_MS = 20_000;

type ClusterPorts = Pick<RunPorts, 'cluster'>;

async function openJobs(ctx: AppContext, ports: ClusterPorts) {
  const api = await ports.cluster(PATIENCE_MS);
  const { namespace } = await clusterFacts(ctx, api.namespace);
  return openKubeJobs(api, namespace);
}

/** Jobs of datawf in the environment's namespace, the newest first; those that have ended only with `all`. */
export async function listJobs(
  ctx: AppContext,
  ports: ClusterPorts,
  { all }: { readonly all: boolean },
): Promise<readonly JobLine[]> {
  const jobs = await openJobs(ctx, ports);
  try {
    const found = (await jobs.list({ [LABEL.app]: APP })).map(lineOf);
    return found
      .filter(({ state }) => all || state === 'running' || state === 'waiting')
      .sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
  } finally {
    jobs.api.close();
  }
}

function lineOf(job: KubeJob): JobLine {
  const { name, namespace = '', labels = {}, annotations = {}, creationTimestamp = '' } = job.metadata;
  const end = endOfJob(job);
  const { active = 0, ready = 0, succeeded = 0 } = job.status ?? {};
  return {
    run: labels[LABEL.run] ?? '',
    stage: annotations['datawf.dev/stage'] ?? labels[LABEL.stage] ?? '',
    job: name,
    namespace,
    state:
      end !== undefined
        ? end.failed
          ? 'failed'
          : 'done'
        : ready > 0 || succeeded > 0
          ? 'running'
          : 'waiting',
    workers: job.spec?.completions ?? 0,
    active,
    user: annotations['datawf.dev/user'] ?? '',
    created: creationTimestamp,
  };
}

/**
 * Deletes the Jobs of a run with their pods; `last` is the newest one. Answers the Jobs' names. What is finished stays. Throws
 * `no-jobs` (exit 4) where the run has none.
 */
export async function cancelRun(
  ctx: AppContext,
  ports: ClusterPorts,
  run: string,
): Promise<readonly string[]> {
  const jobs = await openJobs(ctx, ports);
  try {
    const live = (await jobs.list({ [LABEL.app]: APP })).filter((job) => endOfJob(job) === undefined);
    const runs = [...new Set(live.map((job) => job.metadata.labels?.[LABEL.run] ?? ''))].sort();
    const wanted = run === 'last' ? runs.slice(-1) : runs.filter((id) => id.startsWith(run.toUpperCase()));
    if (wanted.length > 1)
      throw new Problem({
        code: 'ambiguous-run',
        message: `${wanted.length} runs with Jobs begin with ${run}`,
        hint: 'Type more of its id.',
        exit: EXIT.usage,
        details: wanted,
      });
    const taken = live.filter((job) => wanted.includes(job.metadata.labels?.[LABEL.run] ?? ''));
    if (taken.length === 0)
      throw notFound('no-jobs', `no Jobs of run ${run} are running`, 'See what is running: datawf ps');
    await Promise.all(taken.map((job) => jobs.remove(job, REMOVE_WAIT_MS)));
    return taken.map((job) => job.metadata.name).sort();
  } finally {
    jobs.api.close();
  }
}

/**
 * The command line that takes up the Jobs of a run and goes on with what the run was for: its own, without `--detach`. Throws `no-run`
 * (exit 4), `not-on-cluster` and `other-branch` (exit 6).
 */
export async function attachArgv(ctx: AppContext, history: History, run: string): Promise<readonly string[]> {
  const [newest] = run === 'last' ? await history.listRuns({ limit: 1 }) : [];
  const record = newest ?? (await history.readRun(run));
  if (record.executor !== 'kubernetes')
    throw refused(
      'not-on-cluster',
      `run ${record.id} ran on ${record.process.host}`,
      'There are no Jobs to attach to; run the command again.',
    );
  const { branch = '' } = await ctx.workspace.head();
  if (record.branch !== branch)
    throw refused(
      'other-branch',
      `run ${record.id} was started on branch ${record.branch}, and this is ${branch}`,
      `Go there: git switch ${record.branch}`,
    );
  return record.argv.filter((word) => word !== '--detach');
}
