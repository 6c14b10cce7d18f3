import { resolve } from 'node:path';
import type { StoreConfig } from '../model/config.ts';
import { invalid } from '../model/problem.ts';
import { DiskStore } from './disk-store.ts';
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
  /** For unfinished files. */
  readonly tempFolder: string;
}

/** The store of a configuration: a folder, or a prefix in a bucket. Asks it nothing yet. */
export async function openStore({ config, root }: OpenRequest): Promise<Store> {
  if (!config.url.startsWith('s3://')) return new DiskStore(resolve(root, config.url));
  throw invalid(
    'not-supported',
    `the store ${config.name} is ${config.url}, and this version has stores in folders only`,
    'Name a folder as its url in .datawf/config.yaml.',
  );
}
