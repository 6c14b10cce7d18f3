import type { Check } from '../model/setup-report.ts';
import { hasStatus, type KubeApi } from '../run/kube-api.ts';
import type { KubeEnvironment } from '../run/job-spec.ts';
import { whoami } from '../run/kube-whoami.ts';
import { ulid } from '../util/ulid.ts';
import { clusterFacts } from './cluster-facts.ts';
import { failedCheck } from './doctor-stores.ts';
import type { AppContext } from './ports.ts';
import type { RunPorts } from './run-ports.ts';

export interface ClusterRequest {
  /** Names of stages, for ServiceAccounts that differ by stage. */
  readonly stages: readonly string[];
  readonly cluster: RunPorts['cluster'];
}

/** A question is asked for so long. */
const PATIENCE_MS = 5_000;

/** Whether the environment's cluster would take its Jobs, asked from outside: nothing is made. */
export async function clusterChecks(
  ctx: AppContext,
  { stages, cluster }: ClusterRequest,
): Promise<readonly Check[]> {
  let api: KubeApi | undefined;
  try {
    api = await cluster(PATIENCE_MS);
    const facts = await clusterFacts(ctx, api.namespace);
    const person = await whoami(api);
    const environment = (await ctx.environment())?.name ?? '';
    const looking: Looking = { ctx, api, facts, environment };
    const accounts = new Set((stages.length === 0 ? ['stage'] : stages).map(facts.serviceAccount));
    return [
      { name: 'cluster', state: 'ok', message: `${api.context} knows you as ${person}` },
      await rightsCheck(looking),
      ...(await Promise.all([...accounts].map((account) => accountCheck(looking, account)))),
    ];
  } catch (error) {
    return [failedCheck('cluster', error)];
  } finally {
    api?.close();
  }
}

interface Looking {
  readonly ctx: AppContext;
  readonly api: KubeApi;
  readonly facts: KubeEnvironment;
  /** Its name. */
  readonly environment: string;
}

const RIGHTS = [
  { group: 'batch', resource: 'jobs', verb: 'create' },
  { group: 'batch', resource: 'jobs', verb: 'list' },
  { group: 'batch', resource: 'jobs', verb: 'patch' },
  { group: 'batch', resource: 'jobs', verb: 'delete' },
  { group: '', resource: 'pods', verb: 'list' },
  { group: '', resource: 'pods', verb: 'delete' },
  { group: '', resource: 'pods', subresource: 'log', verb: 'get' },
  { group: '', resource: 'events', verb: 'list' },
] as const;

async function rightsCheck({ api, facts, environment }: Looking): Promise<Check> {
  const { namespace } = facts;
  const asked = RIGHTS.map(async (right) => {
    const { body } = await api.request<{ status?: { allowed?: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace, ...right } },
      },
    });
    return body.status?.allowed === true ? [] : [wordsOf(right)];
  });
  const lacking = (await Promise.all(asked)).flat();
  if (lacking.length === 0)
    return { name: 'rights', state: 'ok', message: `you may run and watch Jobs in ${namespace}` };
  return {
    name: 'rights',
    state: 'fail',
    message: `in ${namespace} you may not ${lacking.join(', ')}`,
    fix: applyFix(environment),
  };
}

function wordsOf(right: (typeof RIGHTS)[number]): string {
  return `${right.verb} ${right.resource}${'subresource' in right ? `/${right.subresource}` : ''}`;
}

function applyFix(environment: string): string {
  return `Have an administrator apply it: datawf env manifest ${environment} --part kubernetes --user YOU | kubectl apply -f -`;
}

/** Whether the ServiceAccount is there and a Job with it, and with the environment's uids, would be admitted. */
async function accountCheck(looking: Looking, account: string | undefined): Promise<Check> {
  const { api, facts, environment, ctx } = looking;
  const { namespace } = facts;
  const name = `jobs as ${account ?? 'default'}`;
  try {
    if (account !== undefined) await findAccount(looking, account);
    const { warnings } = await api.request({
      method: 'POST',
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      query: { dryRun: 'All' },
      body: probeJob(
        `datawf-doctor-${ulid(ctx.around.now(), ctx.around.random).toLowerCase()}`,
        facts,
        account,
      ),
    });
    if (warnings.length === 0)
      return { name, state: 'ok', message: `${namespace} admits them with uid ${facts.uids.main}` };
    return { name, state: 'warn', message: warnings.join('; ') };
  } catch (error) {
    const check = failedCheck(name, error);
    return hasStatus(error, 404) || hasStatus(error, 403) ? { ...check, fix: applyFix(environment) } : check;
  }
}

async function findAccount({ api, facts }: Looking, account: string): Promise<void> {
  try {
    await api.get(`/api/v1/namespaces/${facts.namespace}/serviceaccounts/${account}`);
  } catch (error) {
    // Without the right to look, the dry run has to do.
    if (!hasStatus(error, 403)) throw error;
  }
}

/** The users and the ServiceAccount of a worker's pod, without its work. */
function probeJob(name: string, { uids, agentImage }: KubeEnvironment, account: string | undefined): object {
  const container = (own: string, uid: number): object => ({
    name: own,
    image: agentImage,
    securityContext: {
      runAsUser: uid,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  });
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      template: {
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          ...(account === undefined ? {} : { serviceAccountName: account }),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: uids.main,
            runAsGroup: uids.group,
            fsGroup: uids.group,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container('main', uids.main), container('stager', uids.stager)],
        },
      },
    },
  };
}
