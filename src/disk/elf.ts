import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';

const PT_INTERP = 3;

/**
 * The program that loads an ELF program (`/lib64/ld-linux-x86-64.so.2`); undefined where the file is none of 64 bits,
 * little-endian, or needs none. Source: System V ABI, "Program Header".
 */
export function interpreterOf(file: string): string | undefined {
  const fd = openSync(file, 'r');
  try {
    const read = (at: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, at);
      return bytes;
    };
    const head = read(0, 64);
    if (head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
    const at = Number(head.readBigUInt64LE(32));
    const size = head.readUInt16LE(54);
    for (let index = 0; index < head.readUInt16LE(56); index++) {
      const entry = read(at + index * size, size);
      if (entry.readUInt32LE(0) !== PT_INTERP) continue;
      const text = read(Number(entry.readBigUInt64LE(8)), Number(entry.readBigUInt64LE(32)));
      return text.toString('latin1').replace(/\0.*$/s, '');
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Shared libraries of an ELF file, by the name that it is looked up by, as glibc's loader finds them here. */
export function librariesOf(file: string, loader: string): ReadonlyMap<string, string> {
  const libraries = new Map<string, string>();
  const listing = execFileSync(loader, ['--list', file], { encoding: 'utf8', env: {} });
  for (const line of listing.split('\n')) {
    const [, name, path] = /^\s*(\S+) => (\/\S+) \(0x/.exec(line) ?? [];
    if (name !== undefined && path !== undefined && !name.includes('/'))
      libraries.set(name, realpathSync(path));
  }
  return libraries;
}
