import { damaged } from '../model/problem.ts';
import type { S3Client } from './s3-client.ts';
import { elementsOf, textOf } from './s3-xml.ts';

/** A key as a listing shows it. */
export interface ListedKey {
  readonly key: string;
  readonly size: number;
  /** When it was written by this machine's clock: epoch milliseconds, never too early. */
  readonly since: number;
  /** As the server has it, with its quotes; empty where it says none. */
  readonly etag: string;
}

export interface Page {
  readonly keys: readonly ListedKey[];
  /** What stands up to the delimiter, with it. */
  readonly folders: readonly string[];
  /** Where the next page begins; undefined for the last. */
  readonly next: string | undefined;
}

export interface ListRequest {
  /** Whole, with the store's own. */
  readonly prefix: string;
  readonly delimiter?: '/';
  /** At most; 1,000 where not given, which is also S3's limit. */
  readonly limit?: number;
  /** Of the page before. */
  readonly from?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One page of a listing, by the bytes of the keys. One request; only keys below the prefix are believed. */
export async function listPage(client: S3Client, request: ListRequest): Promise<Page> {
  const { prefix, delimiter, limit, from, signal } = request;
  const answer = await client.send({
    method: 'GET',
    action: 's3:ListBucket',
    query: {
      'list-type': '2',
      'encoding-type': 'url',
      prefix,
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(limit === undefined ? {} : { 'max-keys': String(Math.max(1, Math.min(limit, 1000))) }),
      ...(from === undefined ? {} : { 'continuation-token': from }),
    },
    signal,
  });
  const xml = answer.body.toString();
  if (!/<ListBucketResult[\s>]/.test(xml.slice(0, 1000))) throw badListing(client, 'has another form');
  const decode = textOf(xml, 'EncodingType') === 'url' ? decodeUrl : (text: string): string => text;
  const next = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : undefined;
  if (next !== undefined && next === from) throw badListing(client, 'leads in a circle');
  const behind = client.behindMs(answer);
  return {
    keys: elementsOf(xml, 'Contents')
      .map((entry) => keyOf(entry, decode, behind))
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry.key.startsWith(prefix)),
    folders: elementsOf(xml, 'CommonPrefixes')
      .map((entry) => decode(textOf(entry, 'Prefix') ?? ''))
      .filter((folder) => folder.startsWith(prefix) && folder !== prefix),
    next,
  };
}

const DAY_MS = 86_400_000;

/** Keys below a prefix, page by page. */
export async function* listKeys(client: S3Client, request: ListRequest): AsyncIterable<ListedKey> {
  let left = request.limit ?? Infinity;
  for (let from: string | undefined; ;) {
    const page = await listPage(client, { ...request, from, ...(left < 1000 ? { limit: left } : {}) });
    for (const entry of page.keys) {
      if (left-- > 0) yield entry;
    }
    from = page.next;
    if (from === undefined || left <= 0) return;
  }
}

/** Folders right below a prefix. */
export async function listFolders(client: S3Client, prefix: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (let from: string | undefined; ;) {
    const page = await listPage(client, { prefix, delimiter: '/', from });
    folders.push(...page.folders);
    from = page.next;
    if (from === undefined) return folders;
  }
}

/** Keys below several prefixes, in no order, some listed at once. */
export async function* listKeysOfAll(
  client: S3Client,
  prefixes: readonly string[],
  signal?: AbortSignal,
): AsyncIterable<ListedKey> {
  const waiting = prefixes.values();
  const running = new Set<Promise<Step>>();
  const start = (prefix: string, from?: string): void => {
    const step: Promise<Step> = listPage(client, { prefix, from, signal }).then((page) => ({
      step,
      prefix,
      page,
    }));
    running.add(step);
  };
  const startNext = (): void => {
    const { value } = waiting.next();
    if (value !== undefined) start(value);
  };
  try {
    for (let count = 0; count < WIDTH; count++) startNext();
    while (running.size > 0) {
      const { step, prefix, page } = await Promise.race(running);
      running.delete(step);
      if (page.next === undefined) startNext();
      else start(prefix, page.next);
      yield* page.keys;
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/** Listings at once: AWS answers each in some 100 ms. */
const WIDTH = 32;

interface Step {
  readonly step: Promise<Step>;
  readonly prefix: string;
  readonly page: Page;
}

function keyOf(entry: string, decode: (text: string) => string, behind: number): ListedKey | undefined {
  const key = decode(textOf(entry, 'Key') ?? '');
  const size = Number(textOf(entry, 'Size') ?? 'none');
  const at = Date.parse(textOf(entry, 'LastModified') ?? '');
  if (key === '' || !Number.isSafeInteger(size) || Number.isNaN(at)) return undefined;
  // An object of parts has the time at which its upload began, and uploads are taken up within a day.
  const etag = textOf(entry, 'ETag') ?? '';
  const begun = /-\d+/.test(etag) ? DAY_MS : 0;
  return { key, size, since: at + 999 + begun + behind, etag };
}

/** S3 encodes a space as `+`. A text that isn't encoded rightly names nothing. */
function decodeUrl(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}

function badListing(client: S3Client, fact: string): Error {
  return damaged(
    'bad-listing',
    `the listing of s3://${client.address.bucket} from ${client.endpointUrl} ${fact}`,
    "Look at the store's endpoint and path_style in .datawf/config.yaml: is this an S3 server?",
  );
}
