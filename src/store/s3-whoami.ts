import { hash } from 'node:crypto';
import { parseEndpoint } from './s3-address.ts';
import type { Wire } from './s3-http.ts';
import { Signer, type Credentials } from './s3-sign.ts';
import { textOf } from './s3-xml.ts';

export interface WhoAmIRequest {
  readonly wire: Wire;
  /** Of STS (`AWS_ENDPOINT_URL_STS`); undefined for AWS's own. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly credentials: Credentials;
  /** Epoch milliseconds. */
  readonly time: number;
}

/**
 * The ARN of whoever has the credentials, as STS says it: a right that nobody can be denied. Undefined where it can't be
 * asked. For messages about rights that lack, where an access key's id tells a person little.
 */
export async function whoAmI(request: WhoAmIRequest): Promise<string | undefined> {
  const { wire, region, credentials, time } = request;
  const body = Buffer.from('Action=GetCallerIdentity&Version=2011-06-15');
  try {
    const url = parseEndpoint(request.endpoint ?? `https://sts.${region}.amazonaws.com`);
    const secure = url.protocol === 'https:';
    const signable = {
      method: 'POST',
      host: url.host,
      path: '/',
      query: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: hash('sha256', body, 'hex'),
      time,
    };
    const headers = new Signer('sts').sign(signable, credentials, region);
    const answer = await wire.send(
      {
        secure,
        hostname: url.hostname,
        port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
        method: 'POST',
        path: '/',
        headers: { ...headers, 'content-length': String(body.byteLength) },
        body,
        sink: undefined,
        into: undefined,
        idleMs: ASK_MS,
      },
      [AbortSignal.timeout(ASK_MS)],
    );
    const arn = answer.status === 200 ? textOf(answer.body.toString(), 'Arn') : undefined;
    return arn !== undefined && /^arn:[\w-]+:[\w-]+:[\w:/+=,.@-]{1,200}$/.test(arn) ? arn : undefined;
  } catch {
    return undefined;
  }
}

/** It only makes a message better, so nobody waits long for it. */
const ASK_MS = 3000;
