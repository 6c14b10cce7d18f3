import { randomUUID } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { TEMP_PREFIX } from '../disk/atomic-file.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import type { Digest } from '../model/digest.ts';
import { createHasher, type Hasher } from '../util/blake3.ts';
import type { S3Client } from './s3-client.ts';
import { badRange } from './s3-faults.ts';
import { onAbort } from './s3-abort.ts';
import type { Head, Sink } from './s3-http.ts';
import type { Borrowed, Buffers } from './s3-slots.ts';

const writeAt = promisify(write);

export interface DownloadRequest {
  readonly client: S3Client;
  readonly key: string;
  readonly digest: Digest;
  /** Absolute; its folder exists. */
  readonly file: string;
  readonly buffers: Buffers;
  /** Bytes of a range; what fits into one comes by one request. */
  readonly rangeBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes an object to a file by temp + rename, and answers the digest that its bytes have; the file is there only where
 * that is the right one. Undefined where there is no such object. What is larger than a range comes by several at once;
 * they are hashed in order while they wait in memory, so that nothing is read again.
 */
export async function downloadFile(request: DownloadRequest): Promise<string | undefined> {
  const { digest, file } = request;
  const temp = `${dirname(file)}/${TEMP_PREFIX}${digest.slice(0, 16)}-${randomUUID()}`;
  let fd: number | undefined;
  try {
    fd = openSync(temp, 'wx');
    const found = await receive(request, fd);
    closeSync(fd);
    fd = undefined;
    if (found === digest) renameSync(temp, file);
    return found;
  } catch (error) {
    throw fsProblem(error, 'write', file);
  } finally {
    if (fd !== undefined) closeSync(fd);
    rmSync(temp, { force: true });
  }
}

/** What comes after the first range of a large object; begun when the first one's headers tell that there is more. */
interface Rest {
  readonly done: Promise<void>;
  /** Call it once the first range is hashed. */
  readonly goOn: (hasher: Hasher) => void;
  /** Ends it; without effect on one that is done. */
  readonly stop: (reason: Error) => void;
}

async function receive(request: DownloadRequest, fd: number): Promise<string | undefined> {
  const { client, key, rangeBytes, signal } = request;
  let hasher = createHasher();
  let rest: Rest | undefined;
  const sink = (head: Head): Sink | undefined => {
    if (head.status !== 200 && head.status !== 206) return undefined;
    hasher = createHasher();
    const total = head.status === 206 ? totalOf(head) : 0;
    if (total > rangeBytes) rest ??= receiveRest(request, fd, total);
    let at = 0;
    return (piece) => {
      hasher.update(piece);
      at = writeAll(fd, piece, at);
    };
  };
  try {
    const get = { method: 'GET', action: 's3:GetObject', key, sink, signal } as const;
    const answer = await client.send({
      ...get,
      headers: { range: `bytes=0-${rangeBytes - 1}` },
      accept: [404, 416],
    });
    if (answer.status === 404) return undefined;
    // A range of an empty object can't be satisfied.
    if (answer.status === 416 && (await client.send({ ...get, accept: [404] })).status === 404)
      return undefined;
    rest?.goOn(hasher);
    await rest?.done;
    return hasher.digestHex();
  } finally {
    rest?.stop(new Error('the download has ended'));
    await rest?.done.catch(() => undefined);
  }
}

function receiveRest(request: DownloadRequest, fd: number, total: number): Rest {
  const controller = new AbortController();
  let goOn: (hasher: Hasher) => void = () => undefined;
  let giveUp: (reason: Error) => void = () => undefined;
  const before = new Promise<Hasher>((resolve, reject) => {
    goOn = resolve;
    giveUp = reject;
  });
  before.catch(() => undefined);
  const done = receiveRanges(request, { fd, total, before, controller });
  // Waited for by whoever asked; until then a failure must not count as unheard.
  done.catch(() => undefined);
  const stop = (reason: Error): void => {
    controller.abort(reason);
    giveUp(reason);
  };
  return { done, goOn, stop };
}

interface Ranges {
  readonly fd: number;
  readonly total: number;
  /** The hash of the first range. */
  readonly before: Promise<Hasher>;
  readonly controller: AbortController;
}

/** Each range waits for room in memory, then comes beside the others, is written, and is hashed after those before it. */
async function receiveRanges(request: DownloadRequest, ranges: Ranges): Promise<void> {
  const { fd, total, before, controller } = ranges;
  const { buffers, rangeBytes, signal } = request;
  const forget = onAbort(signal === undefined ? [] : [signal], () => {
    controller.abort(signal?.reason);
  });
  const running: Promise<void>[] = [];
  let hashed: Promise<Hasher> = before;
  try {
    for (let from = rangeBytes; from < total; from += rangeBytes) {
      const borrowed = await buffers.take(Math.min(rangeBytes, total - from), [controller.signal]);
      hashed = hashAfter(
        hashed,
        receiveRange(request, { fd, from, borrowed, signal: controller.signal }),
        borrowed,
      );
      running.push(
        hashed.then(
          () => undefined,
          (error: unknown) => {
            controller.abort(error);
          },
        ),
      );
    }
    await hashed;
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    await Promise.all(running);
    forget();
  }
}

async function hashAfter(
  previous: Promise<Hasher>,
  arrived: Promise<void>,
  borrowed: Borrowed,
): Promise<Hasher> {
  const [hasher, arrival] = await Promise.allSettled([previous, arrived]);
  try {
    if (arrival.status === 'rejected') throw arrival.reason;
    if (hasher.status === 'rejected') throw hasher.reason;
    hasher.value.update(borrowed.bytes);
    return hasher.value;
  } finally {
    borrowed.give();
  }
}

interface Range {
  readonly fd: number;
  readonly from: number;
  readonly borrowed: Borrowed;
  readonly signal: AbortSignal;
}

async function receiveRange(request: DownloadRequest, { fd, from, borrowed, signal }: Range): Promise<void> {
  const { bytes } = borrowed;
  const to = from + bytes.byteLength - 1;
  const answer = await request.client.send({
    method: 'GET',
    action: 's3:GetObject',
    key: request.key,
    headers: { range: `bytes=${from}-${to}` },
    into: bytes,
    signal,
  });
  if (answer.status !== 206 || answer.received !== bytes.byteLength) {
    throw badRange(request.client.endpointUrl, request.key);
  }
  for (let at = 0; at < bytes.byteLength;) {
    at += (await writeAt(fd, bytes, at, bytes.byteLength - at, from + at)).bytesWritten;
  }
}

/** Bytes of the whole object, as the answer to a range tells; 0 where it doesn't. */
function totalOf(head: Head): number {
  const total = /\/(\d{1,16})$/.exec(head.headers['content-range'] ?? '')?.[1];
  return total === undefined ? 0 : Number(total);
}

/** A write may take less than it is given. Answers where the next one goes. */
function writeAll(fd: number, bytes: Uint8Array, position: number): number {
  for (let at = 0; at < bytes.byteLength;)
    at += writeSync(fd, bytes, at, bytes.byteLength - at, position + at);
  return position + bytes.byteLength;
}
