import { closeSync, fstatSync, openSync, read, readFileSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { createHasher, digestHex } from '../util/blake3.ts';
import { wrongBytes } from './faults.ts';
import { isForLater, type S3Client } from './s3-client.ts';
import type { S3Guard } from './s3-guard.ts';
import { onAbort } from './s3-abort.ts';
import { isThere } from './s3-presence.ts';
import { CREATE_ONLY } from './s3-put.ts';
import { Slots, type Buffers } from './s3-slots.ts';
import { UploadRecord } from './s3-upload-record.ts';
import { elementsOf, encodeText, printable, textOf } from './s3-xml.ts';

const readAt = promisify(read);

const MIB = 1 << 20;
/** S3's limits: the number of parts, and the least that one but the last may have is 5 MiB. */
const MOST_PARTS = 10_000;
/** An upload's last step, and a copy, take the server's time. */
export const LONG_IDLE_MS = 10 * 60_000;

export interface UploadRequest {
  readonly client: S3Client;
  readonly guard: S3Guard;
  readonly url: string;
  readonly key: string;
  readonly digest: Digest;
  /** Absolute. */
  readonly file: string;
  readonly buffers: Buffers;
  /** Where it is recorded how far an upload came. */
  readonly tempFolder: string;
  readonly now: () => number;
  /** Bytes from which a file goes up in parts. */
  readonly partsFrom: number;
  /** Bytes of a part, unless that made too many. */
  readonly partBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Read in one go, and not counted: 64 at once are nothing. */
const SMALL = 64 * 1024;
/** What is asked for before its bytes are sent: below, sending costs no more than asking. */
const ASK_FROM = MIB;

/**
 * Stores a file under its digest's key, hashed on the way: whole, or in parts from `partsFrom` on, some at once. Raises
 * `corrupt-object` (exit 7) where the bytes aren't the digest's; nothing is there under the key then. File system errors
 * come as they are.
 */
export async function uploadFile(request: UploadRequest): Promise<void> {
  const { client, guard, key, file, signal } = request;
  signal?.throwIfAborted();
  const createOnly = await guard.prepare();
  const fd = openSync(file, 'r');
  try {
    const stat = fstatSync(fd);
    if (stat.size >= ASK_FROM && (await isThere(client, key, signal))) return;
    const source = { fd, stat, createOnly };
    if (stat.size >= request.partsFrom) await uploadParts(request, source);
    else await uploadWhole(request, source);
  } finally {
    closeSync(fd);
  }
}

interface Source {
  readonly fd: number;
  readonly stat: Stats;
  readonly createOnly: boolean;
}

async function uploadWhole(request: UploadRequest, { fd, stat, createOnly }: Source): Promise<void> {
  const { client, key, url, digest, buffers, signal } = request;
  const borrowed =
    stat.size < SMALL ? undefined : await buffers.take(stat.size, signal === undefined ? [] : [signal]);
  try {
    const bytes =
      borrowed === undefined
        ? readFileSync(fd)
        : borrowed.bytes.subarray(0, await readWhole(fd, borrowed.bytes, 0));
    const found = digestHex(bytes);
    if (found !== digest) throw wrongBytes(url, digest, found);
    await client.send({
      method: 'PUT',
      action: 's3:PutObject',
      key,
      body: bytes,
      unsigned: bytes.byteLength >= MIB,
      ...(createOnly ? { headers: CREATE_ONLY, accept: [412] } : {}),
      signal,
    });
  } finally {
    borrowed?.give();
  }
}

async function uploadParts(request: UploadRequest, source: Source): Promise<void> {
  const { stat } = source;
  const partBytes = partBytesFor(stat.size, request.partBytes);
  const record = await openUpload(request, { partBytes, stat });
  try {
    await sendParts(request, source, record);
    await complete(request, source.createOnly, record);
    record.remove();
  } catch (error) {
    if (!isForLater(error)) await abandon(request, record);
    throw error;
  }
}

/** The bytes of a part that were wished for, or as many whole MiB as it takes. */
export function partBytesFor(size: number, wished: number): number {
  return size <= wished * MOST_PARTS ? wished : Math.ceil(size / MOST_PARTS / MIB) * MIB;
}

/** An own upload of the same bytes that was interrupted, or a new one. */
async function openUpload(
  request: UploadRequest,
  part: { readonly partBytes: number; readonly stat: Stats },
): Promise<UploadRecord> {
  const { client, key, tempFolder, now, signal } = request;
  const facts = { bucket: client.address.bucket, endpoint: client.endpointUrl, key, ...part };
  const earlier = UploadRecord.read(tempFolder, facts, now());
  if (earlier !== undefined) {
    if (earlier.isFresh && earlier.keepOnly(await listParts(request, earlier.uploadId))) return earlier;
    await abandon(request, earlier);
  }
  const answer = await client.send({
    method: 'POST',
    action: 's3:PutObject',
    key,
    query: { uploads: '' },
    signal,
  });
  const uploadId = textOf(answer.body.toString(), 'UploadId') ?? '';
  return UploadRecord.create(tempFolder, { ...facts, uploadId }, now());
}

/** Parts that the server has of an upload, as `number etag`; undefined where it doesn't know the upload. */
async function listParts(request: UploadRequest, uploadId: string): Promise<ReadonlySet<string> | undefined> {
  const { client, key, signal } = request;
  const parts = new Set<string>();
  for (let after = '0'; ;) {
    const answer = await client.send({
      method: 'GET',
      action: 's3:ListMultipartUploadParts',
      key,
      query: { uploadId, 'part-number-marker': after },
      accept: [404],
      signal,
    });
    if (answer.status === 404) return undefined;
    const xml = answer.body.toString();
    for (const part of elementsOf(xml, 'Part')) {
      const [number = '', etag = '', size = ''] = ['PartNumber', 'ETag', 'Size'].map((name) =>
        textOf(part, name),
      );
      parts.add(`${number} ${etag.replaceAll('"', '')} ${size}`);
    }
    const next = textOf(xml, 'NextPartNumberMarker');
    if (textOf(xml, 'IsTruncated') !== 'true' || next === undefined || next === after) return parts;
    after = next;
  }
}

/** At once of one file; more of a smaller part size don't help. */
const PARTS_AT_ONCE = 6;

/** Reads the file once from its beginning, hashes it in order, and sends the parts that aren't there, some at once. */
async function sendParts(request: UploadRequest, { fd, stat }: Source, record: UploadRecord): Promise<void> {
  const { buffers, digest, url, signal } = request;
  const stop = new AbortController();
  const forget = onAbort(signal === undefined ? [] : [signal], () => {
    stop.abort(signal?.reason);
  });
  const signals = [stop.signal];
  const hasher = createHasher();
  const turns = new Slots(PARTS_AT_ONCE);
  const running: Promise<void>[] = [];
  try {
    for (let number = 1, from = 0; from < stat.size; number++, from += record.partBytes) {
      const giveTurn = await turns.take(1, signals);
      const borrowed = await buffers.take(Math.min(record.partBytes, stat.size - from), signals);
      const give = (): void => {
        borrowed.give();
        giveTurn();
      };
      try {
        const got = await readWhole(fd, borrowed.bytes, from);
        hasher.update(borrowed.bytes.subarray(0, got));
      } catch (error) {
        give();
        throw error;
      }
      if (record.has(number)) {
        give();
        continue;
      }
      const sending = sendPart(request, record, { number, bytes: borrowed.bytes, signal: stop.signal });
      running.push(sending.catch((error: unknown) => stop.abort(error)).finally(give));
    }
    const found = hasher.digestHex();
    if (found !== digest) throw wrongBytes(url, digest, found);
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    await Promise.all(running);
    forget();
  }
  stop.signal.throwIfAborted();
}

interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
}

async function sendPart(request: UploadRequest, record: UploadRecord, part: Part): Promise<void> {
  const { number, bytes, signal } = part;
  const answer = await request.client.send({
    method: 'PUT',
    action: 's3:PutObject',
    key: request.key,
    query: { partNumber: String(number), uploadId: record.uploadId },
    body: bytes,
    unsigned: true,
    signal,
  });
  record.add(number, answer.headers.etag ?? '', bytes.byteLength);
}

/** Joins the parts. A lost answer to an earlier try shows as an upload that is gone and an object that is there. */
async function complete(request: UploadRequest, createOnly: boolean, record: UploadRecord): Promise<void> {
  const { client, key, signal } = request;
  const parts = record.parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${encodeText(etag)}</ETag></Part>`,
  );
  const answer = await client.send({
    method: 'POST',
    action: 's3:PutObject',
    key,
    query: { uploadId: record.uploadId },
    headers: createOnly ? CREATE_ONLY : {},
    body: Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`),
    accept: [404, 412],
    idleMs: LONG_IDLE_MS,
    signal,
  });
  if (answer.status === 412) {
    await abandon(request, record);
    return;
  }
  const xml = answer.body.toString();
  if (answer.status !== 404 && !/<Error[\s>]/.test(xml)) return;
  if (await isThere(client, key, signal)) return;
  record.remove();
  throw new Problem({
    code: 'upload-lost',
    message: `${client.endpointUrl} has lost the upload of ${key} (${printable(textOf(xml, 'Code') ?? 'no reason given')})`,
    hint: 'Run the same command again: it is sent anew.',
    exit: EXIT.transient,
  });
}

/** What the server has of an upload is dropped; where it can't be, the bucket's rule for unfinished uploads does it. */
async function abandon(request: UploadRequest, record: UploadRecord): Promise<void> {
  record.remove();
  const { client, key } = request;
  const query = { uploadId: record.uploadId };
  await client
    .send({ method: 'DELETE', action: 's3:AbortMultipartUpload', key, query, accept: [404] })
    .catch(() => undefined);
}

/** Fills a buffer from a place in a file, as far as there is something; answers how far. */
async function readWhole(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  let at = 0;
  while (at < bytes.byteLength) {
    const { bytesRead } = await readAt(fd, bytes, at, bytes.byteLength - at, position + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at;
}
