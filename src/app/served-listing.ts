import { listingXml } from '../formats/s3-answer.ts';
import { errorAnswer, xmlAnswer, type Answer } from './serve-answer.ts';
import type { ServedVersion } from './served-version.ts';

/** Keys of a page at most, as S3 has it. */
const PAGE = 1000;

/** Where a listing goes on: in the commit that it began with, whatever the branch is now. */
interface Token {
  readonly commit: string;
  readonly after: string;
}

/** A bucket's listing to answer. */
export interface ListingRequest {
  readonly bucket: string;
  readonly commit: string;
  readonly query: URLSearchParams;
  readonly open: (commit: string) => Promise<ServedVersion>;
}

/** ListObjectsV2, or ListObjects where the query has no `list-type=2`. */
export async function listingAnswer({ bucket, commit, query, open }: ListingRequest): Promise<Answer> {
  const isFirstVersion = query.get('list-type') !== '2';
  const refuse = (name: string): Answer =>
    errorAnswer('InvalidArgument', `${name} can't be ${JSON.stringify(query.get(name))}`, `/${bucket}`);
  const wanted = query.get('max-keys') ?? String(PAGE);
  if (!/^\d{1,9}$/.test(wanted)) return refuse('max-keys');
  const encoding = query.get('encoding-type') ?? '';
  if (encoding !== '' && encoding !== 'url') return refuse('encoding-type');
  const token = isFirstVersion ? undefined : (query.get('continuation-token') ?? undefined);
  const begun = token === undefined ? undefined : readToken(token);
  if (token !== undefined && begun === undefined) return refuse('continuation-token');

  const version = await open(begun?.commit ?? commit);
  const limit = Math.min(PAGE, Number(wanted));
  const [prefix, delimiter, start] = ['prefix', 'delimiter', isFirstVersion ? 'marker' : 'start-after'].map(
    (name) => query.get(name) ?? '',
  ) as [string, string, string];
  const view =
    limit === 0
      ? { files: [], folders: [], last: undefined }
      : await version.list({ prefix, delimiter, after: begun?.after ?? start, limit });
  const { last } = view;
  const nextToken = last && writeToken({ commit: begun?.commit ?? commit, after: last });
  return xmlAnswer(
    listingXml({
      bucket,
      prefix,
      delimiter,
      limit: Number(wanted),
      isFirstVersion,
      encodes: encoding === 'url',
      after: start,
      token,
      keys: view.files.map(({ path, size, etag }) => ({ key: path, size, etag })),
      folders: view.folders,
      next: isFirstVersion ? last : nextToken,
      time: version.time,
    }),
  );
}

function writeToken({ commit, after }: Token): string {
  return Buffer.from(`${commit} ${after}`).toString('base64url');
}

function readToken(text: string): Token | undefined {
  const [, commit, after] =
    /^([0-9a-f]{40,64}) ([^]+)$/.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  return commit === undefined || after === undefined ? undefined : { commit, after };
}
