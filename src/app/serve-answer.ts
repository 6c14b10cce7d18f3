import type { IncomingHttpHeaders } from 'node:http';
import { namesEtag, rangeOf } from '../formats/http-range.ts';
import { errorXml } from '../formats/s3-answer.ts';
import type { ServedFile } from './served-version.ts';

/** A request as far as answers depend on it. */
export interface ServeRequest {
  readonly method: string;
  /** Encoded, as it came, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What is answered; of a HEAD the body isn't sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text, bytes, or a part of a file with its ends included. */
  readonly body: string | Uint8Array | FilePart;
}

export interface FilePart {
  /** Absolute. */
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** What a page may do in a browser: show itself. */
export const QUIET =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

export function xmlAnswer(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

/** An error of S3, by its code. */
export function errorAnswer(code: ErrorCode, message: string, place: string): Answer {
  return { ...xmlAnswer(errorXml(code, message, place)), status: STATUS[code] };
}

export type ErrorCode = keyof typeof STATUS;

const STATUS = {
  AccessDenied: 403,
  InternalError: 500,
  InvalidArgument: 400,
  InvalidRange: 416,
  InvalidURI: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  ServiceUnavailable: 503,
} as const;

/** A file as an object, or the part or the word that the request's conditions want. `open` gives its bytes, and is called only for them. */
export async function objectAnswer(
  request: ServeRequest,
  file: ServedFile,
  { time, open }: { readonly time: number; readonly open: () => Promise<string | Uint8Array> },
): Promise<Answer> {
  const { headers, method } = request;
  const { etag, size, path } = file;
  const own = {
    etag: `"${etag}"`,
    'last-modified': new Date(time).toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
  };
  const match = headers['if-match'];
  if (match !== undefined && !namesEtag(match, etag))
    return errorAnswer('PreconditionFailed', 'the object has another ETag', path);
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && namesEtag(noneMatch, etag)) return { status: 304, headers: own, body: '' };
  const ifRange = headers['if-range'];
  const isSame = typeof ifRange !== 'string' || namesEtag(ifRange, etag);
  const range = isSame ? rangeOf(headers.range, size) : undefined;
  if (range === 'unsatisfiable') {
    const refusal = errorAnswer('InvalidRange', 'the range lies outside of the object', path);
    return { ...refusal, headers: { ...refusal.headers, 'content-range': `bytes */${size}` } };
  }
  const { from, to } = range ?? { from: 0, to: size - 1 };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...own,
      'content-type': typeOf(path),
      'content-security-policy': `${QUIET}; sandbox allow-downloads`,
      'content-length': String(to - from + 1),
      ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${size}` }),
    },
    body: method === 'HEAD' || size === 0 ? '' : partOf(await open(), from, to),
  };
}

function partOf(content: string | Uint8Array, from: number, to: number): Answer['body'] {
  return typeof content === 'string' ? { file: content, from, to } : content.subarray(from, to + 1);
}

const TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv; charset=utf-8',
  gif: 'image/gif',
  htm: 'text/html; charset=utf-8',
  html: 'text/html; charset=utf-8',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/plain; charset=utf-8',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tsv: 'text/tab-separated-values; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  webp: 'image/webp',
  yaml: 'text/plain; charset=utf-8',
};

function typeOf(path: string): string {
  return TYPES[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream';
}
