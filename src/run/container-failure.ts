import { AGENT_EXIT, parseStop } from './agent-env.ts';
import type { PodFinding } from './pod-finding.ts';
import type { KubePod } from './kube-objects.ts';
import { containerOf } from './kube-jobs.ts';

/** What is wrong with a pod by the states of its containers. */
export function containerFinding(pod: KubePod): PodFinding | undefined {
  for (const name of ['main', 'inject', 'stager']) {
    const status = containerOf(pod, name);
    const { waiting, terminated } = status?.state ?? {};
    const image = status?.image ?? '';
    const found =
      waiting === undefined
        ? undefined
        : waitingFinding({ name, image, reason: waiting.reason ?? '', message: waiting.message ?? '' });
    if (found !== undefined) return found;
    if (terminated !== undefined) {
      const { reason = '', message = '', exitCode } = terminated;
      const ended = endedFinding({ name, image, reason, message, exitCode });
      if (ended !== undefined) return ended;
    }
  }
  return undefined;
}

interface Said {
  readonly name: string;
  readonly image: string;
  readonly reason: string;
  readonly message: string;
}

function waitingFinding({ name, image, reason, message }: Said): PodFinding | undefined {
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
      return imageFinding(
        name,
        { message: `the image ${image} can't be pulled: ${message}`, code: 'image-pull' },
        'confirm',
      );
    case 'InvalidImageName':
      return imageFinding(
        name,
        { message: `${image} is no name of an image: ${message}`, code: 'image-name' },
        'stop',
      );
    case 'ErrImageNeverPull':
    case 'ImageInspectError':
    case 'RegistryUnavailable':
      return imageFinding(
        name,
        { message: `the image ${image} isn't there: ${message}`, code: 'image-pull' },
        'stop',
      );
    case 'CreateContainerConfigError':
      return configFinding(message);
    case 'CreateContainerError':
    case 'RunContainerError':
      return {
        class: 'infra',
        code: 'container-error',
        message: `the container ${name} can't be made: ${message}`,
        hint: 'Look at pod_patch and at the image.',
        then: 'confirm',
      };
    default:
      return undefined;
  }
}

function imageFinding(
  container: string,
  said: Pick<PodFinding, 'message' | 'code'>,
  then: PodFinding['then'],
): PodFinding {
  const isOurs = container !== 'main';
  return {
    class: 'image',
    ...said,
    hint: isOurs
      ? 'That is the agent image: push it where the cluster finds it (datawf agent image -o agent.tar) and name it as `agent_image` of the environment.'
      : "Correct the stage's `image`, or let the ServiceAccount pull it (imagePullSecrets).",
    then,
  };
}

function configFinding(message: string): PodFinding {
  const missing =
    /^(secret|configmap) "([^"]+)" not found/.exec(message) ??
    /couldn't find key (\S+) in (Secret|ConfigMap) (\S+)/.exec(message);
  if (missing !== null)
    return {
      class: 'infra',
      code: 'no-secret',
      message: `the pod needs what isn't there: ${message}`,
      hint: 'Create it in the namespace, or correct `secrets` and `credentials` of the environment.',
      then: 'stop',
    };
  if (/runAsNonRoot|image will run as root|non-numeric user/.test(message))
    return {
      class: 'infra',
      code: 'runs-as-root',
      message: `the image wants to run as root: ${message}`,
      hint: 'Set `uids` in the environment, so that the pod runs under them.',
      then: 'stop',
    };
  return {
    class: 'infra',
    code: 'container-config',
    message: `the container can't be set up: ${message}`,
    hint: 'Look at pod_patch, secrets and the environment.',
    then: 'confirm',
  };
}

function endedFinding({
  name,
  image,
  reason,
  message,
  exitCode,
}: Said & { readonly exitCode: number }): PodFinding | undefined {
  const stop = exitCode === 0 ? undefined : parseStop(message);
  if (stop !== undefined) {
    return {
      class: 'infra',
      code: stop.code,
      message: stop.message,
      hint: stop.hint ?? 'See datawf doctor --env NAME',
      then: exitCode === AGENT_EXIT.stopJob ? 'stop' : 'again',
    };
  }
  if (reason === 'StartError' || reason === 'ContainerCannotRun') {
    const isFormat = message.includes('exec format error');
    return {
      class: 'image',
      code: isFormat ? 'wrong-architecture' : 'start-error',
      message: isFormat
        ? `the image ${image} is made for another processor than the node's: ${message}`
        : `the container ${name} of ${image} can't start: ${message}`,
      hint: isFormat
        ? 'Use an image of the architecture of the nodes, or choose nodes by pod_patch.'
        : 'Look at pod_patch and at the agent image.',
      then: 'confirm',
    };
  }
  if (reason === 'OOMKilled' && name !== 'main')
    return {
      class: 'oom',
      code: 'agent-oom',
      message: `the ${name} ran out of its own memory`,
      hint: 'This is no fault of the command. Run again; where it comes back, please report it.',
      then: 'again',
    };
  if (reason === 'OOMKilled')
    return {
      class: 'oom',
      code: 'out-of-memory',
      message: 'the command ran out of memory',
      hint: 'Give the stage more: resources: {memory: …}, or a ladder such as [2Gi, 4Gi].',
      then: 'again',
    };
  if (name === 'stager' && exitCode !== 0 && message !== '')
    return {
      class: 'infra',
      code: 'stager-failed',
      message: `the stager failed: ${message.trim()}`,
      hint: 'See datawf doctor --env NAME',
      then: 'again',
    };
  return undefined;
}
