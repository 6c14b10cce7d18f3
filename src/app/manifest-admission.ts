import type { KubeManifest } from '../model/manifest-report.ts';

export interface AdmissionRequest {
  readonly namespace: string;
  /** Names of the Secrets that its environments use. */
  readonly secrets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Those of the cluster itself that make and remove what people asked for. */
const CONTROLLERS = [
  'system:kube-controller-manager',
  ...[
    'job-controller',
    'cronjob-controller',
    'generic-garbage-collector',
    'ttl-after-finished-controller',
    'namespace-controller',
  ].map((name) => `system:serviceaccount:kube-system:${name}`),
];

/**
 * The policy that lets people run, change and remove Jobs only with a ServiceAccount and uids that a Role grants them (verb `use`), and
 * with the environment's Secrets alone; and what binds it to the namespace. Wants Kubernetes 1.30.
 */
export function admissionManifests({
  namespace,
  secrets,
  labels,
}: AdmissionRequest): readonly KubeManifest[] {
  const name = `datawf-${namespace}`;
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name, labels },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['batch'],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE', 'DELETE'],
              resources: ['jobs', 'cronjobs'],
            },
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
        matchConditions: [
          {
            name: 'not-controllers',
            expression: `!(request.userInfo.username in ${celList(CONTROLLERS)})`,
          },
        ],
        variables: VARIABLES,
        validations: validationsFor(secrets),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name, labels },
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        matchResources: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        },
      },
    },
  ];
}

const POD = 'variables.o.kind';
const VARIABLES = [
  { name: 'o', expression: "request.operation == 'DELETE' ? oldObject : object" },
  {
    name: 'pod',
    expression: `${POD} == 'Pod' ? variables.o.spec : ${POD} == 'CronJob' ? variables.o.spec.jobTemplate.spec.template.spec : variables.o.spec.template.spec`,
  },
  {
    name: 'sa',
    expression:
      "has(variables.pod.serviceAccountName) && variables.pod.serviceAccountName != '' ? variables.pod.serviceAccountName : 'default'",
  },
  {
    name: 'uid',
    expression:
      'has(variables.pod.securityContext) && has(variables.pod.securityContext.runAsUser) ? variables.pod.securityContext.runAsUser : -1',
  },
  {
    name: 'containers',
    expression:
      'variables.pod.containers + (has(variables.pod.initContainers) ? variables.pod.initContainers : [])',
  },
];

function validationsFor(secrets: readonly string[]): readonly object[] {
  const own = celList(secrets);
  const who = "'datawf: ' + request.userInfo.username";
  const where = "' in ' + request.namespace";
  return [
    {
      expression:
        "authorizer.group('').resource('serviceaccounts').namespace(request.namespace).name(variables.sa).check('use').allowed()",
      messageExpression: `${who} + ' may not use the ServiceAccount ' + variables.sa + ${where}`,
    },
    {
      expression: uidCheck('variables.uid'),
      messageExpression: `${who} + ' may not run pods as uid ' + string(variables.uid) + ${where}`,
    },
    {
      expression: `variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.runAsUser) || c.securityContext.runAsUser == variables.uid || ${uidCheck('c.securityContext.runAsUser')})`,
      messageExpression: `${who} + ' may not run containers as another uid than those granted' + ${where}`,
    },
    {
      expression: `!has(variables.pod.volumes) || variables.pod.volumes.all(v, !has(v.persistentVolumeClaim) && (!has(v.secret) || v.secret.secretName in ${own}) && (!has(v.projected) || !has(v.projected.sources) || v.projected.sources.all(s, !has(s.secret) || s.secret.name in ${own})))`,
      messageExpression: `${who} + ' may mount no claims, and no Secrets but those of the environment' + ${where}`,
    },
    {
      expression: `variables.containers.all(c, (!has(c.envFrom) || c.envFrom.all(f, !has(f.secretRef) || f.secretRef.name in ${own})) && (!has(c.env) || c.env.all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef) || e.valueFrom.secretKeyRef.name in ${own})))`,
      messageExpression: `${who} + ' may read no Secrets but those of the environment' + ${where}`,
    },
  ].map((validation) => ({ ...validation, reason: 'Forbidden' }));
}

function uidCheck(uid: string): string {
  return `authorizer.group('datawf.dev').resource('uids').namespace(request.namespace).name(string(${uid})).check('use').allowed()`;
}

function celList(names: readonly string[]): string {
  return `[${names.map((name) => `'${name.replace(/['\\]/g, '')}'`).join(', ')}]`;
}
