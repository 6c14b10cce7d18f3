import { pathFault } from '../model/repo-path.ts';
import { invalid } from '../model/problem.ts';

/** A prefix in a bucket. */
export interface S3Address {
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
}

/** Where requests for a bucket go. */
export interface S3Endpoint {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly host: string;
  /** What stands before `/key`: empty, or `/bucket`. */
  readonly base: string;
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;

/** Reads `s3://bucket/prefix`; raises `store-url` (exit 2) for anything else. */
export function parseS3Url(url: string): S3Address {
  const match = /^s3:\/\/([^/]+)(?:\/(.*?))?\/?$/s.exec(url);
  const [, bucket = '', path = ''] = match ?? [];
  const fault = !BUCKET.test(bucket)
    ? 'has no bucket that S3 allows'
    : path === ''
      ? undefined
      : pathFault(path);
  if (fault !== undefined) {
    throw invalid(
      'store-url',
      `the store's url ${JSON.stringify(url)} ${fault}`,
      'Write it as s3://bucket/prefix.',
    );
  }
  return { bucket, prefix: path === '' ? '' : `${path}/` };
}

/** What an endpoint is made from; without `endpoint` it is AWS's own of the region. */
export interface EndpointParts {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
}

/** Raises `store-endpoint` (exit 2) where the endpoint is no http(s) URL. */
export function endpointOf({ bucket, region, endpoint, pathStyle }: EndpointParts): S3Endpoint {
  const url = endpoint === undefined ? awsEndpoint(region) : parseEndpoint(endpoint);
  const secure = url.protocol === 'https:';
  const inPath = pathStyle || (secure && bucket.includes('.')) || /^[\d.]+$|:/.test(url.hostname);
  const hostname = inPath ? url.hostname : `${bucket}.${url.hostname}`;
  return {
    secure,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    host: url.port === '' ? hostname : `${hostname}:${url.port}`,
    base: `${url.pathname.replace(/\/+$/, '')}${inPath ? `/${bucket}` : ''}`,
  };
}

function awsEndpoint(region: string): URL {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return new URL(`https://s3.${/^[a-z0-9-]+$/.test(region) ? region : 'us-east-1'}.${domain}`);
}

/** An endpoint as a URL; raises `store-endpoint` (exit 2) where it is none. */
export function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '')
    return url;
  throw invalid(
    'store-endpoint',
    `the store's endpoint ${JSON.stringify(endpoint)} is no URL of a server`,
    'Write it as https://host or https://host:port, without a name or password.',
  );
}

/** A key as the path of a request: each byte but letters, digits and `-._~/` percent-encoded, as signatures want it. */
export function encodeKey(key: string): string {
  return /^[\w.~/-]*$/.test(key) ? key : key.split('/').map(encodeStrictly).join('/');
}

/** A query with its names sorted, encoded as signatures want it; empty for none. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encodeStrictly(name)}=${encodeStrictly(query[name] ?? '')}`)
    .join('&');
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
