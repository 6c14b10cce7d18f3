import type { S3Client } from '@aws-sdk/client-s3';
import type { ChainIdentity, CredentialChain } from './s3-credentials.ts';
import { loadNode } from './s3-network.ts';
import { inParallel } from './s3-slots.ts';

/** What AWS's own client is made with. */
export interface SdkOptions {
  readonly region: string;
  /** Undefined for AWS's own, also where that is the dual-stack or FIPS one. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Certificates to trust besides the usual ones, as PEM. */
  readonly ca: string | undefined;
  /** Undefined where the configuration's default counts. */
  readonly profile: string | undefined;
  /** Who signs; AWS's standard chain where absent. */
  readonly credentials?: () => Promise<ChainIdentity>;
}

/** AWS's standard chain: profiles, SSO, roles, processes, web identities, containers, instances. Loading takes 0.2 s. */
export async function loadChain(options: SdkOptions): Promise<CredentialChain> {
  const client = await openClient(options);
  return (asked) => client.config.credentials(asked);
}

/** An object to copy within one service, in parts since it is too large for one request. */
export interface PartsCopy {
  readonly from: {
    readonly bucket: string;
    readonly key: string;
    /** Its ETag, where no other version may be copied. */
    readonly version: string | undefined;
  };
  readonly to: { readonly bucket: string; readonly key: string };
  /** Bytes of the object, and of a part. */
  readonly size: number;
  readonly partBytes: number;
  readonly createOnly: boolean;
  /** Told of each request. */
  readonly onRequest: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Parts at once: the server moves the bytes. */
const WIDTH = 8;

/**
 * Copies an object in parts without moving its bytes through here. False where the server wouldn't: nothing is left of it
 * then. Raises the signal's reason.
 */
export async function copyInParts(options: SdkOptions, copy: PartsCopy): Promise<boolean> {
  const { from, to, size, partBytes, createOnly, onRequest, signal } = copy;
  const client = await openClient(options);
  const abort = signal === undefined ? {} : { abortSignal: signal };
  const target = { Bucket: to.bucket, Key: to.key };
  let UploadId: string | undefined;
  try {
    onRequest();
    ({ UploadId } = await client.createMultipartUpload(target, abort));
    const upload = { ...target, UploadId };
    const match = from.version === undefined ? {} : { CopySourceIfMatch: from.version };
    const CopySource = `${from.bucket}/${encodeURIComponent(from.key).replaceAll('%2F', '/')}`;
    const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, at) => at + 1);
    const etags = new Map<number, string | undefined>();
    await inParallel(numbers, WIDTH, async (PartNumber) => {
      const first = (PartNumber - 1) * partBytes;
      const CopySourceRange = `bytes=${first}-${Math.min(size, first + partBytes) - 1}`;
      onRequest();
      const source = { CopySource, CopySourceRange, ...match };
      const part = await client.uploadPartCopy({ ...upload, ...source, PartNumber }, abort);
      etags.set(PartNumber, part.CopyPartResult?.ETag);
    });
    onRequest();
    await client.completeMultipartUpload(
      {
        ...upload,
        ...(createOnly ? { IfNoneMatch: '*' } : {}),
        MultipartUpload: {
          Parts: numbers.map((PartNumber) => ({ PartNumber, ETag: etags.get(PartNumber) })),
        },
      },
      abort,
    );
    return true;
  } catch (error) {
    onRequest();
    if (UploadId !== undefined)
      await client.abortMultipartUpload({ ...target, UploadId }).catch(() => undefined);
    signal?.throwIfAborted();
    return from.version === undefined && isPrecondition(error);
  } finally {
    client.destroy();
  }
}

function isPrecondition(error: unknown): boolean {
  return error instanceof Error && error.name === 'PreconditionFailed';
}

async function openClient(options: SdkOptions) {
  const { region, endpoint, pathStyle, ca, profile, credentials } = options;
  const { S3 } = await import('@aws-sdk/client-s3');
  const trusted = ca === undefined ? undefined : { ca: [...loadNode().tls.rootCertificates, ca] };
  return withoutNotice(
    () =>
      new S3({
        region,
        forcePathStyle: pathStyle,
        // Bytes are checked by their BLAKE3 digest; other servers than AWS refuse the SDK's own sums.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(profile === undefined ? {} : { profile }),
        ...(credentials === undefined ? {} : { credentials }),
        ...(trusted === undefined ? {} : { requestHandler: { httpsAgent: trusted } }),
      }),
  );
}

/** Makes a client without its notice that a later SDK will want a later Node; other warnings come through. */
function withoutNotice<Client extends S3Client>(make: () => Client): Client {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).startsWith('NodeVersionSupportWarning')) Reflect.apply(emitWarning, process, args);
  };
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
