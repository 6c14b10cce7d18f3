import type { KubeApi } from './kube-api.ts';

/** Whom the API server takes the caller for: the authenticated user's name. */
export async function whoami(api: KubeApi): Promise<string> {
  const { body } = await api.request<{ status?: { userInfo?: { username?: string } } }>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return body.status?.userInfo?.username ?? '';
}
