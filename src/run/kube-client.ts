import type * as https from 'node:https';
import { delimiter } from 'node:path';
import { EXIT, Problem } from '../model/problem.ts';
import { KubeApi, type KubeApiOptions } from './kube-api.ts';
import type { Credentials, KubeTarget } from './kube-wire.ts';

export interface KubeOptions extends KubeApiOptions {
  /** As `KUBECONFIG` has it: files, joined as PATH is. Without it `~/.kube/config`, else the pod's own ServiceAccount. */
  readonly kubeconfig: string | undefined;
}

/**
 * The cluster that the kubeconfig's current context names; asks it nothing yet. The one place that loads the client library:
 * 0.6 s and 70 MB, so only commands about a cluster come here. Throws `no-cluster` (exit 2).
 */
export async function openKube(options: KubeOptions): Promise<KubeApi> {
  return new KubeApi(await loadTarget(options.kubeconfig), options);
}

async function loadTarget(kubeconfig: string | undefined): Promise<KubeTarget> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined || kubeconfig === '') config.loadFromDefault();
    else {
      const [first = '', ...others] = kubeconfig.split(delimiter).filter((file) => file !== '');
      config.loadFromFile(first);
      for (const file of others) {
        const more = new KubeConfig();
        more.loadFromFile(file);
        config.mergeConfig(more, true);
      }
    }
  } catch (error) {
    throw noCluster(`the kubeconfig can't be read: ${(error as Error).message}`, error);
  }
  // The library invents localhost:8080 where there is nothing.
  const isInvented =
    config.getCurrentContext() === 'loaded-context' && config.getCurrentUser()?.name === 'user';
  const found = isInvented ? null : config.getCurrentCluster();
  if (found === null) throw noCluster('there is no kubeconfig, or it names no current context', undefined);
  const isPlain = found.server.startsWith('http:');
  if (isPlain) {
    const clusters = config.clusters.map((cluster) =>
      cluster.name === found.name ? { ...cluster, skipTLSVerify: true } : cluster,
    );
    const { users, contexts, currentContext } = config;
    config.loadFromOptions({ clusters, users, contexts, currentContext });
  }
  const context = config.getContextObject(config.getCurrentContext());
  return {
    server: new URL(found.server),
    context: config.getCurrentContext() === 'inClusterContext' ? 'in-cluster' : config.getCurrentContext(),
    namespace: context?.namespace,
    credentials: async () => {
      const options: https.RequestOptions = {};
      try {
        await config.applyToHTTPSOptions(options);
      } catch (error) {
        throw new Problem({
          code: 'cluster-credentials',
          message: `the credentials for the cluster ${config.getCurrentContext()} can't be had: ${(error as Error).message}`,
          hint: 'Log in to the cluster again; see whether kubectl get jobs works.',
          exit: EXIT.refused,
          cause: error,
        });
      }
      return credentialsOf(options, found.proxyUrl !== undefined);
    },
  };
}

function credentialsOf(options: https.RequestOptions, viaProxy: boolean): Credentials {
  const { ca, cert, key, servername, rejectUnauthorized, auth } = options;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (typeof value === 'string') headers[name] = value;
  if (typeof auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  return {
    headers,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
    ...(viaProxy ? { agent: options.agent as https.Agent } : {}),
  };
}

function noCluster(message: string, cause: unknown): Problem {
  return new Problem({
    code: 'no-cluster',
    message,
    hint: 'Set KUBECONFIG to the file for your cluster, or run `kubectl config use-context NAME`.',
    exit: EXIT.usage,
    ...(cause === undefined ? {} : { cause }),
  });
}
