import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

const { DATAWF_CLUSTER_PKI: pki, KUBECONFIG: kubeconfig } = process.env;

/** A person of the test cluster. */
export type ClusterUser = 'admin' | 'production' | 'alice' | 'bob';

/** Whether tests run where a cluster for tests is, with its people. */
export const HAS_CLUSTER = pki !== undefined && kubeconfig !== undefined;

/** A person's kubeconfig. */
export function kubeconfigOf(user: ClusterUser): string {
  return `${pki ?? ''}/${user}.kubeconfig`;
}

/** What kubectl answered. */
export interface KubectlResult {
  readonly ok: boolean;
  /** Of both streams. */
  readonly text: string;
}

/** Runs kubectl as somebody, with a text on its stdin. */
export function kubectl(user: ClusterUser, args: readonly string[], input = ''): KubectlResult {
  try {
    const text = execFileSync('kubectl', [`--kubeconfig=${kubeconfigOf(user)}`, ...args], {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return { ok: true, text };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, text: `${stdout}${stderr}` };
  }
}

/** Applies what is printed, as the cluster's administrator; throws where it is refused. */
export function applyManifest(text: string): void {
  const { ok, text: said } = kubectl('admin', ['apply', '-f', '-'], text);
  if (!ok) throw new Error(said);
}

/** Takes a namespace and its admission policy away when the running test ends. */
export function dropNamespaceLater(namespace: string): void {
  onTestFinished(() => {
    const policy = `datawf-${namespace}`;
    for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'])
      kubectl('admin', ['delete', kind, policy, '--ignore-not-found']);
    kubectl('admin', ['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
  });
}
