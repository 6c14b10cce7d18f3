import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fillSlugs, storeChain, type SlugNames } from '../graph/environment.ts';
import { DEFAULT_UIDS, type StoreConfig } from '../model/config.ts';
import { invalid } from '../model/problem.ts';
import type { AgentStore } from '../run/agent-env.ts';
import type { KubeEnvironment } from '../run/job-spec.ts';
import { slugNames } from './environments.ts';
import type { AppContext } from './ports.ts';

/** What of the caller's surroundings tells how AWS is reached; no credentials among them. */
const PASSED_ON = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_S3',
];

/**
 * What the branch's environment says of a cluster, with its placeholders replaced; `fallback` is the namespace of the kubeconfig's
 * context. Throws `no-environment`, `no-branch`, `no-user` (exit 2).
 */
export async function clusterFacts(ctx: AppContext, fallback: string | undefined): Promise<KubeEnvironment> {
  const environment = await ctx.environment();
  if (environment === undefined) throw noEnvironment();
  const names = await slugNames(ctx);
  const { serviceAccount } = environment;
  const [write, ...read] = storeChain(ctx.config, environment).read.map((store) =>
    agentStore(ctx, store, names),
  );
  if (write === undefined) throw noEnvironment();
  const { env } = ctx.around;
  return {
    namespace: fillSlugs(environment.namespace ?? fallback ?? 'default', names),
    serviceAccount: (stage) =>
      serviceAccount === undefined ? undefined : fillSlugs(serviceAccount, { ...names, stage }),
    uids: environment.uids ?? DEFAULT_UIDS,
    credentials: environment.credentials,
    secrets: environment.secrets,
    agentImage: environment.agentImage ?? `localhost/datawf-agent:${ctx.around.version}`,
    stores: [write, ...read],
    storeEnv: Object.fromEntries(
      PASSED_ON.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]])),
    ),
    user: names.user ?? '',
  };
}

function agentStore(ctx: AppContext, store: StoreConfig, names: SlugNames): AgentStore {
  const { url, region, endpoint, pathStyle, ca } = store;
  const pem = ca === undefined ? undefined : readFileSync(resolve(ctx.workspace.root, ca), 'utf8');
  return {
    url: fillSlugs(url, names),
    region: region ?? ctx.around.env['AWS_REGION'],
    endpoint,
    pathStyle,
    ca: pem,
  };
}

function noEnvironment() {
  return invalid(
    'no-environment',
    'this branch has no environment that names a cluster and a store',
    'Add one to .datawf/config.yaml (docs/kubernetes.md), or name it: --env NAME',
  );
}
