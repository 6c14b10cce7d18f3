import type { EnvironmentConfig } from '../model/config.ts';
import type {
  BucketPolicy,
  IdentityPolicy,
  PolicyDocument,
  PolicyStatement,
  S3Manifest,
} from '../model/manifest-report.ts';
import { invalid } from '../model/problem.ts';
import { arnOf, type EnvironmentPlaces, type Place } from './manifest-places.ts';

export interface S3ManifestRequest {
  readonly places: readonly EnvironmentPlaces[];
  /** Names of the environments whose policies are asked for; bucket policies are of all. */
  readonly wanted: ReadonlySet<string>;
  /** URL of the cluster's issuer of tokens. */
  readonly issuer: string;
  /** ARNs of others who may write where the environments without placeholders write. */
  readonly writers: readonly string[];
  readonly warn: (code: string, message: string, hint: string) => void;
}

/** What to tell IAM and the buckets, so that each environment's identity can do what the configuration says and nothing else. */
export function s3Manifest(request: S3ManifestRequest): S3Manifest {
  const { places, wanted } = request;
  return {
    policies: places
      .filter(({ environment }) => wanted.has(environment.name))
      .flatMap((of) => endpointsOf(of).map((endpoint) => identityPolicy(request, of, endpoint))),
    buckets: bucketPolicies(request),
  };
}

function endpointsOf({ read, publish }: EnvironmentPlaces): readonly (string | undefined)[] {
  return [...new Set([...read, ...(publish === undefined ? [] : [publish])].map(({ endpoint }) => endpoint))];
}

function identityPolicy(
  request: S3ManifestRequest,
  of: EnvironmentPlaces,
  endpoint: string | undefined,
): IdentityPolicy {
  const { environment } = of;
  const role = roleOf(environment);
  return {
    environment: environment.name,
    endpoint: endpoint ?? null,
    name: `datawf-${environment.name}`,
    role: role ?? null,
    document: { Version: '2012-10-17', Statement: statementsOf(of, endpoint) },
    trust:
      role === undefined || environment.executor !== 'kubernetes'
        ? null
        : trustPolicy(environment, role, request.issuer),
  };
}

const READ = ['s3:GetObject'];
const WRITE = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];
/** What gc clears and running commands say of themselves; a store's own explanation isn't among it. */
const CLEARED = ['objects', 'trees', 'results', 'keys', 'runs', 'logs', 'refs'];

function statementsOf(of: EnvironmentPlaces, endpoint: string | undefined): readonly PolicyStatement[] {
  const isHere = (place: Place | undefined): place is Place =>
    place !== undefined && place.endpoint === endpoint;
  const write = [of.write].filter(isHere);
  const publish = [of.publish].filter(isHere);
  const readers = of.readers.filter(isHere);
  const seen = [...of.read.filter(isHere), ...readers, ...publish];
  const cleared = write.flatMap((place) =>
    place.isShared ? [arnOf(place)] : CLEARED.map((folder) => arnOf(place, `${folder}/*`)),
  );
  const statements: readonly (PolicyStatement | undefined)[] = [
    ...listStatements(seen),
    allow(
      'Read',
      READ,
      seen.map((place) => arnOf(place)),
    ),
    allow(
      'Write',
      WRITE,
      [...write, ...publish].map((place) => arnOf(place)),
    ),
    allow('Clear', ['s3:DeleteObject'], [...cleared, ...publish.map((place) => arnOf(place))]),
    allow(
      'AnnounceClearing',
      ['s3:PutObject', 's3:DeleteObject'],
      readers.map((place) => arnOf(place, 'runs/sweeping.json')),
    ),
  ];
  return statements.filter((statement) => statement !== undefined);
}

function allow(
  Sid: string,
  Action: readonly string[],
  Resource: readonly string[],
): PolicyStatement | undefined {
  return Resource.length === 0 ? undefined : { Sid, Effect: 'Allow', Action, Resource };
}

/**
 * Listing below the prefixes. `IfExists`: S3 takes the right to list, without a prefix then, for telling who asks for one object
 * that it isn't there.
 */
function listStatements(places: readonly Place[]): readonly PolicyStatement[] {
  const buckets = [...new Set(places.map(({ bucket }) => bucket))];
  return buckets.map((bucket, index) => {
    const prefixes = places
      .filter((place) => place.bucket === bucket)
      .map(({ prefix }) => (prefix === '' ? '*' : `${prefix}/*`));
    return {
      Sid: index === 0 ? 'List' : `List${index + 1}`,
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [`arn:aws:s3:::${bucket}`],
      Condition: { StringLikeIfExists: { 's3:prefix': [...new Set(prefixes)] } },
    };
  });
}

/** The role that an environment names, where it does. */
function roleOf({ credentials }: EnvironmentConfig): string | undefined {
  return credentials !== undefined && 'role' in credentials ? credentials.role : undefined;
}

