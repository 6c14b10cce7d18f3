const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

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
  for (const letter of id.slice(0, 10)) time = time * 32 + ALPHABET.indexOf(letter);
  return time;
}
