import type { History } from '../history/history.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import type { KubeApi } from '../run/kube-api.ts';
import type { Runner } from '../run/runner.ts';

/** What running needs besides the context; opened only when something is to run. */
export interface RunPorts {
  readonly runner: () => Promise<Runner>;
  readonly history: () => Promise<History>;
  readonly process: () => Promise<ProcessIdentity>;
  /** The cluster of the kubeconfig's current context, An outage may last `patienceMs`. */
  readonly cluster: (patienceMs: number) => Promise<KubeApi>;
}
