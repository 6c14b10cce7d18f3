/*
 * What S3 says in XML: a few flat elements. A parser for all of XML would be more to trust; this one looks for tags by
 * name, so that whatever else the text holds is passed over.
 */

/** Texts of all elements of a name, decoded; nested markup stays as it is. Linear in the text. */
export function elementsOf(xml: string, name: string): string[] {
  const found: string[] = [];
  const open = `<${name}`;
  const close = `</${name}>`;
  for (let at = xml.indexOf(open); at >= 0; at = xml.indexOf(open, at)) {
    const start = xml.indexOf('>', at);
    if (start < 0) break;
    const after = xml.charAt(at + open.length);
    at = start + 1;
    if (!/[\s>]/.test(after)) continue;
    const end = xml.indexOf(close, at);
    if (end < 0) break;
    found.push(xml.slice(at, end));
    at = end + close.length;
  }
  return found;
}

/** Text of the first element of a name, decoded; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const [first] = elementsOf(xml, name);
  return first === undefined ? undefined : decodeText(first);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeText(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{2,4});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Text as it may stand in an element. */
export function encodeText(text: string): string {
  return text.replace(/[<>&"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** The server's words as they may be printed: one line without control characters, not long. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}
