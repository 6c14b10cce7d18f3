import type { History } from '../history/history.ts';
import type { Remote } from './ports.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import type { Ensure } from './cluster-inputs.ts';
import type { KubeApi } from '../run/kube-api.ts';
import type { Runner } from '../run/runner.ts';

/** The run that a runner works for. */
export interface RunnerStart {
  /** ULID. */
  readonly run: string;
  /** Epoch milliseconds. */
  readonly started: number;
  /** Datums, or workers of a cluster, at once; undefined: the command chooses. */
  readonly jobs: number | undefined;
  /** Leave Jobs as soon as they run. */
  readonly detach: boolean;
  /** For a cluster: sees to it that pods find these files. */
  readonly ensure: Ensure | undefined;
}

/** What running needs besides the context; opened only when something is to run. */
export interface RunPorts {
  readonly runner: (start: RunnerStart) => Promise<Runner>;
  /**
   * What the local store has of runs; `readRun` and what is read of one run go on to the stores that the branch reads. Of another
   * store its own alone.
   */
  readonly history: (of?: Remote) => Promise<History>;
  readonly process: () => Promise<ProcessIdentity>;
  /** Whether the run was left while its Jobs go on. */
  readonly isDetached: () => boolean;
  /** Whom the cluster takes the caller for. */
  readonly subject: () => Promise<string>;
  /** The cluster of the kubeconfig's current context. An outage may last `patienceMs`. */
  readonly cluster: (patienceMs: number) => Promise<KubeApi>;
}
