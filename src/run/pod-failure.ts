import type { FailureClass } from '../model/outcome.ts';
import type { KubeEvent, KubeJob, KubePod } from './kube-objects.ts';
import { containerFinding } from './container-failure.ts';
import type { PodFinding } from './pod-finding.ts';

/**
 * What is wrong with a pod: first by its own reason and message, then by its conditions, then by its containers, then by
 * events. Undefined where nothing is. Events and reasons that aren't known are passed over.
 */
export function podFinding(pod: KubePod, events: readonly KubeEvent[]): PodFinding | undefined {
  return (
    podReason(pod) ??
    disruption(pod) ??
    containerFinding(pod) ??
    schedulingOf(pod) ??
    fromEvents(events, podEvents)
  );
}

/** What keeps a Job from having pods, by its events. */
export function jobFinding(events: readonly KubeEvent[]): PodFinding | undefined {
  return fromEvents(events, jobEvents);
}

/** Why a Job as a whole failed, where its condition says so. */
export function jobEndFinding(job: KubeJob): PodFinding | undefined {
  for (const { type, status, reason = '', message = '' } of job.status?.conditions ?? []) {
    if (status !== 'True' || (type !== 'Failed' && type !== 'FailureTarget')) continue;
    if (reason === 'DeadlineExceeded')
      return {
        class: 'timeout',
        code: 'job-deadline',
        message: 'the Job was ended by its deadline',
        hint: 'Run the same command again: what is finished is kept.',
        then: 'stop',
      };
    if (reason === 'PodFailurePolicy')
      return {
        class: 'infra',
        code: 'job-stopped',
        message: `the Job stopped itself: ${message}`,
        hint: 'See the messages of its datums, and their logs: datawf logs RUN',
        then: 'stop',
      };
    return {
      class: 'infra',
      code: 'workers-failed',
      message: `pods of the Job kept failing: ${message}`,
      hint: 'See what the pods said: datawf logs RUN',
      then: 'again',
    };
  }
  return undefined;
}

const DISK =
  /Usage of EmptyDir volume "[^"]*" exceeds the limit "([^"]+)"|exceeded its local ephemeral storage limit "([^"]+)"|ephemeral local storage usage exceeds the total limit of containers (\S+?)\.? ?$/;

function podReason({ status }: KubePod): PodFinding | undefined {
  const { reason = '', message = '' } = status ?? {};
  if (reason === 'Evicted') {
    const disk = DISK.exec(message);
    if (disk !== null)
      return {
        class: 'evicted',
        code: 'disk-limit',
        message: `the pod used more disk than its limit of ${disk[1] ?? disk[2] ?? disk[3] ?? ''}: ${message.trim()}`,
        hint: 'Give the stage more: resources: {disk: …}',
        then: 'stop',
      };
    return elsewhere('evicted', 'node-pressure', `the node had to make room: ${message.trim()}`);
  }
  if (reason.startsWith('OutOf') || reason === 'NodeAffinity' || reason === 'UnexpectedAdmissionError')
    return elsewhere('infra', 'node-full', `the node had no room after all: ${message.trim()}`);
  if (reason === 'NodeLost' || reason === 'Shutdown' || reason === 'Terminated' || reason === 'NodeShutdown')
    return elsewhere('preempted', 'node-lost', `the node went away: ${message.trim() || reason}`);
  if (reason === 'DeadlineExceeded')
    return {
      class: 'timeout',
      code: 'job-deadline',
      message: 'the pod was ended by its deadline',
      hint: 'Run the same command again: what is finished is kept.',
      then: 'stop',
    };
  return undefined;
}

function disruption({ status }: KubePod): PodFinding | undefined {
  const target = status?.conditions?.find(
    ({ type, status: is }) => type === 'DisruptionTarget' && is === 'True',
  );
  if (target === undefined) return undefined;
  const words: Readonly<Record<string, string>> = {
    PreemptionByScheduler: 'a pod of higher priority needed its place',
    EvictionByEvictionAPI: 'its node is being drained',
    DeletionByTaintManager: 'its node became unusable',
    DeletionByPodGC: 'its node is gone',
    TerminationByKubelet: 'its node needed room',
  };
  const why = words[target.reason ?? ''] ?? target.message ?? 'it was disrupted';
  return elsewhere('preempted', 'preempted', `the pod had to go: ${why}`);
}

