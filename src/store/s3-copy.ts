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
  const seen = check === undefined ? undefined : await lookUp(request);
  if (check !== undefined && seen === undefined) return undefined;
  await check?.();
  const answer = await client.send({
    method: 'PUT',
    action: 's3:PutObject',
    key,
    headers: {
      'x-amz-copy-source': `/${source.client.address.bucket}/${encodeKey(source.key)}`,
      ...(seen === undefined ? {} : { 'x-amz-copy-source-if-match': seen.version }),
      ...(createOnly ? CREATE_ONLY : {}),
    },
    accept: [400, 403, 404, 405, 412, 501],
    idleMs: LONG_IDLE_MS,
    signal,
  });
  if (answer.status === 404) return undefined;
  // 5 GiB is all that one request copies; what is smaller was refused for another reason.
  if (answer.status === 400) return copyLarge(request, seen);
  // Somebody was quicker, or the source is another one than was checked.
  if (answer.status === 412) return seen === undefined || (await isThere(client, key, signal));
  return answer.status < 300 && !/<Error[\s>]/.test(answer.body.toString());
}

interface Seen {
  /** Its ETag. */
  readonly version: string;
  /** Bytes. */
  readonly size: number;
}

/** The source as it is; undefined where there is no such object. */
async function lookUp({ source, signal }: CopyRequest): Promise<Seen | undefined> {
  const head = { method: 'HEAD', action: 's3:GetObject', key: source.key, accept: [404], signal } as const;
  const { status, headers } = await source.client.send(head);
  if (status === 404) return undefined;
  return { version: headers['etag'] ?? '', size: Number(headers['content-length']) };
}

/** Copies the source in parts, only if it still is the one that was `checked`. */
async function copyLarge(request: CopyRequest, checked: Seen | undefined): Promise<boolean | undefined> {
  const { client, key, source, createOnly, signal } = request;
  const found = checked ?? (await lookUp(request));
  if (found === undefined) return undefined;
  const { size } = found;
  if (!(size > request.partBytes)) return false;
  return request.copyInParts({
    from: { bucket: source.client.address.bucket, key: source.key, version: checked?.version },
    to: { bucket: client.address.bucket, key },
    size,
    partBytes: partBytesFor(size, request.partBytes),
    createOnly,
    onRequest: () => client.traffic.requests++,
    signal,
  });
}
