import type { S3Client } from './s3-client.ts';
import type { S3Guard } from './s3-guard.ts';
import { isThere } from './s3-presence.ts';

/** Small bytes to write under a key. */
export interface PutRequest {
  readonly client: S3Client;
  readonly guard: S3Guard;
  /** Whole. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The key says what the bytes are, so that writing them twice changes nothing. */
  readonly isNamedByContent: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes unless the key is there, and answers whether it did. One request where the server honours create-only writes;
 * elsewhere a HEAD comes first for bytes that their key doesn't name, and two writers at once may both win.
 */
export async function createKey(request: PutRequest): Promise<boolean> {
  const { client, guard, key, bytes, isNamedByContent, signal } = request;
  const createOnly = await guard.prepare();
  const put = { method: 'PUT', action: 's3:PutObject', key, body: bytes, signal } as const;
  if (createOnly) {
    const answer = await client.send({ ...put, headers: CREATE_ONLY, accept: [412] });
    if (answer.status !== 412) return true;
    return answer.retries > 0 && !isNamedByContent && (await holds(client, key, bytes));
  }
  if (!isNamedByContent && (await isThere(client, key, signal))) return false;
  await client.send(put);
  return true;
}

/** Writes, whatever was there. */
export async function replaceKey(client: S3Client, key: string, bytes: Uint8Array): Promise<void> {
  await client.send({ method: 'PUT', action: 's3:PutObject', key, body: bytes });
}

/** Header of a write that must not replace anything. */
export const CREATE_ONLY = { 'if-none-match': '*' } as const;

/** A first try may have got through although its answer was lost: then what is there is ours. */
async function holds(client: S3Client, key: string, bytes: Uint8Array): Promise<boolean> {
  const answer = await client.send({ method: 'GET', action: 's3:GetObject', key, accept: [404] });
  return answer.status !== 404 && answer.body.equals(bytes);
}
