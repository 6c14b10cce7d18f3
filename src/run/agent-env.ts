import type { StoreConfig } from '../model/config.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { JsonReader } from './json-reader.ts';

/*
 * The pod of a worker, as whoever writes its spec and the agent inside agree on it (docs/kubernetes.md):
 *
 *     container   image   volume `datawf` (an emptyDir)                       command
 *     inject      agent   /dwf                                                AGENT_COMMANDS.inject; an init container
 *     stager      agent   /dwf                                                AGENT_COMMANDS.stager; restartPolicy Always
 *     main        user's  /dwf/agent and /dwf/in read-only, /dwf/ws           AGENT_COMMANDS.main
 *
 * Below /dwf: `agent` (a copy of the image's /agent), `in` (the socket between the two), `ws` (sandboxes), `store` (objects on
 * their way; only the stager sees it). inject makes all four, so that they can be mounted by subPath.
 */

/** Name of the pod's emptyDir. */
export const AGENT_VOLUME = 'datawf';

/** Where the volume and its parts are in the pod. */
export const POD_FOLDERS = {
  top: '/dwf',
  agent: '/dwf/agent',
  link: '/dwf/in',
  sandboxes: '/dwf/ws',
  store: '/dwf/store',
} as const;

/** The Unix socket between stager and loop, the same path in both containers. */
export const LINK_SOCKET = `${POD_FOLDERS.link}/link`;

/** Where the agent lies in its own image. */
export const IMAGE_FOLDER = '/agent';

/** Bytes that the agent's copy takes in the emptyDir, with room to spare: part of every ephemeral-storage request. */
export const AGENT_BYTES = 128 << 20;

/** The `volumeMounts` of the three containers. */
export const AGENT_MOUNTS = {
  inject: [{ name: AGENT_VOLUME, mountPath: POD_FOLDERS.top }],
  stager: [{ name: AGENT_VOLUME, mountPath: POD_FOLDERS.top }],
  main: [
    { name: AGENT_VOLUME, mountPath: POD_FOLDERS.agent, subPath: 'agent', readOnly: true },
    { name: AGENT_VOLUME, mountPath: POD_FOLDERS.link, subPath: 'in', readOnly: true },
    { name: AGENT_VOLUME, mountPath: POD_FOLDERS.sandboxes, subPath: 'ws' },
  ],
} as const;

/** The `command` of the three containers; they take no `args`. */
export const AGENT_COMMANDS = {
  inject: [...nodeIn(IMAGE_FOLDER), 'inject'],
  stager: [...nodeIn(IMAGE_FOLDER), 'stager'],
  main: [
    ...programIn(POD_FOLDERS.agent),
    `${POD_FOLDERS.agent}/init`,
    '--',
    ...nodeIn(POD_FOLDERS.agent),
    'loop',
  ],
} as const;

/** By its own loader and libraries, so that it runs in an image that has none, or others. */
function programIn(folder: string): readonly string[] {
  return [`${folder}/ld.so`, '--library-path', `${folder}/lib`];
}

function nodeIn(folder: string): readonly string[] {
  return [...programIn(folder), `${folder}/node`, `${folder}/agent.js`];
}

/** What the agent's ends mean: the exit codes of main, which the Job's podFailurePolicy names. */
export const AGENT_EXIT = {
  /** No batch is left and everything is durable. */
  done: 0,
  /** Going on is pointless for every pod: the Job fails (`AgentStop` says why). */
  stopJob: 42,
  /** main lost the stager, or never found it. */
  stagerLost: 44,
  /** SIGTERM: another pod of the index goes on. */
  interrupted: 143,
} as const;

/** A store as pods open it: `ca` is the certificates themselves. */
export type AgentStore = Pick<StoreConfig, 'url' | 'region' | 'endpoint' | 'pathStyle' | 'ca'>;

/** What whoever creates a Job tells its stagers. */
export interface AgentConfig {
  /** Of datawf; an agent of another version refuses. */
  readonly version: string;
  readonly run: string;
  readonly job: string;
  /** The store that the environment writes, which also holds the plan; then those that it reads, in order. */
  readonly stores: readonly [AgentStore, ...AgentStore[]];
  /** Numeric user of main. */
  readonly uid: number;
  /** The pod's terminationGracePeriodSeconds. */
  readonly graceSeconds: number;
}

/** The same with what the pod knows of itself. */
export interface AgentEnv extends AgentConfig {
  readonly index: number;
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  readonly serviceAccount: string;
}

/** Variable of the stager that holds an AgentConfig as JSON. */
const CONFIG_VARIABLE = 'DATAWF_AGENT';

