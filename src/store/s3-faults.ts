import { EXIT, Problem, type ExitCode } from '../model/problem.ts';
import type { Digest } from '../model/digest.ts';
import type { Answer } from './s3-http.ts';
import { printable, textOf } from './s3-xml.ts';

/** What a request was about, for messages. */
export interface Errand {
  /** The right it takes, as policies name it: `s3:PutObject`. */
  readonly action: string;
  /** `s3://bucket/key`. */
  readonly target: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly region: string;
  /** Who signed. */
  readonly identity: string;
}

/** The server's own word for a refusal. HEAD answers have no body and so no word: the status stands for it. */
export function codeOfAnswer(answer: Answer): string {
  const code = answer.body.byteLength === 0 ? undefined : textOf(answer.body.toString(), 'Code');
  return code === undefined || !/^[\w.]{1,80}$/.test(code) ? `HTTP ${answer.status}` : code;
}

/** Whether trying again later may help. */
export function isTransient(answer: Answer, code: string): boolean {
  return answer.status >= 500
    ? answer.status !== 501 && answer.status !== 505
    : [409, 429].includes(answer.status) || TRANSIENT.has(code);
}

const TRANSIENT = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeoutException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'InternalError',
]);

/** Codes of credentials that were good once. */
export const EXPIRED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
]);

/** The problem that a refused request is to the user. */
export function answerProblem(answer: Answer, errand: Errand): Problem {
  const code = codeOfAnswer(answer);
  const words = answer.body.byteLength === 0 ? undefined : textOf(answer.body.toString(), 'Message');
  const said = words === undefined ? code : `${code}: ${printable(words)}`;
  const { action, target, bucket, endpoint, identity, region } = errand;
  const make = (fields: { code: string; message: string; hint: string; exit: ExitCode }): Problem =>
    new Problem({ ...fields, details: [`${endpoint} said ${said}`] });

  if (isTransient(answer, code)) {
    return make({
      code: 'store-busy',
      message: `${endpoint} couldn't do ${action} on ${target} (${code}), also when asked again`,
      hint: 'Run the same command again a little later, with fewer jobs (`-j`) where it was asked to slow down.',
      exit: EXIT.transient,
    });
  }
  if (code === 'NoSuchBucket') {
    return make({
      code: 'no-such-bucket',
      message: `there is no bucket ${bucket} at ${endpoint}`,
      hint: "Create it, or correct the store's url (and endpoint) in .datawf/config.yaml.",
      exit: EXIT.notFound,
    });
  }
  if (EXPIRED.has(code)) {
    return make({
      code: 'credentials-expired',
      message: `the AWS credentials have expired: ${identity}`,
      hint: 'Log in again (`aws sso login`), or set fresh keys, then run the same command again.',
      exit: EXIT.refused,
    });
  }
  if (code === 'InvalidAccessKeyId' || code === 'InvalidToken' || code === 'SignatureDoesNotMatch') {
    return make({
      code: 'credentials-refused',
      message: `${endpoint} doesn't know these credentials: ${identity}`,
      hint:
        code === 'SignatureDoesNotMatch'
          ? 'The secret key is not the one of this access key: look at AWS_SECRET_ACCESS_KEY or the profile.'
          : 'Look at AWS_ACCESS_KEY_ID or AWS_PROFILE, and at whose endpoint this is.',
      exit: EXIT.refused,
    });
  }
  if (code === 'RequestTimeTooSkewed') {
    return make({
      code: 'clock-skew',
      message: `${endpoint} refuses requests whose time is too far from its own`,
      hint: "Set this machine's clock (`timedatectl set-ntp true`).",
      exit: EXIT.refused,
    });
  }
  if (WRONG_REGION.has(code) || answer.status === 301 || answer.status === 307) {
    return make({
      code: 'wrong-region',
      message: `bucket ${bucket} isn't in region ${region}`,
      hint: "Set the store's `region` in .datawf/config.yaml to the bucket's own.",
      exit: EXIT.refused,
    });
  }
  if (answer.status === 401 || answer.status === 403) {
    const arn = /arn:[\w-]+:(?:iam|sts):[^\s"']{1,200}/.exec(words ?? '')?.[0];
    const who =
      arn === undefined || identity.startsWith('arn:') ? identity : `${printable(arn)}, ${identity}`;
    const needs =
      action === 's3:GetObject' ? `${action} (and s3:ListBucket, or absent ones look forbidden)` : action;
    return make({
      code: 'access-denied',
      message: `${who} lacks the right ${action} on ${target}`,
      hint: `Use other credentials (AWS_PROFILE), or have ${needs} allowed for this identity.`,
      exit: EXIT.refused,
    });
  }
  return make({
    code: 'store-refused',
    message: `${endpoint} refused ${action} on ${target}: ${said}`,
    hint: `Look at the store's url, endpoint and path_style in .datawf/config.yaml: is this an S3 server, and may it do this?`,
    exit: EXIT.refused,
  });
}

const WRONG_REGION = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'InvalidRegion',
]);

