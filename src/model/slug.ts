import { digestHex } from '../util/blake3.ts';

const LONGEST = 40;

/**
 * A name as a piece of a store's prefix or of a Kubernetes name: lowercase letters, digits and single dashes, at most 40 of
 * them. One that had to be changed for that ends in `-` and 8 digits of the name's digest, so that no two names meet by chance.
 */
export function slug(name: string): string {
  if (name.length <= LONGEST && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return name;
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, LONGEST - 9)
    .replace(/-$/, '');
  const digest = digestHex(name).slice(0, 8);
  return words === '' ? digest : `${words}-${digest}`;
}
