import { join, resolve } from 'node:path';
import type { StoreConfig } from '../model/config.ts';
import { DiskStore } from './disk-store.ts';
import type { S3StoreOptions } from './s3-store.ts';
import { DiskShelf, type Shelf } from './shelf.ts';
import { DiskSource, type SourceTree } from './source-tree.ts';
import type { Store } from './store.ts';

/** What a store besides the local one is opened with. */
export interface OpenRequest {
  /** With placeholders replaced. */
  readonly config: StoreConfig;
  /** Top of the work tree, which relative folders begin at. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly random: () => number;
  /** For unfinished uploads, and what was learnt of the store. */
  readonly tempFolder: string;
  readonly signal: AbortSignal;
}

/** The store of a configuration: a folder, or a prefix in a bucket. Asks it nothing yet. */
export async function openStore(request: OpenRequest): Promise<Store> {
  const { config, root, tempFolder } = request;
  if (!config.url.startsWith('s3://'))
    return new DiskStore(resolve(root, config.url), join(tempFolder, 'was-there'));
  const { openS3Store } = await import('./s3-store.ts');
  return await openS3Store(s3Options(request));
}

/** The folder or prefix of a configuration as a place to publish to. Asks it nothing yet. */
export async function openShelf(request: OpenRequest): Promise<Shelf> {
  const { config, root } = request;
  if (!config.url.startsWith('s3://')) return new DiskShelf(resolve(root, config.url));
  const { openS3Shelf } = await import('./s3-store.ts');
  return await openS3Shelf(s3Options(request));
}

/** The folder or prefix of a configuration as files of somebody else's. Asks it nothing yet. */
export async function openSource(request: OpenRequest): Promise<SourceTree> {
  const { config, root } = request;
  if (!config.url.startsWith('s3://')) return new DiskSource(resolve(root, config.url));
  const { openS3Source } = await import('./s3-store.ts');
  return await openS3Source(s3Options(request));
}

function s3Options({ config, root, ...rest }: OpenRequest): S3StoreOptions {
  const { url, region, endpoint, pathStyle, ca } = config;
  return {
    ...rest,
    url,
    pathStyle,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(ca === undefined ? {} : { ca: resolve(root, ca) }),
  };
}
