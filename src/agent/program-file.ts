import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** ELF's numbers of machines (e_machine) by Node's names of architectures. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183, arm: 40, ia32: 3, riscv64: 243 };
const MACHINE_AT = 18;

/**
 * Whether a program that couldn't be started is there after all, as an ELF file for another kind of machine: the system calls that
 * "not found", too. `cwd` and the PATH of `env` say where it is looked for.
 */
export function isForOtherMachine(
  program: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): boolean {
  const folders = program.includes('/') ? [''] : (env['PATH'] ?? '').split(':');
  for (const folder of folders) {
    const named = folder === '' ? program : `${folder}/${program}`;
    const machine = machineOf(named.startsWith('/') ? named : `${cwd}/${named}`);
    if (machine !== undefined) return machine !== MACHINES[process.arch];
  }
  return false;
}

function machineOf(file: string): number | undefined {
  try {
    if (!statSync(file).isFile()) return undefined;
    const head = Buffer.alloc(MACHINE_AT + 2);
    const fd = openSync(file, 'r');
    try {
      if (readSync(fd, head, 0, head.length, 0) < head.length) return undefined;
    } finally {
      closeSync(fd);
    }
    const isElf = head.toString('latin1', 0, 4) === '\x7fELF';
    const isBigEndian = head[5] === 2;
    if (!isElf) return undefined;
    return isBigEndian ? head.readUInt16BE(MACHINE_AT) : head.readUInt16LE(MACHINE_AT);
  } catch {
    return undefined;
  }
}
