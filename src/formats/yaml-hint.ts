/**
 * The cure where a fault of YAML comes from a text that should have been quoted, above all a pattern: `{date:%Y}` reads
 * as a map, a leading `*` as an alias. Undefined where the line of the offset shows no such text.
 */
export function quotingHint(text: string, offset: number): string | undefined {
  const start = text.lastIndexOf('\n', Math.max(0, Math.min(offset, text.length) - 1)) + 1;
  const end = text.indexOf('\n', start);
  const line = text
    .slice(start, Math.min(end < 0 ? text.length : end, start + 500))
    .replace(/"[^"]*"|'[^']*'/g, (quoted) => ' '.repeat(quoted.length));
  const pattern = unquotedPattern(line);
  if (pattern !== undefined) return `Quote the pattern: "${pattern}"`;
  const special = /(?:[:,[{]|- ) *([%@`&!*][^\s,"']*)/.exec(line)?.[1];
  return special === undefined
    ? undefined
    : `Quote a text that begins with ${special.charAt(0)}: "${special}"`;
}

const CANDIDATE = /(?:^|[\s:,[{])((?:[\w./%-]*(?:\{[A-Za-z_]\w*(?::[^\s{}"',]*)?\}|\*))+[^\s,"'{}\]]*)/g;

function unquotedPattern(line: string): string | undefined {
  for (const match of line.matchAll(CANDIDATE)) {
    const word = match[1] ?? '';
    if (/[{*]/.test(word)) return word;
  }
  return undefined;
}