const ROLE = /^arn:([\w-]+):iam::(\d*):role\/(.+)$/;

function partsOfRole(environment: EnvironmentConfig, role: string) {
  const [, partition, account, path] = ROLE.exec(role) ?? [];
  if (partition !== undefined && account !== undefined && path !== undefined)
    return { partition, account, name: path.slice(path.lastIndexOf('/') + 1) };
  throw invalid(
    'not-a-role',
    `credentials.role of the environment ${environment.name} is ${JSON.stringify(role)}, which is no ARN of a role`,
    'Write it as arn:aws:iam::123456789012:role/NAME.',
  );
}

function trustPolicy(environment: EnvironmentConfig, role: string, issuer: string): PolicyDocument {
  const { partition, account } = partsOfRole(environment, role);
  const provider = issuer.replace(/^https:\/\//, '').replace(/\/$/, '');
  const any = (text: string): string => text.replace(/\{\w+\}/g, '*');
  const subject = `system:serviceaccount:${any(environment.namespace ?? 'default')}:${any(environment.serviceAccount ?? 'default')}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'ServiceAccounts',
        Effect: 'Allow',
        Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${provider}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { [`${provider}:aud`]: 'sts.amazonaws.com' },
          StringLike: { [`${provider}:sub`]: subject },
        },
      },
    ],
  };
}

/**
 * Denials for the prefixes that belong to nobody in particular, so production's: also somebody with rights on the whole bucket can't
 * write there by mistake.
 */
function bucketPolicies(request: S3ManifestRequest): readonly BucketPolicy[] {
  const buckets = new Map<string, { place: Place; statements: PolicyStatement[] }>();
  for (const { environment, place } of guardedPlaces(request)) {
    const writers = writersOf(request, place);
    if (writers.length === 0) {
      request.warn(
        'unguarded-prefix',
        `no bucket policy guards s3://${place.bucket}/${place.prefix}: the environment ${environment.name} names no role`,
        `Name one (environments.${environment.name}.credentials.role), or say who else may write there: --writer ARN`,
      );
      continue;
    }
    const key = `${place.endpoint ?? ''} ${place.bucket}`;
    const statements: PolicyStatement[] = buckets.get(key)?.statements ?? [];
    buckets.set(key, { place, statements });
    statements.push(...denials(request, place, { writers, first: statements.length + 1 }));
  }
  return [...buckets.values()].map(({ place, statements }) => ({
    bucket: place.bucket,
    endpoint: place.endpoint ?? null,
    policy: { Version: '2012-10-17', Statement: statements },
  }));
}

const WRITES = ['s3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObjectAcl'];

/** For all but the writers; and by name for the other environments' roles, since not every server knows who asks in a condition. */
function denials(
  { places }: S3ManifestRequest,
  place: Place,
  { writers, first }: { readonly writers: readonly string[]; readonly first: number },
): readonly PolicyStatement[] {
  const denial = { Effect: 'Deny', Action: WRITES, Resource: [arnOf(place)] } as const;
  const others = places.flatMap(({ environment }) => roleOf(environment) ?? []);
  const strangers = [...new Set(others)].filter((role) => !writers.includes(role));
  const named: PolicyStatement = {
    Sid: `OthersDoNotWrite${first + 1}`,
    ...denial,
    Principal: { AWS: strangers },
  };
  return [
    {
      Sid: `OnlyItsOwnWrite${first}`,
      ...denial,
      Principal: '*',
      Condition: {
        ArnNotLike: { 'aws:PrincipalArn': writers },
        Null: { 'aws:PrincipalArn': 'false' },
      },
    },
    ...(strangers.length === 0 ? [] : [named]),
  ];
}

function guardedPlaces({ places }: S3ManifestRequest) {
  const guarded = new Map<string, { environment: EnvironmentConfig; place: Place }>();
  for (const { environment, write, publish } of places) {
    for (const place of [write, publish]) {
      if (place === undefined || place.isShared) continue;
      const name = `${place.endpoint ?? ''} ${arnOf(place)}`;
      if (!guarded.has(name) || roleOf(environment) !== undefined) guarded.set(name, { environment, place });
    }
  }
  return guarded.values();
}

/** ARNs of those that an environment lets write to a place: roles, as they sign and as their sessions do. */
function writersOf({ places, writers }: S3ManifestRequest, place: Place): readonly string[] {
  const arns = places.flatMap(({ environment, write, publish, readers }) => {
    const role = roleOf(environment);
    const isWriter = [write, publish, ...readers].some(
      (own) => own?.endpoint === place.endpoint && own !== undefined && arnOf(own) === arnOf(place),
    );
    if (role === undefined || !isWriter) return [];
    const { partition, account, name } = partsOfRole(environment, role);
    return [role, `arn:${partition}:sts::${account}:assumed-role/${name}/*`];
  });
  return [...new Set([...arns, ...writers])];
}
