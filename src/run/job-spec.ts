import { slug } from '../model/slug.ts';
import type { Stage } from '../model/stage.ts';
import { AGENT_EXIT, type AgentConfig } from './agent-env.ts';
import { agentContainers, type AgentPodFacts } from './agent-pod.ts';
import type { JobPlan } from './job-plan.ts';
import { APP, LABEL } from './kube-jobs.ts';
import { patchPodSpec } from './pod-patch.ts';

/** What of an environment a Job is made of, with its placeholders replaced. */
export interface KubeEnvironment extends Pick<
  AgentPodFacts,
  'agentImage' | 'uids' | 'credentials' | 'storeEnv' | 'secrets'
> {
  readonly namespace: string;
  /** By stage; undefined: the namespace's default one. */
  readonly serviceAccount: (stage: string) => string | undefined;
  /** The one that the environment writes, then those it reads. */
  readonly stores: AgentConfig['stores'];
  /** Who started it, for `kubectl get jobs`. */
  readonly user: string;
}

export interface JobFacts {
  readonly name: string;
  readonly plan: JobPlan;
  readonly stage: Stage;
  readonly environment: KubeEnvironment;
  /** Besides those that say run, Job and stage. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface JobManifest {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Kept for a look at pods and their states after the end. */
const TTL_SECONDS = 3_600;
/** Ends what nobody ended, such as a command without a timeout whose planner died. */
const DEADLINE_SECONDS = 7 * 86_400;
/** Half of it is the datum's that runs, the other the stager's. */
const GRACE_SECONDS = 60;
const POD_FAILURES = 4;

/** The Indexed Job of a slice: as many completions as workers, all started at once, each with a command's container and a stager. */
export function jobManifest(facts: JobFacts): JobManifest {
  const { name, plan, stage, environment } = facts;
  const labels = {
    'app.kubernetes.io/name': APP,
    [LABEL.app]: APP,
    [LABEL.run]: plan.run,
    [LABEL.job]: plan.job,
    [LABEL.stage]: slug(stage.id),
    ...facts.labels,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: environment.namespace,
      labels,
      annotations: {
        'datawf.dev/stage': stage.id,
        'datawf.dev/version': plan.version,
        'datawf.dev/user': environment.user,
      },
    },
    spec: {
      completionMode: 'Indexed',
      completions: plan.workers,
      parallelism: plan.workers,
      backoffLimitPerIndex: POD_FAILURES,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: 'main', operator: 'In', values: [AGENT_EXIT.stopJob] },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      ttlSecondsAfterFinished: TTL_SECONDS,
      activeDeadlineSeconds: DEADLINE_SECONDS,
      template: {
        metadata: { labels },
        spec: patchPodSpec(podSpec(facts), stage.podPatch),
      },
    },
  };
}

function podSpec({ plan, stage, environment }: JobFacts): Readonly<Record<string, unknown>> {
  const { uids, stores } = environment;
  const { version, run, job, memory } = plan;
  const { cpu, disk, gpu } = stage.resources;
  const secrets = new Map([...environment.secrets].filter(([name]) => stage.secrets.includes(name)));
  const serviceAccountName = environment.serviceAccount(stage.name);
  const config: AgentConfig = { version, run, job, stores, uid: uids.main, graceSeconds: GRACE_SECONDS };
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: GRACE_SECONDS,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: uids.main,
      runAsGroup: uids.group,
      fsGroup: uids.group,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...agentContainers({ ...environment, config, image: stage.image ?? '', secrets, cpu, memory, disk, gpu }),
  };
}
