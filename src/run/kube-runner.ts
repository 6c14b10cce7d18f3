import { invalid } from '../model/problem.ts';
import type { KubeRunnerOptions } from './kube-options.ts';
import { KubeStage } from './kube-stage.ts';
import type { SliceEntry } from './slice-entry.ts';
import { hasImageVolume } from './pod-patch.ts';
import type { Runner } from './runner.ts';

/** So many wait for their outcome at once; each costs a few kilobytes here. */
const TAKES = 20_000;
const IMAGE_VOLUMES_SINCE = 35;

/**
 * Runs datums as Indexed Jobs of a cluster, by slices: what becomes ready together is one Job. Results lie in the store that the
 * environment writes when an outcome is told. Jobs outlive this process; those of the same code are taken up, not started again.
 */
export function createKubeRunner(options: KubeRunnerOptions): Runner {
  const waiting = new Set<SliceEntry>();
  return {
    name: 'kubernetes',
    made: {},
    takes: TAKES,
    openStage: async (work, key) => {
      const { stage } = work;
      if (key === undefined) throw new Error(`stage ${stage.id} came without a key`);
      for (const name of stage.secrets) {
        if (options.environment.secrets.has(name)) continue;
        throw invalid(
          'no-secret',
          `stage ${stage.id} needs the secret ${name}, and the environment doesn't say in which Secret it is`,
          `Add to the environment in .datawf/config.yaml: secrets: {${name}: {secret: NAME, key: KEY}}`,
        );
      }
      if (hasImageVolume(stage.podPatch)) await refuseOldCluster(options);
      return new KubeStage(options, work, { ...key, waiting });
    },
    close: async () => {
      options.jobs.api.close();
    },
  };
}

async function refuseOldCluster({ jobs }: KubeRunnerOptions): Promise<void> {
  const { minor, gitVersion } = await jobs.api.get<{ minor: string; gitVersion: string }>('/version');
  if (Number.parseInt(minor, 10) >= IMAGE_VOLUMES_SINCE) return;
  throw invalid(
    'no-image-volumes',
    `pod_patch has an image volume, which Kubernetes ${gitVersion} drops without a word`,
    'Use a cluster of 1.35 or later, or copy the files in by the image.',
  );
}
