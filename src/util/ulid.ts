const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const VALUES = Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);

/**
 * A ULID: 26 characters of Crockford's base 32 that sort by time; 48 bits of `time` (epoch milliseconds), then 80 bits of
 * which `random` gives 16 numbers in [0, 1). Source: the ULID specification (github.com/ulid/spec).
 */
export function ulid(time: number, random: () => number): string {
  let head = '';
  for (let rest = Math.floor(time), index = 0; index < 10; index++, rest = Math.floor(rest / 32)) {
    head = ALPHABET.charAt(rest % 32) + head;
  }
  let tail = '';
  for (let index = 0; index < 16; index++) tail += ALPHABET.charAt(Math.floor(random() * 32) % 32);
  return head + tail;
}

/** Whether a text has the form of a whole ULID. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}

/** The time of a ULID in epoch milliseconds. */
export function ulidTime(id: string): number {
  let time = 0;
  for (let index = 0; index < 10; index++) time = time * 32 + (VALUES[id.charCodeAt(index)] ?? 0);
  return time;
}
