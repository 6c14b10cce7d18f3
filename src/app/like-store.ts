import type { StoreConfig } from '../model/config.ts';
import type { AppContext } from './ports.ts';

/** How a bucket is reached is said of a store in it, or else of the store that the branch writes. */
export function likeStore(
  { config }: AppContext,
  url: string,
  write: StoreConfig | undefined,
): Omit<StoreConfig, 'url'> {
  const bucketOf = (text: string): string | undefined => /^s3:\/\/[^/]+/.exec(text)?.[0];
  const bucket = bucketOf(url);
  const same = [...config.stores.values()].find(
    (store) => bucket !== undefined && bucketOf(store.url) === bucket,
  );
  const near = same ?? (write !== undefined && bucketOf(write.url) !== undefined ? write : undefined);
  const { region, endpoint, pathStyle = false, ca } = near ?? {};
  return { name: 'other', region, endpoint, pathStyle, ca };
}