/** Names of Node's errors about a certificate. */
const CERTIFICATE = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_|CRL_|HOSTNAME_MISMATCH/;

/** Whether asking again may help: not for names and certificates. */
export function isPassing(kind: string): boolean {
  return !CERTIFICATE.test(kind) && kind !== 'ENOTFOUND' && !/^(EPROTO|ERR_SSL|HPE_)/.test(kind);
}

/** The problem that a request without a whole answer is to the user; `kind` as `BrokenExchange` has it. */
export function brokenProblem(kind: string, errand: Errand, cause: unknown): Problem {
  const { endpoint, action, target } = errand;
  if (CERTIFICATE.test(kind)) {
    return new Problem({
      code: 'untrusted-certificate',
      message: `the certificate of ${endpoint} isn't trusted (${kind})`,
      hint: "Name the authority's certificate as the store's `ca` in .datawf/config.yaml.",
      exit: EXIT.refused,
      cause,
    });
  }
  if (/^(EPROTO|ERR_SSL|HPE_)/.test(kind)) {
    return new Problem({
      code: 'not-s3',
      message: `${endpoint} doesn't speak the protocol of its url (${kind})`,
      hint: "Look whether the store's `endpoint` should begin with http:// or https://, and at its port.",
      exit: EXIT.refused,
      cause,
    });
  }
  const fact =
    kind === 'ENOTFOUND' || kind === 'EAI_AGAIN'
      ? { code: 'unknown-host', words: `there is no address of ${endpoint}` }
      : kind === 'ECONNREFUSED'
        ? { code: 'endpoint-refused', words: `nobody listens at ${endpoint}` }
        : kind === 'timeout' || kind === 'connect-timeout' || kind === 'ETIMEDOUT'
          ? { code: 'endpoint-silent', words: `${endpoint} didn't answer in time (${action} on ${target})` }
          : /^E(HOST|NET)/.test(kind)
            ? { code: 'endpoint-unreachable', words: `there is no way to ${endpoint} (${kind})` }
            : {
                code: 'connection-lost',
                words: `the connection to ${endpoint} broke (${kind}, ${action} on ${target})`,
              };
  return new Problem({
    code: fact.code,
    message: fact.words,
    hint: "Look at the network and at the store's `endpoint`, then run the same command again: what was moved is kept.",
    exit: EXIT.transient,
    cause,
  });
}

/** A download whose bytes aren't its name's. Nothing of it is kept. */
export function damagedDownload(url: string, digest: Digest, found: string): Problem {
  return new Problem({
    code: 'corrupt-object',
    message: `object ${digest} of ${url} is damaged: its bytes have the digest ${found}`,
    hint: 'Nothing of it was kept. Run the stage that makes it again, or delete the object there and push it from where it is whole.',
    exit: EXIT.integrity,
  });
}

/** A server that answers the first range of an object rightly and others not. */
export function badRange(endpoint: string, key: string): Problem {
  return new Problem({
    code: 'bad-range',
    message: `${endpoint} answers a range of ${key} with something else`,
    hint: 'Something between here and there changes answers: look for a proxy, or at the server.',
    exit: EXIT.transient,
  });
}
