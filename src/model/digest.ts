/** A BLAKE3-256 digest as 64 lowercase hex digits: the name of an object or a tree. */
export type Digest = string & { readonly __digest: true };

const DIGEST = /^[0-9a-f]{64}$/;

/** Whether a text has the form of a digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The text as a digest, or undefined where it isn't one. The only door from untrusted text to `Digest`. */
export function parseDigest(text: string): Digest | undefined {
  return isDigest(text) ? text : undefined;
}
