import type { History } from '../history/history.ts';
import type { Remote } from './ports.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import type { KubeApi } from '../run/kube-api.ts';
import type { Runner } from '../run/runner.ts';

/** What running needs besides the context; opened only when something is to run. */
export interface RunPorts {
  readonly runner: () => Promise<Runner>;
  /**
   * What the local store has of runs; `readRun` and what is read of one run go on to the stores that the branch reads. Of another
   * store its own alone.
   */
  readonly history: (of?: Remote) => Promise<History>;
  readonly process: () => Promise<ProcessIdentity>;
  /** The cluster of the kubeconfig's current context, An outage may last `patienceMs`. */
  readonly cluster: (patienceMs: number) => Promise<KubeApi>;
}