/** Variables of the stager that the pod's fields fill (downward API). */
const FIELDS = {
  DATAWF_NAMESPACE: 'metadata.namespace',
  DATAWF_POD: 'metadata.name',
  DATAWF_NODE: 'spec.nodeName',
  DATAWF_SERVICE_ACCOUNT: 'spec.serviceAccountName',
} as const;

/** One entry of a container's `env`. */
export type EnvEntry =
  { readonly name: string; readonly value: string } | { readonly name: string; readonly valueFrom: object };

/** The stager's `env`; the variables of its store identity (`AWS_…`) come on top. */
export function stagerEnv(config: AgentConfig): readonly EnvEntry[] {
  const fields = Object.entries(FIELDS).map(([name, fieldPath]) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  }));
  return [{ name: CONFIG_VARIABLE, value: JSON.stringify(config) }, ...fields];
}

/** Before the name of a secret in main's environment, so that none can change how the loop itself runs. */
export const SECRET_PREFIX = 'DATAWF_SECRET_';

/**
 * main's `env`: secrets by name, each with its key of a Kubernetes Secret. Variables by which an image changes how
 * programs start are emptied for the loop; a command has them where its stage declares them.
 */
export function mainEnv(
  secrets: ReadonlyMap<string, { readonly secret: string; readonly key: string }>,
): readonly EnvEntry[] {
  const blank = ['NODE_OPTIONS', 'LD_PRELOAD', 'LD_LIBRARY_PATH'].map((name) => ({ name, value: '' }));
  const values = [...secrets].map(([name, { secret, key }]) => ({
    name: `${SECRET_PREFIX}${name}`,
    valueFrom: { secretKeyRef: { name: secret, key } },
  }));
  return [...blank, ...values];
}

/** Reads what `stagerEnv` set; a Problem `bad-message` or `not-in-a-job` (exit 2) where it isn't there. */
export function readAgentEnv(env: Readonly<Record<string, string | undefined>>): AgentEnv {
  const text = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw notInAJob(name);
    return value;
  };
  const index = Number(text('JOB_COMPLETION_INDEX'));
  if (!Number.isSafeInteger(index) || index < 0) throw notInAJob('JOB_COMPLETION_INDEX');
  return {
    ...readConfig(JsonReader.parse(text(CONFIG_VARIABLE), CONFIG_VARIABLE)),
    index,
    namespace: text('DATAWF_NAMESPACE'),
    pod: text('DATAWF_POD'),
    node: text('DATAWF_NODE'),
    serviceAccount: text('DATAWF_SERVICE_ACCOUNT'),
  };
}

function readConfig(config: JsonReader): AgentConfig {
  const [write, ...read] = config.objects('stores').map(readStore);
  if (write === undefined) throw config.bad('stores', 'is empty');
  return {
    version: config.text('version'),
    run: config.match('run', /^[0-9A-Za-z]{1,40}$/),
    job: config.match('job', /^[0-9A-Za-z]{1,60}$/),
    stores: [write, ...read],
    uid: config.count('uid'),
    graceSeconds: config.amount('graceSeconds'),
  };
}

function readStore(store: JsonReader): AgentStore {
  return {
    url: store.text('url'),
    region: store.optionalText('region'),
    endpoint: store.optionalText('endpoint'),
    pathStyle: store.flag('pathStyle'),
    ca: store.optionalText('ca'),
  };
}

function notInAJob(variable: string): Problem {
  return new Problem({
    code: 'not-in-a-job',
    message: `the agent runs in a pod of a Job that datawf made; ${variable} is not set here`,
    hint: 'datawf starts it; there is nothing to start by hand.',
    exit: EXIT.usage,
  });
}

/** Why a worker gave up: the termination message of main (and of the stager), for exits 42 and 44 as well as for others. */
export interface AgentStop {
  /** Kebab-case. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Kubernetes keeps 4,096 bytes of a termination message. */
const MOST_CHARACTERS = 1_200;

/** A stop as a termination message. */
export function formatStop({ code, message, hint }: AgentStop): string {
  const cut = (text: string): string => text.slice(0, MOST_CHARACTERS);
  return JSON.stringify({ code, message: cut(message), ...(hint === undefined ? {} : { hint: cut(hint) }) });
}

/** Reads a termination message; undefined where it is none of ours. */
export function parseStop(text: string): AgentStop | undefined {
  try {
    const stop = JsonReader.parse(text, 'termination message');
    const hint = stop.optionalText('hint');
    return {
      code: stop.match('code', /^[a-z0-9-]+$/),
      message: stop.text('message'),
      ...(hint === undefined ? {} : { hint }),
    };
  } catch {
    return undefined;
  }
}
