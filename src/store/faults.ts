import { isUtf8 } from 'node:buffer';
import type { Digest } from '../model/digest.ts';
import { damaged, notFound, type Problem } from '../model/problem.ts';
import { digestHex } from '../util/blake3.ts';

/** The problems that every store raises alike (see `Store`). */

export function missingObject(url: string, digest: Digest): Problem {
  return notFound(
    'missing-object',
    `${url} doesn't have object ${digest}`,
    'Get it with `datawf pull`, or run the stage that makes it.',
  );
}

export function missingTree(url: string, digest: Digest): Problem {
  return notFound(
    'missing-tree',
    `${url} doesn't have tree ${digest}`,
    'Get it with `datawf pull`, or run the stage that makes it.',
  );
}

export function corruptObject(url: string, digest: Digest, found: string): Problem {
  return damaged(
    'corrupt-object',
    `object ${digest} of ${url} is damaged: its bytes have the digest ${found}`,
    'Get it again with `datawf pull`, or run the stage that makes it again.',
  );
}

export function corruptTree(url: string, digest: Digest, fact: string): Problem {
  return damaged(
    'corrupt-tree',
    `tree ${digest} of ${url} is damaged: ${fact}`,
    'Get it again with `datawf pull`, or run the stage that makes it again.',
  );
}

/** The text of a tree's node as a store had it, `missing-tree` or `corrupt-tree` where it is none. */
export function treeText(url: string, digest: Digest, bytes: Buffer | undefined): string {
  if (bytes === undefined) throw missingTree(url, digest);
  const found = digestHex(bytes);
  if (found !== digest) throw corruptTree(url, digest, `its bytes have the digest ${found}`);
  if (!isUtf8(bytes)) throw corruptTree(url, digest, 'it is not valid UTF-8');
  return bytes.toString();
}

/** Bytes offered under a name that isn't theirs. */
export function wrongBytes(url: string, digest: Digest, found: string): Problem {
  return damaged(
    'corrupt-object',
    `${url} refuses bytes with the digest ${found} under the name ${digest}`,
    'The file changed while it was read: run it again.',
  );
}

export function missingSegment(url: string, name: string): Problem {
  return notFound('missing-segment', `${url} doesn't have the results ${name}`);
}
