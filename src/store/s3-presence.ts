import { isDigest, type Digest } from '../model/digest.ts';
import type { S3Client } from './s3-client.ts';
import { listKeysOfAll, listPage, type ListedKey } from './s3-list.ts';
import { inParallel } from './s3-slots.ts';

/** Asked one by one up to here; beyond, a listing may say it with fewer requests. */
const FEW = 16;
const PAGE_KEYS = 1000;
const PAIRS = 256;
/** HEADs at once. */
const WIDTH = 64;

export interface PresenceRequest {
  readonly client: S3Client;
  /** Of the store, then `objects/`. */
  readonly prefix: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Those of the digests that aren't below the prefix. A few are asked for one by one. Of many, one page says how much
 * there is, since digests are spread evenly: where it holds all, that was it; else their folders (256 at most) are listed,
 * or the digests asked for one by one, whichever takes fewer requests.
 */
export async function missingOf(
  digests: readonly Digest[],
  request: PresenceRequest,
): Promise<readonly Digest[]> {
  const { client, prefix, signal } = request;
  if (digests.length <= FEW) return missingByHead(digests, request);
  const first = await listPage(client, { prefix, signal });
  const held = new Set<string>();
  const note = ({ key }: ListedKey): void => void held.add(key.slice(prefix.length + 3));
  if (first.next === undefined) {
    for (const entry of first.keys) note(entry);
    return digests.filter((digest) => !held.has(digest));
  }
  const pairs = [...new Set(digests.map((digest) => digest.slice(0, 2)))];
  const pages = pairs.length * Math.max(1, estimateKeys(first.keys, prefix) / PAGE_KEYS / PAIRS);
  if (digests.length <= pages) return missingByHead(digests, request);
  const folders = pairs.map((pair) => `${prefix}${pair}/`);
  for await (const entry of listKeysOfAll(client, folders, signal)) note(entry);
  return digests.filter((digest) => !held.has(digest));
}

/** Whether a key is there; one HEAD. */
export async function isThere(client: S3Client, key: string, signal?: AbortSignal): Promise<boolean> {
  const answer = await client.send({ method: 'HEAD', action: 's3:GetObject', key, accept: [404], signal });
  return answer.status !== 404;
}

/** The digest that a key below the prefix names; undefined for anything else that lies there. */
function digestOfKey(key: string, prefix: string): Digest | undefined {
  const digest = key.slice(prefix.length + 3);
  return isDigest(digest) && key === `${prefix}${digest.slice(0, 2)}/${digest}` ? digest : undefined;
}

/** Keys below the prefix, several folders at once where there are many. */
export async function* listDigests(
  request: PresenceRequest,
): AsyncIterable<{ readonly digest: Digest; readonly size: number; readonly since: number }> {
  const { client, prefix, signal } = request;
  const first = await listPage(client, { prefix, signal });
  const folders = Array.from({ length: PAIRS }, (_, at) => `${prefix}${at.toString(16).padStart(2, '0')}/`);
  const entries = first.next === undefined ? first.keys : listKeysOfAll(client, folders, signal);
  for await (const { key, size, since } of entries) {
    const digest = digestOfKey(key, prefix);
    if (digest !== undefined) yield { digest, size, since };
  }
}

async function missingByHead(
  digests: readonly Digest[],
  request: PresenceRequest,
): Promise<readonly Digest[]> {
  const { client, prefix, signal } = request;
  const missing = new Set<Digest>();
  await inParallel(digests, WIDTH, async (digest) => {
    if (!(await isThere(client, `${prefix}${digest.slice(0, 2)}/${digest}`, signal))) missing.add(digest);
  });
  return digests.filter((digest) => missing.has(digest));
}

/** How many keys there are in all when these come first: the last one tells how far into all of them they reach. */
function estimateKeys(keys: readonly ListedKey[], prefix: string): number {
  const last = keys.at(-1)?.key.slice(prefix.length).replace('/', '').slice(2, 10) ?? '';
  const share = (Number.parseInt(last, 16) + 1) / 2 ** 32;
  return Number.isNaN(share) ? keys.length : keys.length / share;
}
