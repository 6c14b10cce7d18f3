import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { BucketPolicy, IdentityPolicy, PolicyDocument } from '../../src/model/manifest-report.ts';
import { elementsOf, textOf } from '../../src/store/s3-xml.ts';
import { rawClient, type RealS3 } from './real-s3.ts';

/** URL of the IAM and STS of the real S3 server; undefined where it has none. */
export const IAM = process.env['DATAWF_TEST_IAM_ENDPOINT'];

/** Someone of the server's IAM. */
export interface Person {
  readonly name: string;
  readonly arn: string;
  /** What they have in their surroundings. */
  readonly env: Readonly<Record<string, string>>;
}

/** Asks the IAM or STS as root; answers the XML. Throws where it refuses. */
function askIam(server: RealS3, fields: Readonly<Record<string, string>>): string {
  const { AWS_ACCESS_KEY_ID: key = '', AWS_SECRET_ACCESS_KEY: secret = '' } = server.env;
  const form = Object.entries({ Version: '2010-05-08', ...fields });
  return execFileSync(
    'curl',
    [
      ...['-sS', '--fail-with-body', '--aws-sigv4', 'aws:amz:us-east-1:iam', '--user', `${key}:${secret}`],
      ...['-H', 'Content-Type: application/x-www-form-urlencoded'],
      ...form.flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
      `${IAM ?? ''}/`,
    ],
    { encoding: 'utf8' },
  );
}

/** A new person with keys and no rights; gone when the test ends. */
export function openPerson(server: RealS3, role: string): Person {
  const name = `${role}-${randomUUID().slice(0, 8)}`;
  const arn = textOf(askIam(server, { Action: 'CreateUser', UserName: name }), 'Arn') ?? '';
  const made = askIam(server, { Action: 'CreateAccessKey', UserName: name });
  const [key = '', secret = ''] = ['AccessKeyId', 'SecretAccessKey'].map((tag) => textOf(made, tag));
  onTestFinished(() => {
    askIam(server, { Action: 'DeleteAccessKey', UserName: name, AccessKeyId: key });
    try {
      askIam(server, { Action: 'DeleteUserPolicy', UserName: name, PolicyName: POLICY });
    } catch {
      // They never got one.
    }
    askIam(server, { Action: 'DeleteUser', UserName: name });
  });
  return {
    name,
    arn,
    env: {
      AWS_ACCESS_KEY_ID: key,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: server.env['AWS_REGION'] ?? 'us-east-1',
      AWS_ENDPOINT_URL_STS: IAM ?? '',
    },
  };
}

const POLICY = 'datawf';

/** Gives a person a policy, in place of the one they had. */
export function allowPerson(server: RealS3, { name }: Person, document: PolicyDocument): void {
  const PolicyDocument = JSON.stringify(document);
  askIam(server, { Action: 'PutUserPolicy', UserName: name, PolicyName: POLICY, PolicyDocument });
}

/** Makes the role of a printed policy, or gives it another policy; gone when the test ends. */
export function allowRole(server: RealS3, { role, trust, document }: IdentityPolicy): void {
  const RoleName = role?.slice(role.lastIndexOf('/') + 1) ?? '';
  const PolicyDocument = JSON.stringify(document);
  try {
    const AssumeRolePolicyDocument = JSON.stringify(trust);
    askIam(server, { Action: 'CreateRole', RoleName, AssumeRolePolicyDocument });
    onTestFinished(() => {
      askIam(server, { Action: 'DeleteRolePolicy', RoleName, PolicyName: POLICY });
      askIam(server, { Action: 'DeleteRole', RoleName });
    });
  } catch (error) {
    if (!String((error as { stdout?: string }).stdout).includes('EntityAlreadyExists')) throw error;
  }
  askIam(server, { Action: 'PutRolePolicy', RoleName, PolicyName: POLICY, PolicyDocument });
}

/** A bucket of the running test's own; gone with all in it when the test ends. */
export async function openBucket(server: RealS3): Promise<RealS3> {
  const own = { ...server, bucket: `datawf-test-${randomUUID().slice(0, 8)}` };
  const client = rawClient(own);
  await client.send({ method: 'PUT', action: 's3:CreateBucket' });
  onTestFinished(async () => {
    await client.send({
      method: 'DELETE',
      action: 's3:DeleteBucketPolicy',
      query: { policy: '' },
      accept: [404],
    });
    for (const key of await keysOf(own, ''))
      await client.send({ method: 'DELETE', action: 's3:DeleteObject', key });
    await client.send({ method: 'DELETE', action: 's3:DeleteBucket', accept: [404, 409] });
    client.close();
  });
  return own;
}

/** Puts a bucket's policy in place, as it is printed. */
export async function guardBucket(server: RealS3, { bucket, policy }: BucketPolicy): Promise<void> {
  const client = rawClient({ ...server, bucket });
  const body = Buffer.from(JSON.stringify(policy));
  await client.send({ method: 'PUT', action: 's3:PutBucketPolicy', query: { policy: '' }, body });
  client.close();
}

/** Every key below a prefix with the digest of its bytes, as root sees it. */
export async function contentBelow(
  server: RealS3,
  prefix: string,
): Promise<Readonly<Record<string, string>>> {
  const client = rawClient(server);
  const found: Record<string, string> = {};
  for (const key of await keysOf(server, prefix)) {
    const { body } = await client.send({ method: 'GET', action: 's3:GetObject', key });
    found[key] = createHash('sha256').update(body).digest('hex');
  }
  client.close();
  return found;
}

async function keysOf(server: RealS3, prefix: string): Promise<readonly string[]> {
  const client = rawClient(server);
  const keys: string[] = [];
  for (let after = ''; ;) {
    const query = { 'list-type': '2', prefix, ...(after === '' ? {} : { 'continuation-token': after }) };
    const answer = await client.send({ method: 'GET', action: 's3:ListBucket', query });
    const xml = answer.body.toString();
    for (const entry of elementsOf(xml, 'Contents')) keys.push(textOf(entry, 'Key') ?? '');
    after = textOf(xml, 'NextContinuationToken') ?? '';
    if (textOf(xml, 'IsTruncated') !== 'true' || after === '') break;
  }
  client.close();
  return keys;
}