function elsewhere(kind: FailureClass, code: string, message: string): PodFinding {
  return {
    class: kind,
    code,
    message,
    hint: 'It goes on in another pod; no retry is used up.',
    then: 'elsewhere',
  };
}

function schedulingOf({ status }: KubePod): PodFinding | undefined {
  const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (condition?.status !== 'False') return undefined;
  const { reason = '', message = '' } = condition;
  if (reason === 'SchedulingGated')
    return waitingFor('queued', `waiting for its turn in the cluster's queue: ${message || reason}`);
  if (reason !== 'Unschedulable') return undefined;
  return waitingFor('unschedulable', `no node takes the pod: ${message}`);
}

function waitingFor(code: string, message: string): PodFinding {
  return {
    class: 'unschedulable',
    code,
    message,
    hint: 'It waits for room. Ask for less (resources), or look at pod_patch; schedule_timeout says how long it may wait.',
    then: 'wait',
  };
}

type Reader = (reason: string, message: string) => PodFinding | undefined;

function fromEvents(events: readonly KubeEvent[], read: Reader): PodFinding | undefined {
  for (const { reason = '', message = '', count = 1 } of [...events].reverse()) {
    const found = read(reason, message);
    if (found === undefined) continue;
    // A mount that fails once often works the next time.
    return found.then === 'confirm' && count > 1 ? { ...found, then: 'stop' } : found;
  }
  return undefined;
}

const podEvents: Reader = (reason, message) => {
  if (reason !== 'FailedMount' && reason !== 'FailedAttachVolume') return undefined;
  const missing = /(secret|configmap) "([^"]+)" not found/.exec(message);
  if (missing === null) return undefined;
  return {
    class: 'infra',
    code: 'no-secret',
    message: `the pod needs what isn't there: ${missing[0]}`,
    hint: 'Create it in the namespace, or correct the environment or pod_patch.',
    then: 'confirm',
  };
};

const jobEvents: Reader = (reason, message) => {
  if (reason !== 'FailedCreate') return undefined;
  const text = message.replace(/^Error creating: /, '').replace(/^pods "[^"]*" is forbidden: /, '');
  if (/exceeded quota:/.test(text))
    return {
      class: 'unschedulable',
      code: 'quota',
      message: `the namespace's quota is used up: ${text}`,
      hint: 'It waits until others have finished, at most for schedule_timeout.',
      then: 'wait',
    };
  const stop = (code: string, said: string, hint: string): PodFinding => ({
    class: 'infra',
    code,
    message: `${said}: ${text}`,
    hint,
    then: 'stop',
  });
  if (/failed quota:/.test(text))
    return stop(
      'quota-limits',
      'the quota wants limits that the stage has not',
      'Say resources: {cpu: …, memory: …} in the stage, or in defaults.',
    );
  if (/violates PodSecurity/.test(text))
    return stop(
      'pod-security',
      "the namespace's Pod Security refuses the pod",
      'Look at pod_patch: what it adds is not allowed there.',
    );
  if (/(maximum|minimum) \w+ usage per|LimitRange/i.test(text))
    return stop(
      'limit-range',
      "the namespace's LimitRange refuses the pod",
      'Change resources of the stage to what it allows.',
    );
  if (/serviceaccount "[^"]+" not found/.test(text))
    return stop(
      'no-service-account',
      'the ServiceAccount is missing',
      'Have it made (datawf env manifest prints it), or correct `service_account` of the environment.',
    );
  if (/no PriorityClass/.test(text))
    return stop('no-priority-class', 'the PriorityClass is missing', 'Look at pod_patch.');
  return {
    class: 'infra',
    code: 'pod-refused',
    message: `the cluster refuses to make pods: ${text}`,
    hint: 'Look at the policies of the namespace: kubectl get events',
    then: 'confirm',
  };
};
