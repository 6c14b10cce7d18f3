import { fillSlugs, type SlugNames } from '../graph/environment.ts';
import { DEFAULT_UIDS, type EnvironmentConfig } from '../model/config.ts';
import type { KubeManifest } from '../model/manifest-report.ts';
import { invalid } from '../model/problem.ts';
import { slug } from '../model/slug.ts';
import { admissionManifests } from './manifest-admission.ts';

export interface KubernetesRequest {
  /** Those that run on Kubernetes. */
  readonly environments: readonly EnvironmentConfig[];
  /** Names of stages, for ServiceAccounts that differ by stage. */
  readonly stages: readonly string[];
  readonly names: SlugNames;
  /** Who works in the environment, as the cluster knows them; without any, its own group `datawf-NAME`. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

const LABELS = { 'app.kubernetes.io/managed-by': 'datawf' };
const RBAC = 'rbac.authorization.k8s.io';

/**
 * What a cluster's administrator applies: namespaces, ServiceAccounts, who may run Jobs with which of them and which uids, a quota, a
 * network policy, and the admission policy that holds people to that. Throws `no-namespace`, `no-branch` (exit 2).
 */
export function kubernetesManifests(request: KubernetesRequest): readonly KubeManifest[] {
  const byNamespace = new Map<string, EnvironmentConfig[]>();
  for (const environment of request.environments) {
    const namespace = namespaceOf(environment, request.names);
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), environment]);
  }
  return [...byNamespace].flatMap(([namespace, environments]) => [
    ...namespaceManifests(namespace),
    ...accountManifests(namespace, environments, request),
    ...environments.flatMap((environment) => rightsManifests(namespace, environment, request)),
    ...admissionManifests({ namespace, secrets: secretsOf(environments), labels: LABELS }),
  ]);
}

/** The namespace of an environment with its placeholders replaced. */
function namespaceOf(environment: EnvironmentConfig, names: SlugNames): string {
  if (environment.namespace !== undefined) return fillSlugs(environment.namespace, names);
  throw invalid(
    'no-namespace',
    `the environment ${environment.name} runs on Kubernetes and names no namespace`,
    `Name one: environments.${environment.name}.namespace in .datawf/config.yaml`,
  );
}

function namespaceManifests(namespace: string): readonly KubeManifest[] {
  const metadata = { name: 'datawf', namespace, labels: LABELS };
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: {
          ...LABELS,
          'pod-security.kubernetes.io/enforce': 'restricted',
          'pod-security.kubernetes.io/warn': 'restricted',
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata,
      spec: { hard: { pods: '100', 'count/jobs.batch': '200', 'count/cronjobs.batch': '20' } },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: {
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
        // All but the addresses at which clouds hand out the node's own credentials.
        egress: [
          { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }] },
          { to: [{ ipBlock: { cidr: '::/0', except: ['fd00:ec2::254/128'] } }] },
        ],
      },
    },
  ];
}

function accountManifests(
  namespace: string,
  environments: readonly EnvironmentConfig[],
  request: KubernetesRequest,
): readonly KubeManifest[] {
  const names = new Set(environments.flatMap((environment) => accountsOf(environment, request)));
  names.delete(DEFAULT_ACCOUNT);
  return [...names].sort().map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, labels: LABELS },
    automountServiceAccountToken: false,
  }));
}

const DEFAULT_ACCOUNT = 'default';

/** ServiceAccounts of an environment, of all users or one. */
function accountsOf(
  { serviceAccount = DEFAULT_ACCOUNT }: EnvironmentConfig,
  request: KubernetesRequest,
  users: readonly string[] = request.users,
): readonly string[] {
  const each = (name: string, values: readonly string[]): readonly (string | undefined)[] =>
    serviceAccount.includes(`{${name}}`) ? values : [undefined];
  return each('user', users).flatMap((user) =>
    each('stage', request.stages).map((stage) =>
      fillSlugs(serviceAccount, { branch: request.names.branch, user, stage }),
    ),
  );
}

/** Roles and their bindings: what one may do, and as whom. */
function rightsManifests(
  namespace: string,
  environment: EnvironmentConfig,
  request: KubernetesRequest,
): readonly KubeManifest[] {
  const name = `datawf-${slug(environment.name)}`;
  const { main, stager } = environment.uids ?? DEFAULT_UIDS;
  const isPersonal = environment.serviceAccount?.includes('{user}') === true;
  const subjects = subjectsOf(environment, request);
  const uids = use('datawf.dev', 'uids', [String(main), String(stager)]);
  const accounts = (users?: readonly string[]) =>
    use('', 'serviceaccounts', accountsOf(environment, request, users));
  const rules = isPersonal ? [...RUNNING, uids] : [...RUNNING, uids, accounts()];
  return [
    ...grant({ name, namespace, subjects, rules }),
    ...(isPersonal ? request.users : []).flatMap((user) =>
      grant({
        name: `${name}-${slug(user)}`,
        namespace,
        subjects: [subject('User', user)],
        rules: [accounts([user])],
      }),
    ),
  ];
}

/** What commands about a cluster do there. */
const RUNNING = [
  {
    apiGroups: ['batch'],
    resources: ['jobs', 'cronjobs'],
    verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'],
  },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  {
    apiGroups: [''],
    resources: ['events', 'serviceaccounts', 'resourcequotas', 'limitranges'],
    verbs: ['get', 'list', 'watch'],
  },
];

function use(apiGroup: string, resource: string, names: readonly string[]): object {
  return {
    apiGroups: [apiGroup],
    resources: [resource],
    resourceNames: [...new Set(names)].sort(),
    verbs: ['use'],
  };
}

interface Grant {
  readonly name: string;
  readonly namespace: string;
  readonly subjects: readonly object[];
  readonly rules: readonly object[];
}

function grant({ name, namespace, subjects, rules }: Grant): readonly KubeManifest[] {
  const metadata = { name, namespace, labels: LABELS };
  const apiVersion = `${RBAC}/v1`;
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects,
    },
  ];
}

function subjectsOf(environment: EnvironmentConfig, { users, groups }: KubernetesRequest): readonly object[] {
  if (users.length + groups.length === 0) return [subject('Group', `datawf-${environment.name}`)];
  return [...users.map((name) => subject('User', name)), ...groups.map((name) => subject('Group', name))];
}

function subject(kind: 'User' | 'Group', name: string): object {
  return { apiGroup: RBAC, kind, name };
}

/** Names of the Secrets that environments use, sorted. */
function secretsOf(environments: readonly EnvironmentConfig[]): readonly string[] {
  const names = environments.flatMap(({ secrets, credentials }) => [
    ...[...secrets.values()].map(({ secret }) => secret),
    ...(credentials !== undefined && 'secret' in credentials ? [credentials.secret] : []),
  ]);
  return [...new Set(names)].sort();
}
