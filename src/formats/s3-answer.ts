/** S3's answers in XML, as docs.aws.amazon.com has them (API Reference, 2006-03-01). */

/** A key of a listing. */
export interface S3Key {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
}

/** A page of a listing, and how it was asked for. */
export interface S3Page {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  /** Keys and common prefixes at most. */
  readonly limit: number;
  /** ListObjects instead of ListObjectsV2. */
  readonly isFirstVersion: boolean;
  /** Names are percent-encoded (`encoding-type=url`). */
  readonly encodes: boolean;
  /** `start-after`, or `marker` of the first version. */
  readonly after: string;
  readonly token: string | undefined;
  readonly keys: readonly S3Key[];
  readonly folders: readonly string[];
  /** Of the page behind: a token, or a key in the first version; undefined for the last page. */
  readonly next: string | undefined;
  /** Epoch milliseconds, of all keys. */
  readonly time: number;
}

export function listingXml(page: S3Page): string {
  const { isFirstVersion, folders, keys, next } = page;
  const encode = page.encodes ? encodeUrl : (text: string): string => text;
  const optional = (name: string, text: string | undefined): string =>
    text === undefined || text === '' ? '' : element(name, text);
  const time = new Date(page.time).toISOString();
  const head = [
    element('Name', page.bucket),
    element('Prefix', encode(page.prefix)),
    optional('Delimiter', encode(page.delimiter)),
    element('MaxKeys', String(page.limit)),
    page.encodes ? element('EncodingType', 'url') : '',
    element('IsTruncated', String(next !== undefined)),
  ];
  const place = isFirstVersion
    ? [element('Marker', encode(page.after)), optional('NextMarker', next && encode(next))]
    : [
        element('KeyCount', String(keys.length + folders.length)),
        optional('StartAfter', encode(page.after)),
        optional('ContinuationToken', page.token),
        optional('NextContinuationToken', next),
      ];
  const contents = keys.map(({ key, size, etag }) =>
    [
      '<Contents>',
      element('Key', encode(key)),
      element('LastModified', time),
      element('ETag', `"${etag}"`),
      element('Size', String(size)),
      '<StorageClass>STANDARD</StorageClass></Contents>',
    ].join(''),
  );
  const prefixes = folders.map(
    (folder) => `<CommonPrefixes>${element('Prefix', encode(folder))}</CommonPrefixes>`,
  );
  return s3Document('ListBucketResult', [...head, ...place, ...contents, ...prefixes].join(''));
}

/** Buckets with their times in epoch milliseconds. */
export function bucketsXml(buckets: readonly { readonly name: string; readonly time: number }[]): string {
  const rows = buckets.map(
    ({ name, time }) =>
      `<Bucket>${element('Name', name)}${element('CreationDate', new Date(time).toISOString())}</Bucket>`,
  );
  const owner = '<Owner><ID>datawf</ID><DisplayName>datawf</DisplayName></Owner>';
  return s3Document('ListAllMyBucketsResult', `${owner}<Buckets>${rows.join('')}</Buckets>`);
}

/** What S3 says instead of an answer; `place` is the bucket or key. */
export function errorXml(code: string, message: string, place: string): string {
  return `${HEAD}<Error>${element('Code', code)}${element('Message', message)}${element('Resource', place)}<RequestId>datawf</RequestId></Error>`;
}

/** An answer with nothing but a root, such as `VersioningConfiguration`. */
export function s3Document(root: string, inside = ''): string {
  return `${HEAD}<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</${root}>`;
}

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex -- what XML can't hold as it is
  return text.replace(/[<>&"\u0000-\u001f]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** As S3 does it: `/` stays. */
function encodeUrl(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/');
}
