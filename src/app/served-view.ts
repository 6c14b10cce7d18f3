import { bucketsXml, s3Document } from '../formats/s3-answer.ts';
import type { Digest } from '../model/digest.ts';
import type { AppContext } from './ports.ts';
import { fileOf, type RecordedFile } from './recorded-file.ts';
import { errorAnswer, objectAnswer, xmlAnswer, type Answer, type ServeRequest } from './serve-answer.ts';
import { listingAnswer } from './served-listing.ts';
import { folderPage, hrefOf, versionsPage } from './served-pages.ts';
import { ServedRefs } from './served-refs.ts';
import { ServedVersion, type ServedFile } from './served-version.ts';

/** Versions kept open. */
const OPEN_VERSIONS = 8;

/** Questions about a bucket that this one has no answer to. */
const NOT_THERE =
  /^(accelerate|acl|analytics|attributes|cors|encryption|inventory|lifecycle|logging|metrics|notification|object-lock|ownershipControls|policy|policyStatus|publicAccessBlock|replication|requestPayment|retention|tagging|torrent|uploads|uploadId|versions|website)$/;

/** All versions of a repository's data, as S3 and as pages: read-only. A bucket is a branch, a tag or a commit. */
export class ServedView {
  readonly #ctx: AppContext;
  readonly #refs: ServedRefs;
  readonly #versions = new Map<string, Promise<ServedVersion>>();
  readonly #coming = new Map<Digest, Promise<string>>();

  constructor(ctx: AppContext) {
    this.#ctx = ctx;
    this.#refs = new ServedRefs(ctx);
  }

  /** Raises what keeps a file or listing from being read. */
  async answer(request: ServeRequest): Promise<Answer> {
    const { method, path, query } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      const refusal = errorAnswer('AccessDenied', 'this view is read-only', path);
      return { ...refusal, status: 405, headers: { ...refusal.headers, allow: 'GET, HEAD' } };
    }
    const place = readPath(path);
    if (place === undefined) return errorAnswer('InvalidURI', "the path can't be read", path);
    const { bucket, key } = place;
    if (bucket === '') return this.#versionsAnswer(request);
    const commit = await this.#refs.commitOf(bucket);
    if (commit === undefined)
      return errorAnswer('NoSuchBucket', `there is no branch, tag or commit ${bucket}`, path);
    const asked = [...query.keys()].find((name) => NOT_THERE.test(name));
    if (asked !== undefined) return errorAnswer('NotImplemented', `there is no ${asked} here`, path);
    return key === ''
      ? this.#bucketAnswer(request, bucket, commit)
      : this.#keyAnswer(request, { bucket, key, commit });
  }

  async #versionsAnswer(request: ServeRequest): Promise<Answer> {
    const refs = await this.#refs.list();
    if (wantsPage(request)) return versionsPage(refs);
    return xmlAnswer(bucketsXml(refs.map(({ bucket: name, time }) => ({ name, time }))));
  }

  async #bucketAnswer(request: ServeRequest, bucket: string, commit: string): Promise<Answer> {
    const { method, query } = request;
    const region = { 'x-amz-bucket-region': 'us-east-1' };
    if (method === 'HEAD') return { status: 200, headers: region, body: '' };
    if (query.has('location')) return xmlAnswer(s3Document('LocationConstraint'));
    if (query.has('versioning')) return xmlAnswer(s3Document('VersioningConfiguration'));
    const open = (id: string): Promise<ServedVersion> => this.#open(id);
    if (!wantsPage(request)) return listingAnswer({ bucket, commit, query, open });
    return folderPage(await open(commit), { bucket, folder: '', after: query.get('after') ?? '' });
  }

  async #keyAnswer(
    request: ServeRequest,
    { bucket, key, commit }: { readonly bucket: string; readonly key: string; readonly commit: string },
  ): Promise<Answer> {
    const version = await this.#open(commit);
    const file = key.endsWith('/') ? undefined : await version.find(key);
    if (file !== undefined) {
      const open = (): Promise<string | Uint8Array> => this.#contentOf(file);
      return objectAnswer(request, file, { time: version.time, open });
    }
    const folder = key.replace(/\/$/, '');
    if (wantsPage(request) || (key.endsWith('/') && !isSigned(request))) {
      if (await version.hasFolder(folder)) {
        if (!key.endsWith('/'))
          return { status: 302, headers: { location: hrefOf(bucket, `${key}/`) }, body: '' };
        return folderPage(version, { bucket, folder: key, after: request.query.get('after') ?? '' });
      }
    }
    return errorAnswer('NoSuchKey', `${bucket} has no file ${key}`, request.path);
  }

  /** A file with the bytes, which may have to be fetched first; of what git tracks the bytes. */
  #contentOf({ content }: ServedFile): Promise<string | Uint8Array> {
    if ('id' in content) return this.#ctx.git.readBlob(content.id);
    return this.#fileOf(content);
  }

  /** Many may ask for what is on its way. */
  #fileOf(content: RecordedFile): Promise<string> {
    const { digest } = content.entry;
    let coming = this.#coming.get(digest);
    if (coming === undefined) {
      coming = fileOf(this.#ctx, content).finally(() => this.#coming.delete(digest));
      this.#coming.set(digest, coming);
    }
    return coming;
  }

  #open(commit: string): Promise<ServedVersion> {
    const known = this.#versions.get(commit);
    const version = known ?? ServedVersion.open(this.#ctx, commit);
    this.#versions.delete(commit);
    this.#versions.set(commit, version);
    if (known === undefined) version.catch(() => this.#versions.delete(commit));
    for (const oldest of this.#versions.keys()) {
      if (this.#versions.size <= OPEN_VERSIONS) break;
      this.#versions.delete(oldest);
    }
    return version;
  }
}

/** The bucket and key of a path; undefined where it isn't encoded as paths are. */
function readPath(path: string): { readonly bucket: string; readonly key: string } | undefined {
  try {
    const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
    return { bucket, key: rest.join('/') };
  } catch {
    return undefined;
  }
}

function isSigned({ headers, query }: ServeRequest): boolean {
  return (
    headers.authorization !== undefined ||
    query.has('X-Amz-Algorithm') ||
    Object.keys(headers).some((name) => name.startsWith('x-amz-'))
  );
}

/** A browser asks, not a client of S3. */
function wantsPage(request: ServeRequest): boolean {
  const { headers, query } = request;
  const asks = ['list-type', 'prefix', 'delimiter', 'marker', 'max-keys', 'location', 'versioning'];
  return (
    !isSigned(request) &&
    headers.accept?.includes('text/html') === true &&
    !asks.some((name) => query.has(name))
  );
}
