/** A file of a tar archive. */
export interface TarEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'executable' | 'link';
  /** Bytes of its content; of a link 0. */
  readonly size: number;
  /** Of a link. */
  readonly target?: string;
}

/** Files with the bytes of each. */
export type TarSource = AsyncIterable<{
  readonly entry: TarEntry;
  readonly content: AsyncIterable<Uint8Array>;
}>;

const BLOCK = 512;

/**
 * The bytes of a tar archive of files in their order: the same files give the same bytes, since times, owners and groups are 0.
 * Names that the old header can't hold go into a pax header. Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */
export async function* tarBytes(files: TarSource): AsyncGenerator<Uint8Array> {
  for await (const { entry, content } of files) {
    yield tarHeader(entry);
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      yield chunk;
    }
    if (bytes !== entry.size) throw new Error(`${entry.path} has ${bytes} bytes, not ${entry.size}`);
    yield padding(bytes);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function tarHeader(entry: TarEntry): Uint8Array {
  const records: string[] = [];
  const name = fits(entry.path, 100) ? entry.path : 'long';
  if (name !== entry.path) records.push(paxRecord('path', entry.path));
  const target = entry.target ?? '';
  if (!fits(target, 100)) records.push(paxRecord('linkpath', target));
  if (entry.size > OCTAL_MAX) records.push(paxRecord('size', String(entry.size)));
  const type = entry.kind === 'link' ? '2' : '0';
  const mode = { file: 0o644, executable: 0o755, link: 0o777 }[entry.kind];
  const size = Math.min(entry.size, OCTAL_MAX);
  const own = headerBlock({ name, type, mode, size, target: fits(target, 100) ? target : 'long' });
  if (records.length === 0) return own;
  const pax = Buffer.from(records.join(''));
  const head = headerBlock({ name: 'pax', type: 'x', mode: 0o644, size: pax.byteLength, target: '' });
  return Buffer.concat([head, pax, padding(pax.byteLength), own]);
}

/** Eleven octal digits: 8 GiB. */
const OCTAL_MAX = 0o77777777777;

/** Only ASCII means the same to every reader of the old header. */
function fits(text: string, bytes: number): boolean {
  return text.length <= bytes && /^[\x20-\x7e]*$/.test(text);
}

/** `<length> <name>=<value>\n`, the length counting itself. */
function paxRecord(name: string, value: string): string {
  const rest = Buffer.byteLength(` ${name}=${value}\n`);
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${name}=${value}\n`;
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
}

function headerBlock({ name, type, mode, size, target }: Header): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0, 'latin1');
  block.write(octal(mode, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11), 100, 'latin1');
  block.write(`        ${type}${target}`, 148, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padding(bytes: number): Uint8Array {
  return Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
}
