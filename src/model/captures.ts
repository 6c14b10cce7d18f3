import { compareBytes } from './repo-path.ts';

/** A datum's values by capture name: plain text, or a time's ISO label. */
export type Captures = ReadonlyMap<string, string>;

/**
 * Canonical name of a datum: `date=2024-01-03&station=a`, sorted by name; `-` without captures. Only `%`, `&`, `=`, white
 * space and control characters are percent-encoded, so that it fits one field of a line; other text stays as it is.
 */
export function capturesText(captures: Captures): string {
  if (captures.size === 0) return '-';
  const names = [...captures.keys()];
  if (names.length > 1) names.sort(compareBytes);
  let text = '';
  for (const name of names) {
    text += `${text === '' ? '' : '&'}${name}=${encodeValue(captures.get(name) ?? '')}`;
  }
  return text;
}

/** The captures of a canonical name, sorted by name; undefined where the text is none (another order or encoding, too). */
export function parseCaptures(text: string): Map<string, string> | undefined {
  const captures = new Map<string, string>();
  if (text === '-') return captures;
  for (const field of text.split('&')) {
    const equals = field.indexOf('=');
    const value = decodeValue(field.slice(equals + 1));
    if (equals < 1 || value === undefined) return undefined;
    captures.set(field.slice(0, equals), value);
  }
  return capturesText(captures) === text ? captures : undefined;
}

/** A value as it stands in a canonical name. */
export function encodeValue(value: string): string {
  return SPECIAL.test(value) ? value.replace(SPECIALS, (character) => encodeURIComponent(character)) : value;
}

const SPECIAL = /[%&=\s\p{Cc}]/u;
const SPECIALS = /[%&=\s\p{Cc}]/gu;

function decodeValue(text: string): string | undefined {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    return undefined;
  }
}
