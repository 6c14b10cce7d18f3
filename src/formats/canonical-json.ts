import { compareBytes } from '../model/repo-path.ts';

/**
 * The one JSON text of a value, used wherever a digest is taken of one: keys sorted by UTF-8 bytes, no spaces, fields that
 * are undefined left out. Takes what JSON can hold; throws a TypeError for anything else, which is a bug of the caller.
 * About 1 µs for a small object.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`);
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(canonicalJson).join(',')}]` : objectText(value);
    default:
      throw new TypeError(`JSON has no ${typeof value}`);
  }
}

function objectText(value: object): string {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length > 1) entries.sort(([a], [b]) => compareBytes(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
