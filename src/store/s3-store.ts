import { mkdirSync, readFileSync } from 'node:fs';
import { fsProblem } from '../disk/fs-problem.ts';
import { invalid } from '../model/problem.ts';
import { parseS3Url } from './s3-address.ts';
import { S3Bucket } from './s3-bucket.ts';
import { S3Client } from './s3-client.ts';
import { CredentialSource, regionOf } from './s3-credentials.ts';
import type { SdkOptions } from './s3-sdk.ts';
import { S3Shelf } from './s3-shelf.ts';
import { DEFAULTS, type S3Tuning } from './s3-tuning.ts';
import type { Shelf } from './shelf.ts';
import { S3Source, type SourceTree } from './source-tree.ts';
import type { Store } from './store.ts';

/** What a store in a bucket is opened with. */
export interface S3StoreOptions {
  /** `s3://bucket/prefix`. */
  readonly url: string;
  /** Else the environment's, the profile's, or what the bucket says. */
  readonly region?: string;
  /** URL of an S3-compatible server; else the environment's (`AWS_ENDPOINT_URL_S3`), or AWS. */
  readonly endpoint?: string;
  /** Whether the bucket stands in the path instead of the host's name. */
  readonly pathStyle: boolean;
  /** Absolute path of a PEM file: authorities to trust besides the usual ones. */
  readonly ca?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly random: () => number;
  /** For what was learnt of the store and how far uploads came; made where absent. */
  readonly tempFolder: string;
  /** Ends whatever is under way, also of calls that take no signal. */
  readonly signal?: AbortSignal;
  readonly tuning?: Partial<S3Tuning>;
}

/**
 * The store in a bucket; asks it nothing yet. Raises `store-url`, `store-endpoint` (exit 2), or why the `ca` file can't be
 * read. Credentials come from the environment's keys, else from AWS's standard chain, when the first request needs them.
 */
export async function openS3Store(options: S3StoreOptions): Promise<Store> {
  return openParts(options).store;
}

/** A prefix to publish to: its store lies below it in `.datawf/`. As `openS3Store`. */
export async function openS3Shelf(options: S3StoreOptions): Promise<Shelf> {
  const { store, client } = openParts({ ...options, url: `${options.url.replace(/\/+$/, '')}/.datawf` });
  return new S3Shelf(store, client);
}

/** A prefix or an object of somebody else's, to be read. As `openS3Store`. */
export async function openS3Source(options: S3StoreOptions): Promise<SourceTree> {
  return new S3Source(openParts(options).client);
}

function openParts(options: S3StoreOptions): { readonly store: S3Bucket; readonly client: S3Client } {
  const { env, now, random } = options;
  const tuning = { ...DEFAULTS, ...options.tuning };
  const region = options.region ?? regionOf(env);
  const ca = options.ca ?? env['AWS_CA_BUNDLE'];
  const sdk: SdkOptions = {
    region: region ?? 'us-east-1',
    endpoint: options.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'],
    pathStyle: options.pathStyle,
    ca: ca === undefined ? undefined : readAuthorities(ca),
    profile: env['AWS_PROFILE'],
  };
  const loadChain = async () => (await import('./s3-sdk.ts')).loadChain(sdk);
  const credentials = new CredentialSource({ env, now, loadChain });
  const client = new S3Client({
    address: parseS3Url(options.url),
    region,
    endpoint: sdk.endpoint,
    pathStyle: sdk.pathStyle,
    stsEndpoint: env['AWS_ENDPOINT_URL_STS'],
    credentials,
    wire: { ...tuning, ca: sdk.ca },
    attempts: tuning.attempts,
    now,
    random,
    signal: options.signal,
  });
  mkdirSync(options.tempFolder, { recursive: true });
  const store = new S3Bucket(client, {
    tuning,
    now,
    tempFolder: options.tempFolder,
    copyInParts: async (copy) => {
      const { copyInParts } = await import('./s3-sdk.ts');
      return copyInParts({ ...sdk, region: client.region, credentials: () => credentials.identity() }, copy);
    },
  });
  return { store, client };
}

function readAuthorities(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fsProblem(error, 'read', file);
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw invalid('store-ca', `${file} has no certificate`, "Name a PEM file as the store's `ca`.");
}
