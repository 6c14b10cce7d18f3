import { describe, expect, test } from 'vitest';
import type { KubeEvent, KubeJob, KubePod } from '../../../src/run/kube-objects.ts';
import { jobEndFinding, jobFinding, podFinding } from '../../../src/run/pod-failure.ts';

type Status = NonNullable<KubePod['status']>;
type State = NonNullable<NonNullable<Status['containerStatuses']>[number]['state']>;

const META = { name: 'p', uid: 'u' };
const pod = (status: Status): KubePod => ({ metadata: META, status });
const main = (state: State): Status => ({
  containerStatuses: [{ name: 'main', image: 'localhost/none:1', state }],
});
const waiting = (reason: string, message: string): Status => main({ waiting: { reason, message } });
const ended = (reason: string, exitCode: number, message = ''): Status =>
  main({ terminated: { reason, exitCode, message } });
const event = (reason: string, message: string, count = 1): KubeEvent => ({
  metadata: META,
  reason,
  message,
  count,
  involvedObject: {},
});

/** Statuses as a real cluster gave them (Kubernetes 1.34). */
const PODS: [what: string, status: Status, code: string | undefined, then?: string][] = [
  [
    'an emptyDir over its limit',
    { reason: 'Evicted', message: 'Usage of EmptyDir volume "work" exceeds the limit "150Mi". ' },
    'disk-limit',
    'stop',
  ],
  [
    'a container over its ephemeral storage',
    { reason: 'Evicted', message: 'Container main exceeded its local ephemeral storage limit "100Mi". ' },
    'disk-limit',
    'stop',
  ],
  [
    'a pod over the sum of them',
    {
      reason: 'Evicted',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 300Mi. ',
      ...waiting('PodInitializing', ''),
    },
    'disk-limit',
    'stop',
  ],
  [
    'a node under pressure',
    { reason: 'Evicted', message: 'The node was low on resource: memory. ' },
    'node-pressure',
    'elsewhere',
  ],
  [
    'a node that had no room after all',
    {
      reason: 'OutOfmemory',
      message:
        "Pod was rejected: Node didn't have enough resource: memory, requested: 1, used: 2, capacity: 3",
    },
    'node-full',
    'elsewhere',
  ],
  [
    'a preemption, whatever its containers say',
    {
      conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }],
      ...ended('Error', 143),
    },
    'preempted',
    'elsewhere',
  ],
  [
    'an eviction by the API',
    { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
    'preempted',
    'elsewhere',
  ],
  [
    'an image that can’t be pulled',
    waiting(
      'ErrImagePull',
      'failed to pull and unpack image "localhost/none:1": failed to resolve reference: dial tcp 127.0.0.1:80: connect: connection refused',
    ),
    'image-pull',
    'confirm',
  ],
  ['the same a little later', waiting('ImagePullBackOff', 'Back-off pulling image'), 'image-pull', 'confirm'],
  [
    'a name that is none',
    waiting('InvalidImageName', `couldn't parse image name "Bad/Image:UP:1": invalid reference format`),
    'image-name',
    'stop',
  ],
  [
    'an image that must be there and isn’t',
    waiting(
      'ErrImageNeverPull',
      'Container image "localhost/none:1" is not present with pull policy of Never',
    ),
    'image-pull',
    'stop',
  ],
  ['a missing Secret', waiting('CreateContainerConfigError', 'secret "nope" not found'), 'no-secret', 'stop'],
  [
    'a missing key of a Secret',
    waiting('CreateContainerConfigError', "couldn't find key k in Secret ns/weather"),
    'no-secret',
    'stop',
  ],
  [
    'an image that runs as root',
    waiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'),
    'runs-as-root',
    'stop',
  ],
  [
    'a program that isn’t there',
    ended('StartError', 128, 'exec: "/no/such": stat /no/such: no such file or directory'),
    'start-error',
    'confirm',
  ],
  [
    'another processor',
    ended('StartError', 128, 'exec /dwf/agent/ld.so: exec format error'),
    'wrong-architecture',
    'confirm',
  ],
  ['out of memory', ended('OOMKilled', 137), 'out-of-memory', 'again'],
  ['out of memory behind an exit 0', ended('OOMKilled', 0), 'out-of-memory', 'again'],
  [
    'a stop that the agent gave',
    ended('Error', 42, '{"code":"access-denied","message":"x lacks the right s3:PutObject"}'),
    'access-denied',
    'stop',
  ],
  [
    'no room',
    {
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/1 nodes are available: 1 Insufficient memory.',
        },
      ],
    },
    'unschedulable',
    'wait',
  ],
  [
    'a queue that holds it',
    { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'gated' }] },
    'queued',
    'wait',
  ],
  ['a pod that just begins', waiting('ContainerCreating', ''), undefined],
  ['one that runs', main({ running: {} }), undefined],
  ['one that ended well', ended('Completed', 0), undefined],
];

describe('a pod', () => {
  test.each(PODS)('%s', (_, status, code, then) => {
    const finding = podFinding(pod(status), []);
    expect(finding?.code).toBe(code);
    expect(finding?.then).toBe(then);
    if (finding !== undefined) expect(finding.hint).not.toBe('');
  });

  test('a missing Secret of a volume shows in events only, and counts the second time', () => {
    const text = 'MountVolume.SetUp failed for volume "v" : secret "nope" not found';
    expect(podFinding(pod({}), [event('FailedMount', text)])).toMatchObject({
      code: 'no-secret',
      then: 'confirm',
    });
    expect(podFinding(pod({}), [event('FailedMount', text, 3)])?.then).toBe('stop');
  });

  test('harmless and unknown warnings are passed over', () => {
    const events = [
      event('MissingClusterDNS', 'pod: "x". kubelet does not have ClusterDNS IP configured'),
      event('FailedMount', 'failed to sync configmap cache: timed out waiting for the condition'),
    ];
    expect(podFinding(pod({}), events)).toBeUndefined();
  });
});

describe('a Job without pods', () => {
  test.each([
    [
      'exceeded quota: team, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1',
      'quota',
      'wait',
    ],
    ['failed quota: team: must specify limits.memory for: main', 'quota-limits', 'stop'],
    ['maximum memory usage per Container is 20Mi, but limit is 32Mi', 'limit-range', 'stop'],
    ['violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)', 'pod-security', 'stop'],
    [
      'error looking up service account datawf-test/nope: serviceaccount "nope" not found',
      'no-service-account',
      'stop',
    ],
    ['no PriorityClass with name nope was found', 'no-priority-class', 'stop'],
    ['admission webhook "x" denied the request: no', 'pod-refused', 'confirm'],
  ])('%s', (text, code, then) => {
    const message = `Error creating: pods "upper-0-abcde" is forbidden: ${text}`;
    const finding = jobFinding([event('FailedCreate', message)]);
    expect(finding).toMatchObject({ code, then });
    expect(finding?.message).not.toContain('upper-0-abcde');
  });
});

test('a Job that ended says why', () => {
  const job = (reason: string, message = ''): KubeJob => ({
    metadata: META,
    status: { conditions: [{ type: 'Failed', status: 'True', reason, message }] },
  });
  expect(jobEndFinding(job('DeadlineExceeded'))).toMatchObject({ class: 'timeout', then: 'stop' });
  expect(jobEndFinding(job('PodFailurePolicy', 'exit code 42'))).toMatchObject({ then: 'stop' });
  expect(jobEndFinding(job('FailedIndexes', 'Job has failed indexes'))).toMatchObject({ then: 'again' });
  expect(jobEndFinding({ metadata: META, status: {} })).toBeUndefined();
});
