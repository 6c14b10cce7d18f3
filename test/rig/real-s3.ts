import { S3Client } from '../../src/store/s3-client.ts';
import { CredentialSource } from '../../src/store/s3-credentials.ts';
import { DEFAULTS } from '../../src/store/s3-tuning.ts';

/** A real S3 server for the tests that want one. */
export interface RealS3 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const { DATAWF_TEST_S3_ENDPOINT: endpoint, DATAWF_TEST_S3_BUCKET: bucket = 'datawf' } = process.env;

/** The one that the environment names (`DATAWF_TEST_S3_ENDPOINT`, with keys in AWS's variables); undefined where none is. */
export const CLUSTER_S3: RealS3 | undefined =
  endpoint === undefined ? undefined : { endpoint, bucket, env: { ...process.env } };

/** A client for what the port doesn't offer, such as harm. */
export function rawClient({ endpoint: url, bucket: name, env }: RealS3): S3Client {
  const loadChain = (): Promise<never> => Promise.reject(new Error('set AWS_ACCESS_KEY_ID'));
  return new S3Client({
    address: { bucket: name, prefix: '' },
    region: env['AWS_REGION'],
    endpoint: url,
    pathStyle: true,
    stsEndpoint: undefined,
    credentials: new CredentialSource({ env, now: Date.now, loadChain }),
    wire: { ...DEFAULTS, ca: undefined },
    attempts: DEFAULTS.attempts,
    now: Date.now,
    random: Math.random,
    signal: undefined,
  });
}
