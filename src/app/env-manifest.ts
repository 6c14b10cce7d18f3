import { environmentNamed } from '../graph/environment.ts';
import type { EnvironmentManifest } from '../model/manifest-report.ts';
import { invalid } from '../model/problem.ts';
import { kubernetesManifests } from './manifest-kubernetes.ts';
import { placesOf } from './manifest-places.ts';
import { s3Manifest } from './manifest-s3.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';

export interface ManifestRequest {
  /** An environment; undefined for all. */
  readonly environment: string | undefined;
  /** URL of the cluster's issuer of tokens. */
  readonly issuer: string | undefined;
  /** ARNs of others who may write where production writes. */
  readonly writers: readonly string[];
  /** Who works in the environment, as the cluster knows them. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** Stands for the issuer where nobody names it. */
const UNKNOWN_ISSUER = 'https://ISSUER';

/**
 * What administrators of buckets and clusters apply, so that environments are what the configuration says. Asks no store and no
 * cluster. Throws `no-environment` (exit 4), and exit 2 for what can't be granted as it is configured.
 */
export async function environmentManifest(
  ctx: AppContext,
  request: ManifestRequest,
): Promise<EnvironmentManifest> {
  const environments = environmentsOf(ctx, request);
  const onKubernetes = environments.filter(({ executor }) => executor === 'kubernetes');
  const { branch } = await ctx.workspace.head();
  const { name: user } = await ctx.git.user();
  const warn = (code: string, message: string, hint: string): void =>
    ctx.emit({ event: 'warning', code, message, hint });
  const s3 = s3Manifest({
    places: placesOf(ctx.config),
    wanted: new Set(environments.map(({ name }) => name)),
    issuer: request.issuer ?? UNKNOWN_ISSUER,
    writers: request.writers,
    warn,
  });
  if (request.issuer === undefined && s3.policies.some(({ trust }) => trust !== null)) {
    warn(
      'unknown-issuer',
      'ISSUER stands in the trust policies for the cluster whose ServiceAccounts may take the roles',
      'Name it: --issuer "$(kubectl get --raw /.well-known/openid-configuration | jq -r .issuer)"',
    );
  }
  for (const { name, serviceAccount } of onKubernetes) {
    if (request.users.length > 0 || serviceAccount?.includes('{user}') !== true) continue;
    warn(
      'no-user',
      `nobody gets a ServiceAccount of the environment ${name}: it has one for each user, and none is named`,
      `Name them as the cluster knows them: datawf env manifest ${name} --user NAME`,
    );
  }
  const { stages } = loadProject(workTreeFiles(ctx.workspace)).pipeline;
  const items = kubernetesManifests({
    environments: onKubernetes,
    stages: stages.map(({ name }) => name),
    names: { branch, user },
    users: request.users,
    groups: request.groups,
  });
  return { s3, kubernetes: { apiVersion: 'v1', kind: 'List', items } };
}

function environmentsOf(ctx: AppContext, { environment, users, groups }: ManifestRequest) {
  if (environment !== undefined) return [environmentNamed(ctx.config, environment)];
  if (users.length + groups.length > 0) {
    throw invalid(
      'which-environment',
      '--user and --group say who works in one environment, and none is named',
      'Name it: datawf env manifest test --group people',
    );
  }
  return [...ctx.config.environments.values()];
}
