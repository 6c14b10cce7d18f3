import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The real binary. */
export const DATAWF = [process.execPath, fileURLToPath(new URL('../../bin/datawf.js', import.meta.url))];

/** Surroundings of every timed process: nothing of this machine's git, no certificates to load, no color. */
export function benchEnv() {
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^(GIT_|DATAWF_|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|FORCE_COLOR)/.test(name)) delete env[name];
  const person = { name: 'Bench', mail: 'bench@example.org' };
  return {
    ...env,
    NO_COLOR: '1',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    // No collection in the background while something is timed.
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'gc.auto',
    GIT_CONFIG_VALUE_0: '0',
    GIT_AUTHOR_NAME: person.name,
    GIT_AUTHOR_EMAIL: person.mail,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.mail,
  };
}

/** Runs a command to its end: wall milliseconds, stdout, and with `memory` the peak resident MB. Throws where it fails. */
export function run(argv, { cwd, memory = false, env = benchEnv() } = {}) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(argv[0], argv.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = [];
    const err = [];
    let peak = 0;
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    const poll = memory ? setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 10) : undefined;
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(poll);
      const ms = performance.now() - start;
      const stdout = Buffer.concat(out).toString();
      if (code === 0) resolve({ ms, stdout, peakMB: peak });
      else
        reject(
          new Error(`${Buffer.concat(err)}${stdout}\n${argv.join(' ')} ended with ${code}`.slice(0, 2000)),
        );
    });
  });
}

/** The kernel's own high-water mark, so that polling misses at most what comes in the last 10 ms. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** A shell line, for peers that are pipelines. */
export function sh(line, options) {
  return run(['/bin/sh', '-c', line], options);
}

export function datawf(args, options) {
  return run([...DATAWF, ...args], options);
}

/** Those of the programs that aren't in PATH. */
export function missing(programs) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Alternates the two, the first to go changing by round; answers both lists of milliseconds. */
export async function alternate(rounds, { prepare, subject, peer }) {
  const times = { subject: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    const context = await prepare?.(round);
    const turns = [
      async () => times.subject.push((await subject(context, round)).ms),
      async () => peer && times.peer.push((await peer(context, round)).ms),
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  return times;
}
