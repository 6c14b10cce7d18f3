import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCounters } from '../../../src/agent/cgroup.ts';
import { inject } from '../../../src/agent/inject.ts';
import { isForOtherMachine } from '../../../src/agent/program-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/datawf-agent-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, bytes: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(`${folder}/${path}`), { recursive: true });
  writeFileSync(`${folder}/${path}`, bytes, { mode });
}

describe("a container's counters", () => {
  it('are read from version 2 of cgroups', () => {
    put('memory.events', 'low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n');
    put('memory.max', '104857600\n');
    put('cpu.stat', 'usage_usec 1500000\nuser_usec 1\n');
    expect(readCounters(folder)).toEqual({ oomKills: 2, memoryLimit: 104857600, cpuSeconds: 1.5 });
    put('memory.max', 'max\n');
    expect(readCounters(folder).memoryLimit).toBeUndefined();
  });

  it('are read from version 1', () => {
    put('memory/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
    put('memory/memory.limit_in_bytes', '9223372036854771712\n');
    put('cpuacct/cpuacct.usage', '2500000000\n');
    expect(readCounters(folder)).toEqual({ oomKills: 1, memoryLimit: undefined, cpuSeconds: 2.5 });
  });

  it('are unknown where the kernel does not tell', () => {
    expect(readCounters(folder)).toEqual({
      oomKills: undefined,
      memoryLimit: undefined,
      cpuSeconds: undefined,
    });
  });
});

describe('a program that could not be started', () => {
  const isOther = (program: string): boolean => isForOtherMachine(program, folder, { PATH: `${folder}/bin` });

  it('is for another machine where its ELF header says so', () => {
    const own = readFileSync(process.execPath).subarray(0, 64);
    const other = Buffer.from(own);
    other.writeUInt16LE(8, 18);
    put('bin/own', own, 0o755);
    put('bin/other', other, 0o755);
    put('bin/script', '#!/no/such/interpreter\n', 0o755);
    expect(['own', 'other', 'script', 'absent', './bin/other', `${folder}/bin/other`].map(isOther)).toEqual([
      false,
      true,
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('inject', () => {
  it('copies the agent and makes the folders that are mounted by parts', () => {
    put('image/node', 'x', 0o755);
    put('image/lib/libc.so.6', 'y');
    mkdirSync(`${folder}/dwf`);
    inject({ from: `${folder}/image`, to: `${folder}/dwf` });
    inject({ from: `${folder}/image`, to: `${folder}/dwf` });
    const mode = (path: string): string => (statSync(`${folder}/dwf/${path}`).mode & 0o7777).toString(8);
    expect(['agent/node', 'agent/lib', 'agent/lib/libc.so.6', 'in', 'ws', 'store'].map(mode)).toEqual([
      '555',
      '755',
      '444',
      '2770',
      '2770',
      '2770',
    ]);
  });
});
