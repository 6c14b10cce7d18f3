import { encodeKey } from './s3-address.ts';
import type { S3Client } from './s3-client.ts';
import { isThere } from './s3-presence.ts';
import { CREATE_ONLY } from './s3-put.ts';
import type { PartsCopy } from './s3-sdk.ts';
import { LONG_IDLE_MS, partBytesFor } from './s3-upload.ts';

/** An object to copy between two prefixes or buckets of one service. */
export interface CopyRequest {
  /** Of the bucket that is written. */
  readonly client: S3Client;
  readonly key: string;
  readonly source: { readonly client: S3Client; readonly key: string };
  readonly createOnly: boolean;
  /** Whatever is under the key. */
  readonly replaces?: boolean;
  /** See `S3Tuning.copyBytes`. */
  readonly partBytes: number;
  readonly copyInParts: (copy: PartsCopy) => Promise<boolean>;
  /** Reads the source before it is copied, and throws where it isn't right. */
  readonly check?: (() => Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * True where the object is there then; false where the server wouldn't copy it (another account's, or one without copies), so
 * that its bytes have to be moved; undefined where the source has none.
 */
export async function copyWithin(request: CopyRequest): Promise<boolean | undefined> {
  const { client, key, source, createOnly, replaces = false, check, signal } = request;
  if (!replaces && (await isThere(client, key, signal))) return true;
  const version = check === undefined ? undefined : await versionOf(request);
  if (check !== undefined && version === undefined) return undefined;
  await check?.();
  const answer = await client.send({
    method: 'PUT',
    action: 's3:PutObject',
    key,
    headers: {
      'x-amz-copy-source': `/${source.client.address.bucket}/${encodeKey(source.key)}`,
      ...(version === undefined ? {} : { 'x-amz-copy-source-if-match': version }),
      ...(createOnly ? CREATE_ONLY : {}),
    },
    accept: [400, 403, 404, 405, 412, 501],
    idleMs: LONG_IDLE_MS,
    signal,
  });
  if (answer.status === 404) return undefined;
  // 5 GiB is all that one request copies; what is smaller was refused for another reason.
  if (answer.status === 400) return copyLarge(request, version);
  // Somebody was quicker, or the source is another one than was checked.
  if (answer.status === 412) return version === undefined || (await isThere(client, key, signal));
  return answer.status < 300 && !/<Error[\s>]/.test(answer.body.toString());
}

/** The source's ETag; undefined where there is no such object. */
async function versionOf({ source, signal }: CopyRequest): Promise<string | undefined> {
  const head = { method: 'HEAD', action: 's3:GetObject', key: source.key, accept: [404], signal } as const;
  const answer = await source.client.send(head);
  return answer.status === 404 ? undefined : (answer.headers['etag'] ?? '');
}

async function copyLarge(request: CopyRequest, version: string | undefined): Promise<boolean> {
  const { client, key, source, createOnly, signal } = request;
  const { headers } = await source.client.send({
    method: 'HEAD',
    action: 's3:GetObject',
    key: source.key,
    signal,
  });
  const size = Number(headers['content-length']);
  if (!(size > request.partBytes)) return false;
  return request.copyInParts({
    from: { bucket: source.client.address.bucket, key: source.key, version },
    to: { bucket: client.address.bucket, key },
    size,
    partBytes: partBytesFor(size, request.partBytes),
    createOnly,
    onRequest: () => client.traffic.requests++,
    signal,
  });
}
