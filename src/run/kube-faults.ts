import { EXIT, Problem, type ExitCode } from '../model/problem.ts';

/** A refusal or silence of the API server. */
export class KubeProblem extends Problem {
  /** HTTP status; 0 where there was no whole answer. */
  readonly status: number;
  /** The server's own word: `AlreadyExists`, `Expired`, …; or Node's for a broken connection. */
  readonly reason: string;

  constructor(fields: KubeProblemFields) {
    super(fields);
    this.status = fields.status;
    this.reason = fields.reason;
  }
}

interface KubeProblemFields {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exit: ExitCode;
  readonly status: number;
  readonly reason: string;
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/** What a request was about, for messages. */
export interface KubeErrand {
  readonly method: string;
  readonly path: string;
  /** `https://host:port` */
  readonly server: string;
  /** The kubeconfig's context, or `in-cluster`. */
  readonly context: string;
}

/** What of a Status object counts. */
export interface KubeStatus {
  readonly message: string;
  readonly reason: string;
}

/** Reads a Status; text that is none stands as the message. */
export function statusOf(body: string, status: number): KubeStatus {
  try {
    const parsed = JSON.parse(body) as { message?: unknown; reason?: unknown } | null;
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    return {
      message: printable(text(parsed?.message)) || `HTTP ${status}`,
      reason: printable(text(parsed?.reason)) || `HTTP ${status}`,
    };
  } catch {
    return { message: printable(body).slice(0, 500) || `HTTP ${status}`, reason: `HTTP ${status}` };
  }
}

/** Text of a server on one line, without control characters. */
function printable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 2000);
}

/** Whether asking again later may help. */
export function isTransientStatus(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Why a request was forbidden: a quota that is used up, a policy of admission, or a right that is lacking. */
export function kindOfForbidden(message: string): 'quota' | 'policy' | 'rbac' {
  if (/exceeded quota:|failed quota:/.test(message)) return 'quota';
  return /ValidatingAdmissionPolicy|admission webhook|violates PodSecurity|denied the request|is terminating/.test(
    message,
  )
    ? 'policy'
    : 'rbac';
}

/** The problem that a refused request is to the user. */
export function refusalProblem(status: number, said: KubeStatus, errand: KubeErrand): KubeProblem {
  const { message, reason } = said;
  const { server, context, method, path } = errand;
  const make = (fields: Pick<KubeProblemFields, 'code' | 'message' | 'hint' | 'exit'>): KubeProblem =>
    new KubeProblem({
      ...fields,
      status,
      reason,
      details: [`${server} said ${status} to ${method} ${path}`],
    });
  if (isTransientStatus(status)) {
    return make({
      code: 'cluster-busy',
      message: `the cluster ${context} couldn't answer, also when asked again: ${message}`,
      hint: GOES_ON,
      exit: EXIT.transient,
    });
  }
  switch (status) {
    case 401:
      return make({
        code: 'cluster-unauthorized',
        message: `the cluster ${context} doesn't know who asks: ${message}`,
        hint: 'Log in to the cluster again, or look at KUBECONFIG: kubectl auth whoami',
        exit: EXIT.refused,
      });
    case 403:
      return make(forbidden(message, context));
    case 404:
      return make(
        /namespaces? "/.test(message)
          ? {
              code: 'no-namespace',
              message: `${message} in the cluster ${context}`,
              hint: 'Have it made (datawf env manifest prints what it needs), or correct `namespace` in .datawf/config.yaml.',
              exit: EXIT.notFound,
            }
          : {
              code: 'not-in-cluster',
              message: `${message} (cluster ${context})`,
              hint: 'Somebody or something took it away; see kubectl get jobs,pods.',
              exit: EXIT.notFound,
            },
      );
    case 409:
      return make({
        code: 'cluster-conflict',
        message,
        hint: 'Run the same command again.',
        exit: EXIT.refused,
      });
    default:
      return make({
        code: 'cluster-refused',
        message: `the cluster ${context} refused: ${message}`,
        hint: 'Look at the stage (pod_patch, resources) and at its environment in .datawf/config.yaml.',
        exit: EXIT.usage,
      });
  }
}

function forbidden(
  message: string,
  context: string,
): Pick<KubeProblemFields, 'code' | 'message' | 'hint' | 'exit'> {
  switch (kindOfForbidden(message)) {
    case 'quota':
      return {
        code: 'quota-exceeded',
        message: `the namespace's quota is used up: ${message}`,
        hint: 'Wait until others have finished, or have the quota raised.',
        exit: EXIT.transient,
      };
    case 'policy':
      return {
        code: 'cluster-policy',
        message: `a policy of the cluster ${context} refused: ${message}`,
        hint: 'Use what is granted to you (service_account, uids, namespace of the environment), or have it granted: datawf doctor --env NAME',
        exit: EXIT.refused,
      };
    case 'rbac':
      return {
        code: 'cluster-forbidden',
        message: `the cluster ${context} doesn't allow that: ${message}`,
        hint: 'Have the Role bound that datawf env manifest prints, or use another identity (KUBECONFIG).',
        exit: EXIT.refused,
      };
  }
}

const GOES_ON = 'Jobs that run go on. Run the same command again: it takes up what is running and finished.';
const CERTIFICATE = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_|CRL_|HOSTNAME_MISMATCH/;

/** Whether a connection that broke may work when tried again: not for certificates and what isn't HTTP. */
export function isPassingBreak(kind: string): boolean {
  return !CERTIFICATE.test(kind) && !/^(EPROTO|ERR_SSL|HPE_)/.test(kind);
}

/** The problem that a request without a whole answer is to the user; `kind` is Node's word. */
export function brokenProblem(kind: string, { server, context }: KubeErrand, cause: unknown): KubeProblem {
  if (!isPassingBreak(kind)) {
    return new KubeProblem({
      code: 'untrusted-certificate',
      message: `${server} of the cluster ${context} can't be trusted (${kind})`,
      hint: "Look at the cluster's certificate-authority and server in your kubeconfig.",
      exit: EXIT.refused,
      status: 0,
      reason: kind,
      cause,
    });
  }
  return new KubeProblem({
    code: 'cluster-unreachable',
    message: `the cluster ${context} doesn't answer at ${server} (${kind})`,
    hint: GOES_ON,
    exit: EXIT.transient,
    status: 0,
    reason: kind,
    cause,
  });
}
