import { textOf } from '../run/process-table.ts';

/** What the kernel counts for this container. Undefined where it doesn't tell, or where there is no limit. */
export interface ContainerCounters {
  /** Processes killed for want of memory since the container began. */
  readonly oomKills: number | undefined;
  /** Bytes. */
  readonly memoryLimit: number | undefined;
  /** Processor time of everything that ever ran here. */
  readonly cpuSeconds: number | undefined;
}

const ROOT = '/sys/fs/cgroup';
/** What version 1 says where there is no limit is the largest number of pages. */
const NO_LIMIT = 2 ** 60;

/** Reads the counters, of either version of cgroups, below `root`. About 0.1 ms. */
export function readCounters(root = ROOT): ContainerCounters {
  const events = textOf(`${root}/memory.events`);
  return events === '' ? readVersion1(root) : readVersion2(root, events);
}

function readVersion2(root: string, events: string): ContainerCounters {
  const micros = counter(textOf(`${root}/cpu.stat`), 'usage_usec');
  return {
    oomKills: counter(events, 'oom_kill'),
    memoryLimit: amount(textOf(`${root}/memory.max`)),
    cpuSeconds: micros === undefined ? undefined : micros / 1e6,
  };
}

function readVersion1(root: string): ContainerCounters {
  const nanos = amount(textOf(`${root}/cpuacct/cpuacct.usage`));
  return {
    oomKills: counter(textOf(`${root}/memory/memory.oom_control`), 'oom_kill'),
    memoryLimit: amount(textOf(`${root}/memory/memory.limit_in_bytes`)),
    cpuSeconds: nanos === undefined ? undefined : nanos / 1e9,
  };
}

function counter(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function amount(text: string): number | undefined {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  return value === undefined || value >= NO_LIMIT ? undefined : value;
}
