import { hasStatus, type KubeApi } from './kube-api.ts';
import type { ContainerStatus, KubeEvent, KubeJob, KubePod } from './kube-objects.ts';
import { pause } from './pause.ts';

/** Labels and annotations by which Jobs are found again. */
export const LABEL = {
  app: 'app.kubernetes.io/managed-by',
  run: 'datawf.dev/run',
  job: 'datawf.dev/job',
  stage: 'datawf.dev/stage',
  code: 'datawf.dev/code',
  store: 'datawf.dev/store',
} as const;
export const APP = 'datawf';

/** Jobs of a namespace and their pods. */
export interface KubeJobs {
  readonly api: KubeApi;
  readonly namespace: string;
  /** Creates; `taken` where there is one of that name, else what was warned of. */
  create(
    manifest: object,
    signal: AbortSignal,
  ): Promise<'taken' | { readonly job: KubeJob; readonly warnings: readonly string[] }>;
  find(name: string): Promise<KubeJob | undefined>;
  list(labels: Readonly<Record<string, string>>): Promise<readonly KubeJob[]>;
  pods(job: KubeJob): Promise<readonly KubePod[]>;
  /** Warnings about the given object, the latest last. */
  events(uid: string): Promise<readonly KubeEvent[]>;
  /** Has the controller look at a Job again, whose pods a quota kept back. */
  wake(job: KubeJob, note: string): Promise<void>;
  /** Deletes a Job and its pods, which get five seconds; waits until none is left, at most so long. Absent ones are fine. */
  remove(job: KubeJob, waitMs: number): Promise<void>;
}

const GRACE_SECONDS = 5;

export function openKubeJobs(api: KubeApi, namespace: string): KubeJobs {
  const jobsPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const podsPath = `/api/v1/namespaces/${namespace}/pods`;
  const podsOf = async (job: KubeJob): Promise<readonly KubePod[]> =>
    (await api.get<{ items: KubePod[] }>(podsPath, { labelSelector: podSelector(job) })).items;
  return {
    api,
    namespace,
    create: async (manifest, signal) => {
      try {
        const { body, warnings } = await api.request<KubeJob>({
          method: 'POST',
          path: jobsPath,
          body: manifest,
          signal,
        });
        return { job: body, warnings };
      } catch (error) {
        if (hasStatus(error, 409)) return 'taken';
        throw error;
      }
    },
    find: (name) => api.find<KubeJob>(`${jobsPath}/${name}`),
    list: async (labels) =>
      (await api.get<{ items: KubeJob[] }>(jobsPath, { labelSelector: selector(labels) })).items,
    pods: podsOf,
    events: async (uid) => {
      const { items } = await api.get<{ items: KubeEvent[] }>(`/api/v1/namespaces/${namespace}/events`, {
        fieldSelector: `involvedObject.uid=${uid},type=Warning`,
      });
      return items.sort((a, b) => timeOf(a) - timeOf(b));
    },
    wake: async ({ metadata }, note) => {
      await api.request({
        method: 'PATCH',
        path: `${jobsPath}/${metadata.name}`,
        body: { metadata: { annotations: { 'datawf.dev/woken': note } } },
      });
    },
    remove: async (job, waitMs) => {
      const removePods = async (pods: readonly KubePod[]): Promise<void> => {
        for (const { metadata } of pods)
          await removeOne(api, `${podsPath}/${metadata.name}`, { gracePeriodSeconds: GRACE_SECONDS });
      };
      // Before the Job, whose end would give them their whole grace period; they aren't replaced while they end.
      await removePods(await podsOf(job));
      await removeOne(api, `${jobsPath}/${job.metadata.name}`, {
        propagationPolicy: 'Background',
        preconditions: { uid: job.metadata.uid },
      });
      const step = 250;
      for (let waited = 0; waited <= waitMs; waited += step) {
        const pods = await podsOf(job);
        if (pods.length === 0) return;
        await removePods(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
        await pause(step);
      }
    },
  };
}

async function removeOne(api: KubeApi, path: string, options: object): Promise<void> {
  try {
    await api.request({ method: 'DELETE', path, body: options });
  } catch (error) {
    // 409: another Job of that name.
    if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error;
  }
}

/** Pods by their Job's uid, since a name can be used again while old pods end. */
export function podSelector({ metadata }: KubeJob): string {
  return `batch.kubernetes.io/controller-uid=${metadata.uid}`;
}

function selector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function timeOf({ lastTimestamp, eventTime, metadata }: KubeEvent): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
}

/** Whether all of a Job has ended or is about to: `Complete`, `Failed`, or what announces them. */
export function endOfJob(
  job: KubeJob,
): { readonly failed: boolean; readonly reason: string; readonly message: string } | undefined {
  for (const { type, status, reason = '', message = '' } of job.status?.conditions ?? []) {
    if (status !== 'True') continue;
    if (type === 'Failed' || type === 'FailureTarget') return { failed: true, reason, message };
    if (type === 'Complete') return { failed: false, reason, message };
  }
  return undefined;
}

/** A container's status in a pod, also a sidecar's. */
export function containerOf(pod: KubePod, name: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
}
