/*
 * Pieces of the YAML that datawf writes itself. One value has one text, which YAML 1.1 and 1.2 readers take for the same.
 */

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
const WORD = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A text as a key: plain where that is safe everywhere, else as `textValue`. */
export function keyText(text: string): string {
  return PLAIN_KEY.test(text) && !WORD.test(text) ? text : textValue(text);
}

/** A text as a double-quoted scalar in one line. */
export function textValue(text: string): string {
  return JSON.stringify(text).replace(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const UNPRINTABLE = /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g;

const NUMERIC = /^[0-9]+(e[0-9]+)?$/;

/** A digest: plain, but for the one in 10¹² that YAML takes for a number. */
export function digestText(digest: string): string {
  return NUMERIC.test(digest) ? `"${digest}"` : digest;
}
