import type { EnvironmentConfig, EnvironmentUids, SecretKey } from '../model/config.ts';
import {
  AGENT_BYTES,
  AGENT_COMMANDS,
  AGENT_MOUNTS,
  AGENT_VOLUME,
  mainEnv,
  stagerEnv,
  type AgentConfig,
  type EnvEntry,
} from './agent-env.ts';

/** What the containers of a worker's pod are made of. */
export interface AgentPodFacts {
  readonly config: AgentConfig;
  readonly agentImage: string;
  /** The stage's. */
  readonly image: string;
  readonly uids: EnvironmentUids;
  readonly credentials: EnvironmentConfig['credentials'];
  /** Further variables of the stager: `AWS_REGION`, `AWS_ENDPOINT_URL_STS`. */
  readonly storeEnv: Readonly<Record<string, string>>;
  /** The stage's secrets by name. */
  readonly secrets: ReadonlyMap<string, SecretKey>;
  readonly cpu: number | undefined;
  /** Bytes; main's limit. */
  readonly memory: number | undefined;
  /** Bytes that a sandbox may hold. */
  readonly disk: number | undefined;
  readonly gpu: number | undefined;
}

/** Those parts of a pod's spec that the agent is in. */
export interface AgentPodParts {
  readonly initContainers: readonly object[];
  readonly containers: readonly object[];
  readonly volumes: readonly object[];
}

const TOKEN_VOLUME = 'datawf-token';
const TOKEN_FOLDER = '/var/run/secrets/datawf';
const TOKEN_SECONDS = 3_600;
const STAGER_MEMORY = 512 << 20;
const STAGER_REQUEST = 128 << 20;
/** Pages of the copy that aren't on disk yet count: 64 MiB weren't always enough. */
const INJECT_MEMORY = 192 << 20;
const INJECT_REQUEST = 32 << 20;
/** What the stager keeps besides the sandbox: inputs of the next datum, outputs on their way. */
const STAGED_PARTS = 2;

/** The containers `inject`, `stager` and `main`, and their volumes; see agent-env.ts. They meet the restricted profile. */
export function agentContainers(pod: AgentPodFacts): AgentPodParts {
  const { uids } = pod;
  const agent = {
    image: pod.agentImage,
    imagePullPolicy: 'IfNotPresent',
    securityContext: security(uids.stager, true),
  };
  const inject = {
    name: 'inject',
    ...agent,
    command: AGENT_COMMANDS.inject,
    volumeMounts: AGENT_MOUNTS.inject,
    resources: resources({ cpu: 0.05, memory: INJECT_REQUEST }, { memory: INJECT_MEMORY }),
  };
  const stager = {
    name: 'stager',
    ...agent,
    command: AGENT_COMMANDS.stager,
    restartPolicy: 'Always',
    env: [...stagerEnv(pod.config), ...identityEnv(pod)],
    volumeMounts: [...AGENT_MOUNTS.stager, ...tokenMounts(pod)],
    resources: resources({ cpu: 0.1, memory: STAGER_REQUEST, disk: diskOf(pod) }, { memory: STAGER_MEMORY }),
  };
  const main = {
    name: 'main',
    image: pod.image,
    imagePullPolicy: 'IfNotPresent',
    command: AGENT_COMMANDS.main,
    workingDir: '/',
    env: mainEnv(pod.secrets),
    volumeMounts: AGENT_MOUNTS.main,
    securityContext: security(uids.main, false),
    terminationMessagePolicy: 'File',
    resources: resources(
      { cpu: pod.cpu ?? 0.1, memory: pod.memory, gpu: pod.gpu },
      { memory: pod.memory, gpu: pod.gpu },
    ),
  };
  return { initContainers: [inject, stager], containers: [main], volumes: volumes(pod) };
}

function security(uid: number, readOnlyRoot: boolean) {
  return {
    runAsUser: uid,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: readOnlyRoot,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

interface Amounts {
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  readonly gpu?: number | undefined;
}

function resources(requests: Amounts, limits: Amounts) {
  return { requests: amounts(requests), limits: amounts(limits) };
}

function amounts({ cpu, memory, disk, gpu }: Amounts): Readonly<Record<string, string>> {
  return {
    ...(cpu === undefined ? {} : { cpu: `${Math.max(1, Math.round(cpu * 1000))}m` }),
    ...(memory === undefined ? {} : { memory: String(memory) }),
    ...(disk === undefined ? {} : { 'ephemeral-storage': String(disk) }),
    ...(gpu === undefined ? {} : { 'nvidia.com/gpu': String(gpu) }),
  };
}

/** What the pod asks of its node's disk: the agent, and the sandbox with what is on its way. */
function diskOf(pod: AgentPodFacts): number {
  return AGENT_BYTES + (pod.disk ?? 0) * STAGED_PARTS;
}

function volumes(pod: AgentPodFacts): readonly object[] {
  const work = { name: AGENT_VOLUME, emptyDir: {} };
  if (!isByToken(pod)) return [work];
  const token = {
    path: 'token',
    audience: 'sts.amazonaws.com',
    expirationSeconds: TOKEN_SECONDS,
  };
  return [work, { name: TOKEN_VOLUME, projected: { sources: [{ serviceAccountToken: token }] } }];
}

function isByToken({ credentials }: AgentPodFacts): boolean {
  return credentials !== undefined && 'role' in credentials;
}

function tokenMounts(pod: AgentPodFacts): readonly object[] {
  return isByToken(pod) ? [{ name: TOKEN_VOLUME, mountPath: TOKEN_FOLDER, readOnly: true }] : [];
}

/** How the stager comes to the store's credentials; nobody else in the pod does. */
function identityEnv(pod: AgentPodFacts): readonly EnvEntry[] {
  const { credentials, storeEnv, config } = pod;
  const plain = Object.entries(storeEnv).map(([name, value]) => ({ name, value }));
  if (credentials === undefined) return plain;
  if ('role' in credentials) {
    return [
      ...plain,
      { name: 'AWS_ROLE_ARN', value: credentials.role },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${TOKEN_FOLDER}/token` },
      { name: 'AWS_ROLE_SESSION_NAME', value: `datawf-${config.run}`.slice(0, 64) },
    ];
  }
  const key = (name: string, optional: boolean): EnvEntry => ({
    name,
    valueFrom: { secretKeyRef: { name: credentials.secret, key: name, ...(optional ? { optional } : {}) } },
  });
  return [
    ...plain,
    key('AWS_ACCESS_KEY_ID', false),
    key('AWS_SECRET_ACCESS_KEY', false),
    key('AWS_SESSION_TOKEN', true),
  ];
}
